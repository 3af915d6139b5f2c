/// Finds its way in a text that ``JSONScanner`` has found good, without checking it again.
///
/// Nothing here may be called with bytes that were not scanned: they could lead past their end, which
/// is a trap.
package enum JSONWalk {
    /// Calls `body` with the members of an object, in their order, until it returns false.
    ///
    /// - Parameter object: the place of the object, braces included; anything else has no members.
    package static func members(
        of object: Range<Int>, in bytes: Span<UInt8>,
        _ body: (_ key: JSONString, _ value: Range<Int>) -> Bool
    ) {
        guard !object.isEmpty, bytes[object.lowerBound] == Byte.openBrace else { return }
        var at = object.lowerBound + 1
        skipSpace(bytes, &at)
        while bytes[at] == Byte.quote {
            let key = string(bytes, &at)
            skipSpace(bytes, &at)
            at += 1  // The colon.
            skipSpace(bytes, &at)
            let start = at
            skipValue(bytes, &at)
            guard body(key, start..<at) else { return }
            skipSpace(bytes, &at)
            guard bytes[at] == Byte.comma else { return }
            at += 1
            skipSpace(bytes, &at)
        }
    }

    /// Calls `body` with the elements of an array, in their order, until it returns false.
    package static func elements(
        of array: Range<Int>, in bytes: Span<UInt8>, _ body: (_ value: Range<Int>) -> Bool
    ) {
        guard !array.isEmpty, bytes[array.lowerBound] == Byte.openBracket else { return }
        var at = array.lowerBound + 1
        skipSpace(bytes, &at)
        while bytes[at] != Byte.closeBracket {
            let start = at
            skipValue(bytes, &at)
            guard body(start..<at) else { return }
            skipSpace(bytes, &at)
            if bytes[at] == Byte.comma { at += 1 }
            skipSpace(bytes, &at)
        }
    }

    /// The member of an object that has this key.
    package static func member(
        _ name: String, of object: Range<Int>, in bytes: Span<UInt8>
    ) -> Range<Int>? {
        var found: Range<Int>?
        members(of: object, in: bytes) { key, value in
            if key.matches(name, in: bytes) { found = value }
            return found == nil
        }
        return found
    }

    /// Calls `body` with every member, at any depth, whose value is a string, until it returns false.
    /// One pass, however deep.
    package static func strings(
        in value: Range<Int>, of bytes: Span<UInt8>,
        _ body: (_ key: JSONString, _ value: JSONString) -> Bool
    ) {
        var key: JSONString?
        var at = value.lowerBound
        while at < value.upperBound {
            skipToQuote(bytes, &at, value.upperBound)
            guard at < value.upperBound else { return }
            let found = string(bytes, &at)
            if let name = key {
                key = nil
                guard body(name, found) else { return }
                continue
            }
            skipSpace(bytes, &at)
            guard at < value.upperBound, bytes[at] == Byte.colon else { continue }
            at += 1
            skipSpace(bytes, &at)
            key = bytes[at] == Byte.quote ? found : nil
        }
    }

    /// Reads a string from its opening quote to behind its closing one.
    static func string(_ bytes: Span<UInt8>, _ at: inout Int) -> JSONString {
        at += 1
        let start = at
        var escaped = false
        while true {
            skipToMark(bytes, &at)
            if bytes[at] == Byte.quote { break }
            escaped = true
            at += 2
        }
        at += 1
        return JSONString(start, at - 1, escaped: escaped)
    }

    private static func skipValue(_ bytes: Span<UInt8>, _ at: inout Int) {
        var depth = 0
        repeat {
            switch bytes[at] {
            case Byte.quote: _ = string(bytes, &at)
            case Byte.openBrace, Byte.openBracket:
                depth += 1
                at += 1
            case Byte.closeBrace, Byte.closeBracket:
                depth -= 1
                at += 1
            default: skipPlainValue(bytes, &at, inContainer: depth > 0)
            }
        } while depth > 0
    }

    /// A number or a literal, or what lies between the values of a container.
    private static func skipPlainValue(_ bytes: Span<UInt8>, _ at: inout Int, inContainer: Bool) {
        while at < bytes.count {
            switch bytes[at] {
            case Byte.quote, Byte.openBrace, Byte.openBracket, Byte.closeBrace, Byte.closeBracket: return
            case Byte.comma, 0x20, 0x09, 0x0A, 0x0D:
                if !inContainer { return }
                at += 1
            default: at += 1
            }
        }
    }
}
