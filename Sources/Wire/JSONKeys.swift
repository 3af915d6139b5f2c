/// The key of a member, as two offsets in one word: the top bit says that it holds escapes.
package struct JSONKey: Sendable {
    private let word: UInt64

    init(_ start: Int, _ end: Int, escaped: Bool) {
        word = UInt64(start) << 32 | UInt64(end) | (escaped ? 1 << 63 : 0)
    }

    var start: Int { Int(word >> 32 & 0x7FFF_FFFF) }
    var end: Int { Int(word & 0xFFFF_FFFF) }
    var escaped: Bool { word >> 63 == 1 }

    /// Whether the key is `name`, its escapes taken for what they mean.
    package func matches(_ name: String, in bytes: Span<UInt8>) -> Bool {
        guard escaped || end - start == name.utf8.count else { return false }
        var letters = JSONLetters(self)
        for byte in name.utf8 where letters.next(bytes) != byte { return false }
        return letters.next(bytes) == nil
    }
}

/// The keys of the objects that are open, to find one that comes twice.
///
/// Up to `pairwise` keys of an object are compared one with another as they come; above that they
/// are sorted when the object ends, which no choice of keys can make slow as it could a hash table.
struct JSONKeys: Sendable {
    private static let pairwise = 32
    /// The most keys for which memory is kept from one text to the next.
    private static let kept = 512

    /// The keys of each open object, outermost first; before them, the `base` of the one around it.
    private var stack: [JSONKey] = []
    /// Where the keys of the innermost object begin.
    private var base = 0

    mutating func reset() {
        stack.removeAll(keepingCapacity: stack.capacity <= Self.kept)
        base = 0
    }

    mutating func open() {
        stack.append(JSONKey(base, 0, escaped: false))
        base = stack.count
    }

    /// - Throws: ``JSONError/Problem/duplicateKey``.
    mutating func add(_ key: JSONKey, _ bytes: Span<UInt8>) throws(JSONError) {
        if stack.count - base < Self.pairwise {
            for index in base..<stack.count where equal(stack[index], key, bytes) {
                throw JSONError(.duplicateKey, at: key.start - 1)
            }
        }
        stack.append(key)
    }

    /// - Throws: ``JSONError/Problem/duplicateKey``.
    mutating func close(_ bytes: Span<UInt8>) throws(JSONError) {
        if stack.count - base > Self.pairwise { try sortAndCompare(bytes) }
        let outer = stack[base - 1].start
        stack.removeLast(stack.count - base + 1)
        base = outer
    }

    private mutating func sortAndCompare(_ bytes: Span<UInt8>) throws(JSONError) {
        stack[base...].sort { precedes($0, $1, bytes) }
        var duplicate: Int?
        for index in base + 1..<stack.count where equal(stack[index - 1], stack[index], bytes) {
            let later = max(stack[index - 1].start, stack[index].start)
            duplicate = min(duplicate ?? later, later)
        }
        if let duplicate { throw JSONError(.duplicateKey, at: duplicate - 1) }
    }
}

@inline(__always)
private func equal(_ left: JSONKey, _ right: JSONKey, _ bytes: Span<UInt8>) -> Bool {
    if left.escaped || right.escaped { return equalLetters(left, right, bytes) }
    guard left.end - left.start == right.end - right.start else { return false }
    var (a, b) = (left.start, right.start)
    while a < left.end {
        if bytes[a] != bytes[b] { return false }
        a += 1
        b += 1
    }
    return true
}

private func equalLetters(_ left: JSONKey, _ right: JSONKey, _ bytes: Span<UInt8>) -> Bool {
    var (left, right) = (JSONLetters(left), JSONLetters(right))
    while let letter = left.next(bytes) {
        if letter != right.next(bytes) { return false }
    }
    return right.next(bytes) == nil
}

private func precedes(_ left: JSONKey, _ right: JSONKey, _ bytes: Span<UInt8>) -> Bool {
    var (left, right) = (JSONLetters(left), JSONLetters(right))
    while true {
        guard let b = right.next(bytes) else { return false }
        guard let a = left.next(bytes) else { return true }
        if a != b { return a < b }
    }
}

/// The bytes that a key means, one at a time: itself where it has no escapes. The key has been
/// scanned before.
private struct JSONLetters {
    private var at: Int
    private let end: Int
    private let escaped: Bool
    /// Bytes of a decoded escape that are still to come, the next one lowest.
    private var pending: UInt32 = 0
    private var pendingCount = 0

    init(_ key: JSONKey) {
        at = key.start
        end = key.end
        escaped = key.escaped
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
