/// The keys of the objects that are open, to find one that comes twice.
///
/// Up to `pairwise` keys of an object are compared one with another as they come; above that they
/// are sorted when the object ends, which no choice of keys can make slow as it could a hash table.
struct JSONKeys: Sendable {
    private static let pairwise = 32
    /// The most keys for which memory is kept from one text to the next.
    private static let kept = 512

    /// The keys of each open object, outermost first; before them, the `base` of the one around it.
    private var stack: [JSONString] = []
    /// Where the keys of the innermost object begin.
    private var base = 0

    mutating func reset() {
        stack.removeAll(keepingCapacity: stack.capacity <= Self.kept)
        base = 0
    }

    mutating func open() {
        stack.append(JSONString(base, 0, escaped: false))
        base = stack.count
    }

    /// - Throws: ``JSONError/Problem/duplicateKey``.
    mutating func add(_ key: JSONString, _ bytes: Span<UInt8>) throws(JSONError) {
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
private func equal(_ left: JSONString, _ right: JSONString, _ bytes: Span<UInt8>) -> Bool {
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

private func equalLetters(_ left: JSONString, _ right: JSONString, _ bytes: Span<UInt8>) -> Bool {
    var (left, right) = (JSONLetters(left), JSONLetters(right))
    while let letter = left.next(bytes) {
        if letter != right.next(bytes) { return false }
    }
    return right.next(bytes) == nil
}

private func precedes(_ left: JSONString, _ right: JSONString, _ bytes: Span<UInt8>) -> Bool {
    var (left, right) = (JSONLetters(left), JSONLetters(right))
    while true {
        guard let b = right.next(bytes) else { return false }
        guard let a = left.next(bytes) else { return true }
        if a != b { return a < b }
    }
}
