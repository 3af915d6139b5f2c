/// The fields of a head, in their order. Names are compared without regard to case.
package struct HTTPHeaders: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// The first value of that name.
    package subscript(name: String) -> String? { fields.first { isSame($0.name, name) }?.value }

    package func all(_ name: String) -> [String] { fields.filter { isSame($0.name, name) }.map(\.value) }

    /// Whether `word` is among the comma-separated words of a field.
    package func has(_ name: String, word: String) -> Bool {
        all(name).contains { value in
            value.split(separator: ",").contains { part in
                isSame(part.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }, word)
            }
        }
    }
}

/// ASCII letters count the same in both cases.
func isSame(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool {
    func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
    return left.utf8.elementsEqual(right.utf8) { lower($0) == lower($1) }
}

/// Bytes that HTTP tells apart (RFC 9110, section 5.6.2).
enum HTTPBytes {
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// What a field's value may hold: no control character but the tab.
    static func isValue(_ byte: UInt8) -> Bool { byte == 0x09 || byte >= 0x20 && byte != 0x7F }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
