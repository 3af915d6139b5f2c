import Sandbox
import Wire

/// A value inside a message that was scanned, and the path that leads to it.
///
/// A plugin's messages never become a tree: a value is a place in the bytes that came.
struct MessagePart {
    let bytes: [UInt8]
    let place: Range<Int>
    /// From the message, such as `result.data`.
    let path: String

    var kind: JSONKind {
        switch bytes[place.lowerBound] {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// What it is, with its article.
    var noun: String {
        switch kind {
        case .object: "an object"
        case .array: "a list"
        case .string: "a string"
        case .number: "a number"
        case .boolean: "a truth value"
        case .null: "null"
        }
    }

    /// The string, at most this many bytes of it; nil for another value.
    func text(atMost limit: Int = 200) -> String? {
        JSONString(place, in: bytes.span)?.text(in: bytes.span, atMost: limit)
    }

    var isTrue: Bool { kind == .boolean && bytes[place.lowerBound] == UInt8(ascii: "t") }

    /// The member of this name; nil where it is missing or null, and of all that is no object.
    func member(_ name: String) -> MessagePart? {
        guard let found = JSONWalk.member(name, of: place, in: bytes.span) else { return nil }
        let part = MessagePart(bytes: bytes, place: found, path: "\(path).\(name)")
        return part.kind == .null ? nil : part
    }

    func isNull(_ name: String) -> Bool {
        guard let found = JSONWalk.member(name, of: place, in: bytes.span) else { return false }
        return bytes[found.lowerBound] == UInt8(ascii: "n")
    }

    /// Calls `body` with the elements of a list until it returns false.
    func forEachElement(_ body: (MessagePart) -> Bool) {
        var index = 0
        JSONWalk.elements(of: place, in: bytes.span) { element in
            let part = MessagePart(bytes: bytes, place: element, path: "\(path)[\(index)]")
            index += 1
            return body(part)
        }
    }

    /// The first elements of a list.
    func elements(atMost limit: Int) -> [MessagePart] {
        var elements: [MessagePart] = []
        forEachElement { element in
            elements.append(element)
            return elements.count < limit
        }
        return elements
    }
}
