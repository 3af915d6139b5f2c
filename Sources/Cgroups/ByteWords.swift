/// The pieces of a kernel text between one kind of separator; empty pieces count.
///
/// By hand and not generic, because these texts are read before every launch: splitting into
/// strings took four times as long.
struct ByteWords: Sequence, IteratorProtocol {
    private let bytes: ArraySlice<UInt8>
    private let separator: UInt8
    private var start: Int
    private var isAtEnd = false

    init(_ bytes: ArraySlice<UInt8>, separatedBy separator: Unicode.Scalar) {
        self.bytes = bytes
        self.separator = UInt8(ascii: separator)
        start = bytes.startIndex
    }

    mutating func next() -> ArraySlice<UInt8>? {
        if isAtEnd { return nil }
        var end = start
        while end < bytes.endIndex, bytes[end] != separator { end += 1 }
        defer { start = end + 1 }
        isAtEnd = end == bytes.endIndex
        return bytes[start..<end]
    }
}

extension ArraySlice<UInt8> {
    func equals(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { buffer in
            guard count == buffer.count else { return false }
            for offset in 0..<buffer.count where unsafe self[startIndex + offset] != buffer[offset] {
                return false
            }
            return true
        }
    }

    /// This text up to its line break, as a string.
    var firstLine: String {
        String(decoding: prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
