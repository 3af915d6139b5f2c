/// A few names to look for among keys, each of one to seven bytes.
package struct JSONNames: Sendable {
    private let words: [UInt64]

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
    }

    /// Whether a key means one of the names.
    package func contain(_ key: JSONString, in bytes: Span<UInt8>) -> Bool {
        // Written without escapes, most keys show by their length that they are none.
        guard key.escaped || key.end - key.start < 8 else { return false }
        let word = keyWord(key, bytes)
        for name in words where name == word { return true }
        return false
    }
}
