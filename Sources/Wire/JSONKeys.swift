/// A key of an open object, with what is compared first.
struct JSONKey: Sendable {
    let key: JSONString
    /// Made of the key's length and outermost bytes (``keyWord(_:_:)``).
    let word: UInt64

    /// Fills memory that holds no key yet.
    static let none = JSONKey(key: JSONString(0, 0, escaped: false), word: 0)
}

/// Memory for keys, lent for the time of a scan.
@safe struct KeyMemory {
    private let buffer: UnsafeMutableBufferPointer<JSONKey>

    /// - Safety: it must not be used after the memory's end.
    @unsafe init(_ buffer: UnsafeMutableBufferPointer<JSONKey>) { unsafe self.buffer = buffer }

    var count: Int { unsafe buffer.count }

    subscript(index: Int) -> JSONKey {
        @inline(always) get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // Safety: the line above.
            return unsafe buffer[index]
        }
        @inline(always) nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // Safety: the line above.
            unsafe buffer[index] = newValue
        }
    }
}

/// The keys of the objects that are open, to find one that comes twice.
///
/// Up to `pairwise` keys of an object are compared one with another as they come; above that they
/// are sorted when the object ends, which no choice of keys can make slow as it could a hash table.
/// Their words are compared first, and only keys whose words are equal byte by byte.
///
/// The keys lie in memory that the caller lends: those of each open object, outermost first, and
/// before them the `base` of the object around. Half of the memory is left free, to sort in.
struct JSONKeys {
    private static let pairwise = 32

    private(set) var count = 0
    /// Where the keys of the innermost object begin.
    private var base = 0

    /// Whether memory for `capacity` keys takes one more object with its first key.
    @inline(always)
    func fit(in capacity: Int) -> Bool { 2 &* (count &+ 2) <= capacity }

    @inline(always)
    mutating func open(_ memory: KeyMemory) {
        memory[count] = JSONKey(key: JSONString(base, 0, escaped: false), word: 0)
        count &+= 1
        base = count
    }

    /// - Throws: ``JSONError/Problem/duplicateKey``.
    @inline(always)
    mutating func add(_ new: JSONKey, _ memory: KeyMemory, _ bytes: Span<UInt8>) throws(JSONError) {
        if count &- base < Self.pairwise {
            var index = base
            while index < count {
                if memory[index].word == new.word, same(memory[index], new, bytes) {
                    throw JSONError(.duplicateKey, at: new.key.start - 1)
                }
                index &+= 1
            }
        }
        memory[count] = new
        count &+= 1
    }

    /// - Throws: ``JSONError/Problem/duplicateKey``.
    @inline(always)
    mutating func close(_ memory: KeyMemory, _ bytes: Span<UInt8>) throws(JSONError) {
        if count &- base > Self.pairwise { try sortAndCompare(base, count, memory, bytes) }
        count = base &- 1
        base = memory[count].key.start
    }
}

@inline(never)
private func sortAndCompare(
    _ start: Int, _ end: Int, _ memory: KeyMemory, _ bytes: Span<UInt8>
) throws(JSONError) {
    let sorted = sort(start, end, memory, bytes)
    var duplicate: Int?
    for index in sorted.dropFirst() {
        let (one, other) = (memory[index - 1], memory[index])
        guard one.word == other.word, same(one, other, bytes) else { continue }
        let later = max(one.key.start, other.key.start)
        duplicate = min(duplicate ?? later, later)
    }
    if let duplicate { throw JSONError(.duplicateKey, at: duplicate - 1) }
}

/// Sorts keys by merging, between their place and the one of the same size behind it; returns where
/// they are then.
private func sort(
    _ begin: Int, _ end: Int, _ memory: KeyMemory, _ bytes: Span<UInt8>
) -> Range<Int> {
    let total = end - begin
    var (source, target) = (begin, end)
    var width = 1
    while width < total {
        var start = 0
        while start < total {
            let middle = min(start + width, total)
            let end = min(start + 2 * width, total)
            merge(source + start, source + middle, source + end, to: target + start, memory, bytes)
            start = end
        }
        swap(&source, &target)
        width *= 2
    }
    return source..<source + total
}

private func merge(
    _ start: Int, _ middle: Int, _ end: Int, to target: Int, _ memory: KeyMemory,
    _ bytes: Span<UInt8>
) {
    var (left, right) = (start, middle)
    for out in target..<target + (end - start) {
        if left == middle || right < end && precedes(memory[right], memory[left], bytes) {
            memory[out] = memory[right]
            right += 1
        } else {
            memory[out] = memory[left]
            left += 1
        }
    }
}

@inline(always)
private func precedes(_ left: JSONKey, _ right: JSONKey, _ bytes: Span<UInt8>) -> Bool {
    if left.word != right.word { return left.word < right.word }
    return !isWhole(left.word) && order(left.key, right.key, bytes) < 0
}

/// Whether two keys with the same word are the same.
@inline(always)
private func same(_ left: JSONKey, _ right: JSONKey, _ bytes: Span<UInt8>) -> Bool {
    isWhole(left.word) || order(left.key, right.key, bytes) == 0
}

/// A key's word: all of a key of up to seven bytes, the first one lowest, with its length above them;
/// of a longer one, something of its first and last eight bytes, with the top bit set. It is that of
/// what the key means.
@inline(always)
func keyWord(_ key: JSONString, _ bytes: Span<UInt8>) -> UInt64 {
    if key.escaped { return wordOfLetters(key, bytes) }
    let length = key.end &- key.start
    if length < 8 { return UInt64(length) << 56 | front(of: key, bytes) }
    return longWord(front: load(bytes, key.start), back: load(bytes, key.end &- 8))
}

@inline(never)
private func wordOfLetters(_ key: JSONString, _ bytes: Span<UInt8>) -> UInt64 {
    var letters = JSONLetters(key)
    var (front, back, length): (UInt64, UInt64, UInt64) = (0, 0, 0)
    while let letter = letters.next(bytes) {
        if length < 8 { front |= UInt64(letter) << (8 * length) }
        back = back >> 8 | UInt64(letter) << 56
        length += 1
    }
    return length < 8 ? length << 56 | front : longWord(front: front, back: back)
}

@inline(always)
private func longWord(front: UInt64, back: UInt64) -> UInt64 {
    // An odd constant (2^64 divided by the golden ratio) spreads the bits; nothing depends on how well.
    (front ^ back &* 0x9E37_79B9_7F4A_7C15) | 1 << 63
}

/// Whether a word is all of its key.
@inline(always)
private func isWhole(_ word: UInt64) -> Bool { word >> 63 == 0 }

/// Up to seven bytes, the first one lowest.
@inline(always)
private func front(of key: JSONString, _ bytes: Span<UInt8>) -> UInt64 {
    let length = key.end &- key.start
    guard key.start &+ 8 > bytes.count else {
        return load(bytes, key.start) & ((1 &<< UInt64(8 &* length)) &- 1)
    }
    var front: UInt64 = 0
    for index in 0..<length { front |= UInt64(bytes[key.start + index]) << UInt64(8 * index) }
    return front
}

/// Below 0, 0 or above 0: which of two keys comes first, byte by byte of what they mean. Both ways must
/// order alike, or the sorting could part two keys that are the same.
@inline(never)
private func order(_ left: JSONString, _ right: JSONString, _ bytes: Span<UInt8>) -> Int {
    if left.escaped || right.escaped { return orderOfLetters(left, right, bytes) }
    var (a, b) = (left.start, right.start)
    let common = min(left.end - a, right.end - b)
    let end = a + common
    while end - a >= 8 {
        // The first byte decides, so it has to be the highest.
        let (one, other) = (load(bytes, a).byteSwapped, load(bytes, b).byteSwapped)
        if one != other { return one < other ? -1 : 1 }
        a += 8
        b += 8
    }
    while a < end {
        if bytes[a] != bytes[b] { return Int(bytes[a]) - Int(bytes[b]) }
        a += 1
        b += 1
    }
    return (left.end - left.start) - (right.end - right.start)
}
