package import Sandbox

/// The name of a session, a tenant or a managed process: 1 to 63 of `a-z`, `0-9`, `.`, `_` and `-`, the
/// first a letter or digit, so that it can stand in a path as it is and is never an option.
package struct Name: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ text: String) throws(ValueError) {
        try TextRule.name.check(text)
        description = text
    }

    /// The tenant of whoever names none.
    package static let defaultTenant = Name(checked: "default")

    private init(checked: String) { description = checked }

    package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

/// What a client calls a request to create, so that repeating it makes one session: 1 to 128 printable
/// ASCII characters.
package struct IdempotencyKey: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ text: String) throws(ValueError) {
        try TextRule.idempotencyKey.check(text)
        description = text
    }
}

/// Which bytes a text may have, and how many of them. What is wrong is named with its place.
struct TextRule: Sendable {
    let noun: String
    let most: Int
    /// As a message lists them.
    let allowed: String
    let allows: @Sendable (UInt8) -> Bool
    /// Whether the first has to be a letter or digit.
    let beginsPlain: Bool

    static let name = TextRule(
        noun: "a name", most: 63, allowed: "a-z, 0-9, ., _ and -",
        allows: { isLower($0) || isDigit($0) || isMark($0) }, beginsPlain: true)

    static let labelKey = TextRule(
        noun: "a key of a label", most: 63, allowed: "A-Z, a-z, 0-9, ., _, / and -",
        allows: { isLower($0 | 0x20) || isDigit($0) || isMark($0) || $0 == UInt8(ascii: "/") },
        beginsPlain: true)

    static let idempotencyKey = TextRule(
        noun: "an idempotency key", most: 128, allowed: "printable ASCII characters",
        allows: { (0x20...0x7E).contains($0) }, beginsPlain: false)

    func check(_ text: String) throws(ValueError) {
        let count = text.utf8.count
        if count == 0 { throw ValueError("is empty; \(expected)") }
        if count > most { throw ValueError("\(quoted(text)) is \(count) bytes long; \(expected)") }
        if let index = text.utf8.enumerated().first(where: { !allows($0.element) })?.offset {
            throw ValueError("\(quoted(text)) is not \(noun): \(character(at: index, of: text)); \(expected)")
        }
        if beginsPlain, let first = text.utf8.first, isMark(first) || first == UInt8(ascii: "/") {
            throw ValueError("\(quoted(text)) is not \(noun): \(character(at: 0, of: text)); \(expected)")
        }
    }

    private var expected: String {
        "expected 1 to \(most) \(beginsPlain ? "of " : "")\(allowed)\(beginsPlain ? ", the first a letter or digit" : "")"
    }
}

/// `character 3 is "/"`, of the byte at `index`, which is the first of its character.
func character(at index: Int, of text: String) -> String {
    let place = text.utf8.index(text.utf8.startIndex, offsetBy: index)
    let number = text.unicodeScalars[..<place].count + 1
    return "character \(number) is \(quoted(String(text.unicodeScalars[place])))"
}

private func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func isMark(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
}
