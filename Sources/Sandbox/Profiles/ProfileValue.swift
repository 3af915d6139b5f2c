/// A value that a layer states for a field.
package enum ProfileValue: Hashable, Sendable {
    case text(String)
    /// In the unit of the field's ``Quantity``.
    case number(UInt64)
    /// `none` or `any`, where a quantity or an identity may be left open.
    case unlimited
    case list([String])
    case ports(Ports)
}

extension ProfileValue {
    /// The value as a profile writes it, on one line.
    package func written(as kind: ProfileKey.Kind) -> String {
        switch self {
        case .text(let text):
            if case .word = kind { return text }
            if case .name = kind { return text }
            return quoted(text)
        case .number(let number):
            if case .quantity(let quantity) = kind { return quantity.write(number) }
            return String(number)
        case .unlimited: return kind.isOpen ? "any" : "none"
        case .list(let items):
            if kind == .addresses || kind == .methods {
                return "[\(items.map { quoted($0) }.joined(separator: ", "))]"
            }
            return "[\(items.joined(separator: ", "))]"
        case .ports(.any): return "any"
        case .ports(.only([])): return "none"
        case .ports(.only(let ports)): return "[\(ports.map(String.init).joined(separator: ", "))]"
        }
    }
}

extension ProfileKey.Kind {
    /// What is not limited is written as `any`.
    fileprivate var isOpen: Bool {
        switch self {
        case .lineOrAny, .namesOrAny: true
        default: false
        }
    }
}

/// Where a value comes from.
package enum ProfileOrigin: Hashable, Sendable {
    case builtIn
    /// Line and column from 1.
    case file(String, line: Int, column: Int)
    /// Such as `--memory`.
    case option(String)
}

extension ProfileOrigin: CustomStringConvertible {
    /// `profiles/x.yaml:12`, `--memory` or `built-in default`.
    package var description: String {
        switch self {
        case .builtIn: "built-in default"
        case .file(let file, let line, _): "\(file):\(line)"
        case .option(let name): name
        }
    }
}

/// What can be stated and locked: a key, or one variable of the environment.
package struct ProfileField: Hashable, Sendable {
    package let key: ProfileKey
    /// The variable's name, with the key `environment`; else empty.
    package let variable: String

    package init(_ key: ProfileKey) {
        self.key = key
        variable = ""
    }

    package init(variable: String) {
        key = .environment
        self.variable = variable
    }

    /// Such as `limits.memory` or `environment.PATH`.
    package var path: String { key == .environment ? "environment.\(variable)" : key.rawValue }
}

/// A key, a section or a variable that nobody above may change.
package struct ProfileLock: Hashable, Sendable {
    /// Such as `limits`, `limits.memory`, `environment` or `environment.PATH`.
    package let path: String
    /// Where it is locked, for messages.
    package let origin: String

    package init(path: String, origin: String) {
        self.path = path
        self.origin = origin
    }

    package func covers(_ field: ProfileField) -> Bool { ProfileLock.covers(path, field.path) }

    static func covers(_ lock: String, _ path: String) -> Bool {
        guard path.utf8.starts(with: lock.utf8) else { return false }
        return path.utf8.count == lock.utf8.count
            || path.utf8.dropFirst(lock.utf8.count).first == UInt8(ascii: ".")
    }
}
