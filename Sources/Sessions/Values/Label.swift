package import Sandbox

/// What somebody notes on a session, `key=value`.
package struct Label: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 63 of `A-Z`, `a-z`, `0-9`, `.`, `_`, `/` and `-`, the first a letter or digit.
    package let key: String
    /// At most 255 bytes without control characters; may be empty.
    package let value: String

    package init(key: String, value: String) throws(ValueError) {
        try TextRule.labelKey.check(key)
        try Label.checkValue(value)
        self.key = key
        self.value = value
    }

    /// Reads `key=value`; the first `=` ends the key.
    package init(_ text: String) throws(ValueError) {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw ValueError("\(quoted(text)) has no =; expected key=value")
        }
        try self.init(
            key: String(text[..<equals]), value: String(text[text.utf8.index(after: equals)...]))
    }

    package var description: String { "\(key)=\(value)" }

    private static func checkValue(_ text: String) throws(ValueError) {
        let count = text.utf8.count
        guard count <= 255 else {
            throw ValueError("the value of a label is \(count) bytes long; expected at most 255")
        }
        for (index, scalar) in text.unicodeScalars.enumerated()
        where scalar.properties.generalCategory == .control {
            throw ValueError(
                "\(quoted(text)) is not the value of a label: character \(index + 1) is "
                    + "\(quoted(String(scalar))); expected no control characters")
        }
    }
}

/// The labels of one session, each key once.
package struct Labels: Hashable, Sendable {
    package static let limit = 64

    /// By key.
    private var values: [String: String] = [:]

    package init() {}

    /// The last of a key wins, as docker has it.
    package init(_ labels: some Sequence<Label>) throws(ValueError) {
        for label in labels { values[label.key] = label.value }
        guard values.count <= Labels.limit else {
            throw ValueError("\(values.count) labels are too many; expected at most \(Labels.limit)")
        }
    }

    package subscript(_ key: String) -> String? { values[key] }
    package var count: Int { values.count }

    /// In the order of their keys.
    package var sorted: [(key: String, value: String)] { values.sorted { $0.key < $1.key } }
}
