/// One header field, of a request or an answer.
package struct Header: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The header fields of a request. Names are compared without regard to case.
package struct Headers: Hashable, Sendable {
    private var fields: [Header] = []

    package init() {}

    package mutating func add(_ name: String, _ value: String) {
        fields.append(Header(name.lowercased(), value))
    }

    package var count: Int { fields.count }

    /// Every value of a field, in order.
    package func all(_ name: String) -> [String] {
        let name = name.lowercased()
        return fields.filter { $0.name == name }.map(\.value)
    }

    /// The value of a field that may be given once.
    /// - Throws: `invalid` when it is there twice, since two readers could take different ones.
    package func single(_ name: String) throws(ServiceError) -> String? {
        let values = all(name)
        guard values.count < 2 else {
            throw ServiceError(.invalid, "the header \(name) was given \(values.count) times", field: name)
        }
        return values.first
    }

    /// The words of a field that is a list, such as `Connection`, in lower case.
    package func words(_ name: String) -> [String] {
        all(name).flatMap { $0.split(separator: ",") }.map { trimmed($0).lowercased() }
    }
}

/// Without spaces and tabs at both ends.
func trimmed(_ text: some StringProtocol) -> String {
    let isSpace = { (character: Character) in character == " " || character == "\t" }
    let rest = text.drop(while: isSpace)
    guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(rest[...last])
}
