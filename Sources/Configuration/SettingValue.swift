import Network
package import Sandbox

/// The value of a key.
package enum SettingValue: Hashable, Sendable {
    case text(String)
    /// In bytes, milliseconds, thousandths of a cpu, permission bits or pieces, as the key's kind says.
    case number(UInt64)
    case range(ClosedRange<UInt64>)
    case list([String])
    case none

    /// As a file and a variable write it; a list is parted by colons, as in PATH.
    package func written(as kind: SettingKey.Kind) -> String {
        switch self {
        case .text(let text): text
        case .number(let number):
            if case .quantity(let quantity) = kind { quantity.write(number) } else { String(number) }
        case .range(let range): "\(range.lowerBound)-\(range.upperBound)"
        case .list(let items): items.joined(separator: ":")
        case .none: "none"
        }
    }
}

/// Where a value comes from.
package enum SettingOrigin: Hashable, Sendable {
    case builtIn
    case file(String, line: Int, column: Int)
    case variable(String)
    /// With its dashes.
    case option(String)

    /// A file, a variable or an option was asked for by somebody.
    package var isGiven: Bool { self != .builtIn }

    /// A variable or an option: of one call, not of a daemon's configuration.
    package var isOfTheCall: Bool {
        switch self {
        case .variable, .option: true
        default: false
        }
    }
}

extension SettingOrigin: CustomStringConvertible {
    package var description: String {
        switch self {
        case .builtIn: "default"
        case .file(let file, let line, _): "\(file):\(line)"
        case .variable(let name): name
        case .option(let name): name
        }
    }
}

extension SettingKey {
    /// The value that a variable or an option gives.
    package func read(_ text: String) throws(ValueError) -> SettingValue {
        switch kind {
        case .path: return try SettingKey.path(text)
        case .pathOrNone: return text == "none" ? .none : try SettingKey.path(text)
        case .paths:
            guard !text.isEmpty else { return .list([]) }
            var paths: [String] = []
            for part in text.split(separator: ":", omittingEmptySubsequences: false) {
                try SettingKey.add(String(part), to: &paths)
            }
            return .list(paths)
        case .addressOrNone: return text == "none" ? .none : try SettingKey.address(text)
        case .mounts:
            guard !text.isEmpty else { return .list([]) }
            var mounts = HostMounts()
            for part in text.split(separator: ":", omittingEmptySubsequences: false) {
                try mounts.add(String(part))
            }
            return .list(mounts.entries.map(\.text))
        case .tenantUIDs:
            guard !text.isEmpty else { return .list([]) }
            var uids = TenantUIDs()
            for part in text.split(separator: ":", omittingEmptySubsequences: false) {
                try uids.add(String(part))
            }
            return .list(uids.entries.map(\.text))
        case .name:
            try checkSimpleName(text)
            return .text(text)
        case .account: return try SettingKey.account(text)
        case .word(let words):
            guard words.contains(text) else {
                let cure = suggestion(for: text, in: words) ?? "expected \(words.joined(separator: ", "))"
                throw ValueError("\(quoted(text)) is not a value here; \(cure)")
            }
            return .text(text)
        case .quantity(let quantity): return try quantity.readOrNone(text).map(SettingValue.number) ?? .none
        case .range(let quantity): return try SettingKey.range(text, quantity)
        }
    }

    private static func path(_ text: String) throws(ValueError) -> SettingValue {
        try checkPath(text)
        return .text(text)
    }

    private static func address(_ text: String) throws(ValueError) -> SettingValue {
        guard let address = TCPAddress(text) else {
            throw ValueError(
                "\(quoted(text)) is not an address and a port; expected such as 127.0.0.1:7070, [::1]:7070, or none"
            )
        }
        return .text(address.description)
    }

    static func add(_ path: String, to paths: inout [String]) throws(ValueError) {
        try checkPath(path)
        if paths.contains(path) { throw ValueError("\(quoted(path)) is listed twice") }
        paths.append(path)
    }

    /// What useradd(8) takes, or a number.
    private static func account(_ text: String) throws(ValueError) -> SettingValue {
        if text == "none" { return .none }
        let bytes = Array(text.utf8)
        let isNumber = !bytes.isEmpty && bytes.allSatisfy { (0x30...0x39).contains($0) }
        // The last two stand for "no change" and, in 16 bits, for "nobody" (chown(2)).
        if isNumber, let number = UInt32(text), number < .max - 1 { return .text(text) }
        let allowed = bytes.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): index > 0
            default: false
            }
        }
        guard allowed, (1...32).contains(bytes.count) else {
            throw ValueError(
                "\(quoted(text)) is not a user or group; expected a name such as corral, a number, or none")
        }
        return .text(text)
    }

    private static func range(_ text: String, _ quantity: Quantity) throws(ValueError) -> SettingValue {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw ValueError("\(quoted(text)) is not a range; expected two numbers, such as 200000-265535")
        }
        let first = try quantity.read(String(parts[0]))
        let last = try quantity.read(String(parts[1]))
        guard first < last else {
            throw ValueError("\(quoted(text)) ends before it has two numbers; expected a larger second one")
        }
        return .range(first...last)
    }
}
