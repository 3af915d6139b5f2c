/// A value that is given to a statement.
enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// sqlite has no unsigned numbers. What is above its largest one, which counts 292 years in
    /// nanoseconds, becomes the largest one.
    static func unsigned(_ value: UInt64) -> SQLValue { .integer(Int64(clamping: value)) }

    static func flag(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }

    static func optional(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }

    static func optional(_ value: Int64?) -> SQLValue { value.map { .integer($0) } ?? .null }

    static func optional(_ value: UInt64?) -> SQLValue { value.map { .unsigned($0) } ?? .null }
}

/// What a statement is given, by the names of its parameters (`:name` in its text). A list: a dictionary would
/// digest every name for every row.
struct SQLValues: ExpressibleByDictionaryLiteral {
    private(set) var pairs: [(name: String, value: SQLValue)]

    init(dictionaryLiteral elements: (String, SQLValue)...) { pairs = elements }

    static func + (left: SQLValues, right: SQLValues) -> SQLValues {
        var sum = left
        sum.pairs += right.pairs
        return sum
    }
}

/// The text of a statement. One object each, which is what its prepared form is found by.
final class Query: Sendable {
    /// What errors call it.
    let name: String
    let text: String

    init(_ name: String, _ text: String) {
        self.name = name
        self.text = text
    }
}
