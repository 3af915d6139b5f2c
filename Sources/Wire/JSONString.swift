/// A string in a scanned text, as two offsets in one word: the top bit says that it holds escapes.
package struct JSONString: Hashable, Sendable {
    private let word: UInt64

    init(_ start: Int, _ end: Int, escaped: Bool) {
        word =
            UInt64(truncatingIfNeeded: start) << 32 | UInt64(truncatingIfNeeded: end)
            | (escaped ? 1 << 63 : 0)
    }

    /// - Parameter value: the place of a string with its quotes; nil for any other value.
    package init?(_ value: Range<Int>, in bytes: Span<UInt8>) {
        guard value.count >= 2, bytes[value.lowerBound] == Byte.quote else { return nil }
        var mark = value.lowerBound + 1
        skipToMark(bytes, &mark)
        self.init(value.lowerBound + 1, value.upperBound - 1, escaped: mark < value.upperBound - 1)
    }

    var start: Int { Int(word >> 32 & 0x7FFF_FFFF) }
    var end: Int { Int(word & 0xFFFF_FFFF) }
    var escaped: Bool { word >> 63 == 1 }

    /// Where it is, without its quotes.
    package var place: Range<Int> { start..<end }

    /// Whether it is written without escapes.
    package var isPlain: Bool { !escaped }

    /// Whether the string is `text`, its escapes taken for what they mean.
    package func matches(_ text: String, in bytes: Span<UInt8>) -> Bool {
        guard escaped || end - start == text.utf8.count else { return false }
        var letters = JSONLetters(self)
        for byte in text.utf8 where letters.next(bytes) != byte { return false }
        return letters.next(bytes) == nil
    }

    /// Calls `body` with the bytes that the string means, until it returns false.
    package func letters(in bytes: Span<UInt8>, _ body: (UInt8) -> Bool) {
        var letters = JSONLetters(self)
        while let letter = letters.next(bytes), body(letter) {}
    }

    /// What the string means, at most `limit` bytes of it.
    package func text(in bytes: Span<UInt8>, atMost limit: Int = .max) -> String {
        var text: [UInt8] = []
        letters(in: bytes) { letter in
            text.append(letter)
            return text.count < limit
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Below 0, 0 or above 0: which of two strings comes first, byte by byte of what they mean.
func orderOfLetters(_ left: JSONString, _ right: JSONString, _ bytes: Span<UInt8>) -> Int {
    var (left, right) = (JSONLetters(left), JSONLetters(right))
    while true {
        guard let b = right.next(bytes) else { return left.next(bytes) == nil ? 0 : 1 }
        guard let a = left.next(bytes) else { return -1 }
        if a != b { return Int(a) - Int(b) }
    }
}

/// The bytes that a string means, one at a time: itself where it has no escapes. The string has been
/// scanned before.
struct JSONLetters {
    private var at: Int
    private let end: Int
    private let escaped: Bool
    /// Bytes of a decoded escape that are still to come, the next one lowest.
    private var pending: UInt32 = 0
    private var pendingCount = 0

    init(_ string: JSONString) {
        at = string.start
        end = string.end
        escaped = string.escaped
    }

    @inline(__always)
    mutating func next(_ bytes: Span<UInt8>) -> UInt8? {
        if pendingCount > 0 { return takePending() }
        guard at < end else { return nil }
        let byte = bytes[at]
        at += 1
        guard escaped, byte == Byte.backslash else { return byte }
        return decode(bytes)
    }

    private mutating func takePending() -> UInt8 {
        defer {
            pending >>= 8
            pendingCount -= 1
        }
        return UInt8(truncatingIfNeeded: pending)
    }

    private mutating func decode(_ bytes: Span<UInt8>) -> UInt8 {
        let letter = bytes[at]
        at += 1
        switch letter {
        case UInt8(ascii: "b"): return 0x08
        case Byte.f: return 0x0C
        case Byte.n: return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case Byte.t: return 0x09
        case UInt8(ascii: "u"): return decodeUnit(bytes)
        default: return letter
        }
    }

    private mutating func decodeUnit(_ bytes: Span<UInt8>) -> UInt8 {
        var value = unit(bytes)
        if 0xD800...0xDBFF ~= value {
            at += 2
            value = 0x10000 &+ (value &- 0xD800) << 10 &+ (unit(bytes) &- 0xDC00)
        }
        let encoded = UnicodeScalar(value).flatMap { UTF8.encode($0) } ?? UTF8.encodedReplacementCharacter
        for (index, byte) in encoded.enumerated() { pending |= UInt32(byte) << (8 * UInt32(index)) }
        pendingCount = encoded.count
        return takePending()
    }

    private mutating func unit(_ bytes: Span<UInt8>) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            unit = unit << 4 | (hexDigit(bytes[at]) ?? 0)
            at += 1
        }
        return unit
    }
}
