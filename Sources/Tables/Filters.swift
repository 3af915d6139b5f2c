package import Sandbox

/// `--filter KEY=VALUE`, as docker has it: values of one key are alternatives, but every label given has to
/// be there; what different keys say has to hold together.
package struct Filters: Hashable, Sendable {
    /// A key that a list can be filtered by.
    package struct Key: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case text
            /// `label=NAME` or `label=NAME=VALUE`.
            case label
            /// One of these.
            case words([String])
            /// As ``WallTime/read(_:now:)`` takes it; the value is kept in RFC 3339.
            case time
        }
        package let name: String
        package let kind: Kind

        package init(_ name: String, _ kind: Kind = .text) {
            self.name = name
            self.kind = kind
        }
    }

    package struct Filter: Hashable, Sendable {
        package let key: Key
        package let value: String

        /// As it was given, and as the API takes it.
        package var text: String { "\(key.name)=\(value)" }
    }

    package private(set) var all: [Filter] = []

    /// - Parameters:
    ///   - words: what was given, each `KEY=VALUE`.
    ///   - keys: those that the list knows.
    package init(_ words: [String], keys: [Key], now: WallTime) throws(ValueError) {
        for word in words { all.append(try Self.filter(word, keys, now)) }
    }

    private static func filter(_ word: String, _ keys: [Key], _ now: WallTime) throws(ValueError) -> Filter {
        let names = keys.map(\.name)
        guard let equals = word.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw ValueError("\(quoted(word)) has no =; expected KEY=VALUE with one of \(list(names)) as KEY")
        }
        let name = String(word[..<equals])
        let value = String(word[word.utf8.index(after: equals)...])
        guard let key = keys.first(where: { $0.name == name }) else {
            let cure = suggestion(for: name, in: names) ?? "expected one of \(list(names))"
            throw ValueError("\(quoted(name)) is nothing to filter by; \(cure)")
        }
        guard !value.isEmpty else { throw ValueError("\(name)= has no value") }
        switch key.kind {
        case .text: break
        case .label:
            guard value.utf8.first != UInt8(ascii: "=") else {
                throw ValueError("\(quoted(value)) has no name; expected label=NAME or label=NAME=VALUE")
            }
        case .words(let words):
            guard words.contains(value) else {
                let cure = suggestion(for: value, in: words) ?? "expected one of \(list(words))"
                throw ValueError("\(name): \(quoted(value)) is not a value; \(cure)")
            }
        case .time:
            do throws(ValueError) {
                return Filter(key: key, value: try WallTime.read(value, now: now).rfc3339)
            } catch {
                throw ValueError("\(name): \(error.problem)")
            }
        }
        return Filter(key: key, value: value)
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }

    /// Whether something is to be shown.
    /// - Parameter test: what one filter says to it.
    package func accept(_ test: (Filter) -> Bool) -> Bool {
        var passed: [Key: Bool] = [:]
        for filter in all {
            let result = test(filter)
            guard let before = passed[filter.key] else {
                passed[filter.key] = result
                continue
            }
            passed[filter.key] = filter.key.kind == .label ? before && result : before || result
        }
        return passed.values.allSatisfy { $0 }
    }

    /// What a label filter says to labels.
    package static func label(_ value: String, matches labels: [String: String]) -> Bool {
        let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let found = labels[String(parts[0])] else { return false }
        return parts.count == 1 || found.utf8.elementsEqual(parts[1].utf8)
    }
}

/// `--tail N|all`: how many lines from the end.
package enum Tail {
    /// Nil for all.
    package static func read(_ text: String) throws(ValueError) -> UInt64? {
        if text == "all" { return nil }
        do throws(ValueError) {
            return try Quantity(.count, 0...1_000_000_000).read(text)
        } catch {
            throw ValueError("\(error.problem), or all")
        }
    }
}

/// What somebody calls a thing: its name, its id, or the beginning of its id.
package enum Reference {
    /// The id that `text` means among these. A name counts before an id, a whole id before a beginning.
    /// - Parameters:
    ///   - things: ids with their names.
    ///   - noun: such as `session`.
    package static func resolve(
        _ text: String, among things: [(id: String, name: String?)], noun: String
    ) throws(ValueError) -> String {
        if let named = things.first(where: { $0.name == text }) { return named.id }
        if let whole = things.first(where: { $0.id == text }) { return whole.id }
        let begun = text.isEmpty ? [] : things.filter { $0.id.hasPrefix(text) }
        if begun.count == 1 { return begun[0].id }
        guard begun.isEmpty else {
            let some = begun.prefix(3).map { String($0.id.prefix(12)) }.joined(separator: ", ")
            throw ValueError(
                "\(quoted(text)) begins the ids of \(begun.count) \(noun)s (\(some)\(begun.count > 3 ? ", ..." : "")); "
                    + "give more of it")
        }
        let hint = suggestion(for: text, in: things.compactMap(\.name)).map { "; \($0)" } ?? ""
        throw ValueError("there is no \(noun) \(quoted(text))\(hint)")
    }
}
