import Testing

@testable import Wire

/// Long strings are read many bytes at a time; what must be seen in them must be seen at every place.
@Suite struct JSONLongStringTests {
    private static let length = 200

    /// What the scanner must say of a string of letters `a` with one other byte among them.
    private func expected(_ byte: UInt8, at place: Int) -> JSONError? {
        let letter = UInt8(ascii: "a")
        return switch byte {
        case 0..<0x20: JSONError(.controlCharacter(byte), at: place)
        case Byte.quote: JSONError(.expected(.end, found: letter), at: place + 1)
        case Byte.backslash: JSONError(.expected(.escape, found: letter), at: place + 1)
        case 0x80...: JSONError(.invalidUTF8, at: place)
        default: nil
        }
    }

    @Test func `a byte that must not be in a string is found wherever it is`() {
        var scanner = JSONScanner()
        var text = [UInt8](repeating: UInt8(ascii: "a"), count: Self.length + 2)
        text[0] = Byte.quote
        text[Self.length + 1] = Byte.quote
        for place in 1..<Self.length {
            for byte in [
                0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7E, 0x7F, 0x80, 0xA2, 0xDC, 0xFF,
            ] {
                text[place] = UInt8(byte)
                var found: JSONError?
                do throws(JSONError) { _ = try scanner.scan(text.span) } catch { found = error }
                #expect(found == expected(UInt8(byte), at: place), "byte \(byte) at \(place)")
            }
            text[place] = UInt8(ascii: "a")
        }
    }

    @Test func `where nothing stands out, reading stops less than 64 bytes in front of it`() {
        for length in 0..<Self.length {
            var text = [UInt8](repeating: UInt8(ascii: "a"), count: length)
            text.append(contentsOf: [Byte.quote] + [UInt8](repeating: Byte.quote, count: 70))
            for start in 0...length {
                let end = nearEndOfPlain(text.span, start)
                #expect(end >= start && end <= length && length - end < 64, "\(start) of \(length): \(end)")
            }
        }
    }
}
