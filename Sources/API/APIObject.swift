/// A JSON object of the API, as data: what readers check, what the OpenAPI file says, and what the
/// documentation lists come from one table each.
package struct APIObject: Sendable {
    /// As the OpenAPI file calls it, such as `SessionRequest`.
    package let name: String
    package let meaning: String
    package let fields: [APIField]

    package init(_ name: String, _ meaning: String, _ fields: [APIField]) {
        self.name = name
        self.meaning = meaning
        self.fields = fields
    }

    package func field(_ name: String) -> APIField? { fields.first { $0.name == name } }
}

/// One member of an object.
package struct APIField: Sendable {
    package indirect enum Kind: Sendable {
        /// At most so many bytes of UTF-8.
        case text(most: Int)
        /// One of these words.
        case word([String])
        case whole(ClosedRange<UInt64>)
        case signed
        case flag
        /// Bytes as base64 (RFC 4648, section 4), at most so many when decoded.
        case bytes(most: Int)
        /// RFC 3339, in UTC.
        case time
        case object(APIObject)
        case list(Kind, most: Int)
        /// Texts by names that the client chooses.
        case map(most: Int, valueBytes: Int)
    }

    package let name: String
    package let kind: Kind
    package let isRequired: Bool
    /// Whether `null` may stand in place of a value, which then means "none".
    package let mayBeNull: Bool
    package let meaning: String

    /// A member that may be left out.
    package init(_ name: String, _ kind: Kind, _ meaning: String, null: Bool = false) {
        self.init(name: name, kind: kind, isRequired: false, mayBeNull: null, meaning: meaning)
    }

    /// One that has to be there.
    package static func required(
        _ name: String, _ kind: Kind, _ meaning: String, null: Bool = false
    ) -> APIField {
        APIField(name: name, kind: kind, isRequired: true, mayBeNull: null, meaning: meaning)
    }

    private init(name: String, kind: Kind, isRequired: Bool, mayBeNull: Bool, meaning: String) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
        self.mayBeNull = mayBeNull
        self.meaning = meaning
    }
}

extension APIField.Kind {
    /// As an error calls what was expected: `a whole number from 1 to 64`.
    package var expectation: String {
        switch self {
        case .text(let most): "a text of at most \(most) bytes"
        case .word(let words): "one of \(words.joined(separator: ", "))"
        case .whole(let range):
            range.upperBound == .max
                ? "a whole number of at least \(range.lowerBound)"
                : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .signed: "a whole number"
        case .flag: "true or false"
        case .bytes(let most): "base64 of at most \(most) bytes"
        case .time: "a time such as 2026-11-21T20:15:00Z"
        case .object: "an object"
        case .list(_, let most): "a list of at most \(most)"
        case .map(let most, let bytes): "an object of at most \(most) texts of at most \(bytes) bytes each"
        }
    }
}
