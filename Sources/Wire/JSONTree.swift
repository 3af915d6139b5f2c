/// A JSON text as a tree whose every node knows where it stood, for files that people write.
///
/// Strict RFC 8259 in UTF-8: nothing after the value, no duplicate keys, no comments. Numbers stay
/// text, so that the reader decides about their range. What arrives from a plugin is never parsed
/// by this, which allocates for every node.
package struct JSONTree: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        /// As written, such as `-0.5e3`.
        case number(String)
        case string(String)
        case array([JSONTree])
        /// In the order of the text.
        case object([Member])
    }

    package struct Member: Hashable, Sendable {
        package let key: String
        /// Where the key stands.
        package let place: JSONPlace
        package let value: JSONTree
    }

    package let value: Value
    /// Where the value's first character stands.
    package let place: JSONPlace

    /// Arrays and objects inside each other, at most.
    package static let maximumDepth = 64

    /// Parses a whole text.
    package init(parsing bytes: [UInt8]) throws(JSONTreeError) {
        var parser = JSONTreeParser(bytes: bytes)
        self = try parser.document()
    }

    fileprivate init(_ value: Value, _ place: JSONPlace) {
        self.value = value
        self.place = place
    }

    /// What kind of value it is, as an error message calls it.
    package var kind: String {
        switch value {
        case .null: "null"
        case .bool: "a truth value"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// A place in a text, as editors count: both from 1, columns in characters (Unicode scalars).
package struct JSONPlace: Hashable, Sendable, CustomStringConvertible {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package var description: String { "\(line):\(column)" }
}

/// A text that is not JSON: where, and what was wrong there.
package struct JSONTreeError: Error, Hashable, Sendable, CustomStringConvertible {
    package let place: JSONPlace
    package let problem: String

    /// For example `3:14: a comma or "}" was expected`.
    package var description: String { "\(place): \(problem)" }
}

private struct JSONTreeParser {
    let bytes: [UInt8]
    var at = 0
    var depth = 0
    // Places are asked for in ascending order, so that counting costs one pass in all.
    var counted = 0
    var place = JSONPlace(line: 1, column: 1)

    init(bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    /// The place of the byte at `at`.
    mutating func here() -> JSONPlace {
        while counted < at {
            let byte = bytes[counted]
            if byte == UInt8(ascii: "\n") {
                place = JSONPlace(line: place.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                place.column += 1
            }
            counted += 1
        }
        return place
    }

    mutating func failure(_ problem: String) -> JSONTreeError {
        JSONTreeError(place: here(), problem: problem)
    }

    mutating func document() throws(JSONTreeError) -> JSONTree {
        skipSpace()
        let tree = try value()
        skipSpace()
        if next != nil { throw failure("the end of the text was expected") }
        return tree
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    mutating func value() throws(JSONTreeError) -> JSONTree {
        let place = here()
        guard let first = next else { throw failure("a value was expected, but the text ends") }
        switch first {
        case UInt8(ascii: "{"): return JSONTree(.object(try object()), place)
        case UInt8(ascii: "["): return JSONTree(.array(try array()), place)
        case UInt8(ascii: "\""): return JSONTree(.string(try string()), place)
        case UInt8(ascii: "t"): return try word("true", .bool(true), place)
        case UInt8(ascii: "f"): return try word("false", .bool(false), place)
        case UInt8(ascii: "n"): return try word("null", .null, place)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return JSONTree(.number(try number()), place)
        default: throw failure("a value was expected")
        }
    }

    mutating func word(
        _ text: String, _ value: JSONTree.Value, _ place: JSONPlace
    ) throws(JSONTreeError) -> JSONTree {
        guard bytes[at...].starts(with: text.utf8) else { throw failure("a value was expected") }
        at += text.utf8.count
        return JSONTree(value, place)
    }

    mutating func enter() throws(JSONTreeError) {
        depth += 1
        if depth > JSONTree.maximumDepth {
            throw failure("at most \(JSONTree.maximumDepth) lists and objects may be inside each other")
        }
        at += 1
        skipSpace()
    }

    /// Takes the closing byte, if it is next.
    mutating func leave(_ close: UInt8) -> Bool {
        guard next == close else { return false }
        at += 1
        depth -= 1
        return true
    }

    mutating func object() throws(JSONTreeError) -> [JSONTree.Member] {
        var members: [JSONTree.Member] = []
        var seen: Set<[UInt8]> = []
        try enter()
        if leave(UInt8(ascii: "}")) { return members }
        while true {
            guard next == UInt8(ascii: "\"") else { throw failure("a key in quotation marks was expected") }
            let place = here()
            let key = try string()
            guard seen.insert(Array(key.utf8)).inserted else {
                throw JSONTreeError(place: place, problem: "the key \"\(key)\" was already given")
            }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("a colon was expected") }
            at += 1
            skipSpace()
            members.append(JSONTree.Member(key: key, place: place, value: try value()))
            skipSpace()
            if leave(UInt8(ascii: "}")) { return members }
            try comma(or: "}")
        }
    }

    mutating func array() throws(JSONTreeError) -> [JSONTree] {
        var elements: [JSONTree] = []
        try enter()
        if leave(UInt8(ascii: "]")) { return elements }
        while true {
            elements.append(try value())
            skipSpace()
            if leave(UInt8(ascii: "]")) { return elements }
            try comma(or: "]")
        }
    }

    mutating func comma(or close: Character) throws(JSONTreeError) {
        guard next == UInt8(ascii: ",") else { throw failure("a comma or \"\(close)\" was expected") }
        at += 1
        skipSpace()
    }

    mutating func digits() throws(JSONTreeError) {
        guard let first = next, isDigit(first) else { throw failure("a digit was expected") }
        while let byte = next, isDigit(byte) { at += 1 }
    }

    mutating func number() throws(JSONTreeError) -> String {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") {
            at += 1
            if let byte = next, isDigit(byte) { throw failure("a number may not begin with 0") }
        } else {
            try digits()
        }
        if next == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    mutating func string() throws(JSONTreeError) -> String {
        let place = here()
        at += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw JSONTreeError(place: place, problem: "the string is not valid UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                try escape(into: &text)
            case 0..<0x20:
                throw failure("a control character in a string must be written as an escape")
            default:
                text.append(byte)
                at += 1
            }
        }
        throw JSONTreeError(place: place, problem: "the string has no end")
    }

    /// RFC 8259, section 7.
    mutating func escape(into text: inout [UInt8]) throws(JSONTreeError) {
        let plain: [UInt8: UInt8] = [
            UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F,
            UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A,
            UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
        ]
        at += 1
        guard let letter = next else { throw failure("the text ends inside an escape") }
        if let byte = plain[letter] {
            text.append(byte)
            at += 1
            return
        }
        guard letter == UInt8(ascii: "u") else { throw failure("there is no such escape") }
        at += 1
        var code = try fourHexDigits()
        if code & 0xFC00 == 0xD800, bytes[at...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
            at += 2
            let low = try fourHexDigits()
            guard low & 0xFC00 == 0xDC00 else { throw failure("half of a surrogate pair is missing") }
            code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair is missing") }
        text.append(contentsOf: String(Character(scalar)).utf8)
    }

    mutating func fourHexDigits() throws(JSONTreeError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = hexDigit(byte) else {
                throw failure("\\u needs four hexadecimal digits")
            }
            code = code << 4 | digit
            at += 1
        }
        return code
    }
}

private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
