/// The keys of the objects that are open, to find one that comes twice.
///
/// Up to `pairwise` keys of an object are compared one with another as they come; above that they
/// are sorted when the object ends, which no choice of keys can make slow as it could a hash table.
/// What is compared first is a word made of a key's length and outermost bytes; only keys whose
/// words are equal are compared byte by byte.
struct JSONKeys: Sendable {
    private static let pairwise = 32
    /// The most keys for which memory is kept from one text to the next: 16 KB.
    private static let kept = 1024

    /// The keys of each open object, outermost first; before them, the `base` of the one around it.
    /// What lies behind `count` is room.
    private var entries: [Entry] = []
    private var count = 0
    /// Where the keys of the innermost object begin.
    private var base = 0

    mutating func reset() {
        if entries.count > Self.kept { entries = [] }
        count = 0
        base = 0
    }

    @inline(__always)
    mutating func open() {
        append(Entry(key: JSONString(base, 0, escaped: false), word: 0))
        base = count
    }

    /// - Throws: ``JSONError/Problem/duplicateKey``.
    @inline(__always)
    mutating func add(_ key: JSONString, _ bytes: Span<UInt8>) throws(JSONError) {
        let new = Entry(key: key, word: keyWord(key, bytes))
        if count &- base < Self.pairwise {
            let known = entries.span
            var index = base
            while index < count {
                if known[index].word == new.word, sameLetters(known[index], new, bytes) {
                    throw JSONError(.duplicateKey, at: key.start - 1)
                }
                index &+= 1
            }
        }
        append(new)
    }

    /// - Throws: ``JSONError/Problem/duplicateKey``.
    @inline(__always)
    mutating func close(_ bytes: Span<UInt8>) throws(JSONError) {
        if count &- base > Self.pairwise { try sortAndCompare(bytes) }
        count = base &- 1
        base = entries[count].key.start
    }

    @inline(__always)
    private mutating func append(_ entry: Entry) {
        if count == entries.count { makeRoom(for: 1) }
        entries[count] = entry
        count &+= 1
    }

    @inline(never)
    private mutating func makeRoom(for more: Int) {
        let wanted = max(64, 2 * entries.count, count + more)
        let none = Entry(key: JSONString(0, 0, escaped: false), word: 0)
        entries.append(contentsOf: repeatElement(none, count: wanted - entries.count))
    }

    @inline(never)
    private mutating func sortAndCompare(_ bytes: Span<UInt8>) throws(JSONError) {
        let sorted = sort(bytes)
        var duplicate: Int?
        for index in sorted.dropFirst() {
            let (one, other) = (entries[index - 1], entries[index])
            guard one.word == other.word, sameLetters(one, other, bytes) else { continue }
            let later = max(one.key.start, other.key.start)
            duplicate = min(duplicate ?? later, later)
        }
        if let duplicate { throw JSONError(.duplicateKey, at: duplicate - 1) }
    }

    /// Sorts the keys of the innermost object by merging, between their place and the room behind
    /// them; returns where they are then.
    private mutating func sort(_ bytes: Span<UInt8>) -> Range<Int> {
        let total = count - base
        if entries.count < count + total { makeRoom(for: total) }
        var (source, target) = (base, count)
        var width = 1
        while width < total {
            var start = 0
            while start < total {
                let middle = min(start + width, total)
                let end = min(start + 2 * width, total)
                merge(source + start, source + middle, source + end, to: target + start, bytes)
                start = end
            }
            swap(&source, &target)
            width *= 2
        }
        return source..<source + total
    }

    private mutating func merge(
        _ start: Int, _ middle: Int, _ end: Int, to target: Int, _ bytes: Span<UInt8>
    ) {
        var memory = entries.mutableSpan
        var (left, right, out) = (start, middle, target)
        while left < middle, right < end {
            if precedes(memory[right], memory[left], bytes) {
                memory[out] = memory[right]
                right += 1
            } else {
                memory[out] = memory[left]
                left += 1
            }
            out += 1
        }
        while left < middle {
            memory[out] = memory[left]
            left += 1
            out += 1
        }
        while right < end {
            memory[out] = memory[right]
            right += 1
            out += 1
        }
    }
}

private struct Entry {
    var key: JSONString
    var word: UInt64
}

@inline(__always)
private func precedes(_ left: Entry, _ right: Entry, _ bytes: Span<UInt8>) -> Bool {
    if left.word != right.word { return left.word < right.word }
    return !isWhole(left.word) && order(left.key, right.key, bytes) < 0
}

/// Whether two keys with the same word are the same.
@inline(__always)
private func sameLetters(_ left: Entry, _ right: Entry, _ bytes: Span<UInt8>) -> Bool {
    isWhole(left.word) || order(left.key, right.key, bytes) == 0
}

/// A key's word: all of a key of up to seven bytes, the first one lowest, with its length above them;
/// of a longer one, something of its first and last eight bytes, with the top bit set. It is that of
/// what the key means.
@inline(__always)
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

@inline(__always)
private func longWord(front: UInt64, back: UInt64) -> UInt64 {
    // An odd constant (2^64 divided by the golden ratio) spreads the bits; nothing depends on how well.
    (front ^ back &* 0x9E37_79B9_7F4A_7C15) | 1 << 63
}

/// Whether a word is all of its key.
@inline(__always)
private func isWhole(_ word: UInt64) -> Bool { word >> 63 == 0 }

/// Up to seven bytes, the first one lowest.
@inline(__always)
private func front(of key: JSONString, _ bytes: Span<UInt8>) -> UInt64 {
    let length = key.end &- key.start
    guard key.start &+ 8 > bytes.count else {
        return load(bytes, key.start) & ((1 &<< UInt64(8 &* length)) &- 1)
    }
    var front: UInt64 = 0
    for index in 0..<length { front |= UInt64(bytes[key.start + index]) << UInt64(8 * index) }
    return front
}

/// Below 0, 0 or above 0: which of two keys comes first, by some order of what they mean.
@inline(never)
private func order(_ left: JSONString, _ right: JSONString, _ bytes: Span<UInt8>) -> Int {
    if left.escaped || right.escaped { return orderOfLetters(left, right, bytes) }
    let (first, second) = (left.end - left.start, right.end - right.start)
    if first != second { return first - second }
    var (a, b) = (left.start, right.start)
    while left.end - a >= 8 {
        let (one, other) = (load(bytes, a), load(bytes, b))
        if one != other { return one < other ? -1 : 1 }
        a += 8
        b += 8
    }
    while a < left.end {
        if bytes[a] != bytes[b] { return Int(bytes[a]) - Int(bytes[b]) }
        a += 1
        b += 1
    }
    return 0
}
