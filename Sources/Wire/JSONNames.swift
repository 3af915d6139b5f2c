/// A few names to look for among keys, each of one to seven bytes.
package struct JSONNames: Sendable {
    private let words: [UInt64]
    /// The names' bits (``keyBits(_:)``): most keys have none of these, and so are not looked for.
    let filter: UInt64

    /// No names at all.
    init() {
        words = []
        filter = 0
    }

    package init(_ names: [StaticString]) {
        words = names.map { name in
            let length = name.utf8CodeUnitCount
            precondition((1...7).contains(length), "\(name) is not one to seven bytes long")
            var word = UInt64(length) << 56
            for index in 0..<length {
                // Safety: a static string lives for ever, and the index is below its length.
                word |= unsafe UInt64(name.utf8Start[index]) << UInt64(8 * index)
            }
            return word
        }
        filter = words.reduce(0) { $0 | keyBits($1) }
    }

    /// Whether a key means one of the names.
    package func contain(_ key: JSONString, in bytes: Span<UInt8>) -> Bool {
        // Written without escapes, most keys show by their length that they are none.
        guard key.escaped || key.end - key.start < 8 else { return false }
        return contain(keyWord(key, bytes))
    }

    /// Whether one of the names has this word; it is the key's as ``keyWord(_:_:)`` has it.
    func contain(_ word: UInt64) -> Bool {
        for name in words where name == word { return true }
        return false
    }
}

/// One or two bits of a word, depending on a key's word and the same for equal ones.
@inline(always)
func keyBits(_ word: UInt64) -> UInt64 {
    let spread = word &* 0x9E37_79B9_7F4A_7C15
    return 1 &<< (spread &>> 58) | 1 &<< (spread &>> 52 & 63)
}
