/// Bytes that are not what ``StoredWriter`` wrote, or not all of it.
package struct StoredProblem: Error, Hashable, Sendable {
    package init() {}
}

/// Reads what ``StoredWriter`` wrote, in the same order. Every reading throws ``StoredProblem`` where
/// the bytes end too early; none traps, whatever they are.
package struct StoredReader {
    private let bytes: [UInt8]
    /// Where the next value starts.
    package private(set) var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { position == bytes.count }

    package mutating func byte() throws(StoredProblem) -> UInt8 { bytes[try take(1).lowerBound] }

    package mutating func flag() throws(StoredProblem) -> Bool {
        switch try byte() {
        case 0: return false
        case 1: return true
        default: throw StoredProblem()
        }
    }

    package mutating func word() throws(StoredProblem) -> UInt32 {
        UInt32(truncatingIfNeeded: try integer(bytes: 4))
    }

    package mutating func long() throws(StoredProblem) -> UInt64 { try integer(bytes: 8) }

    package mutating func text() throws(StoredProblem) -> String {
        let range = try take(Int(try word()))
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe String(decoding: UnsafeBufferPointer(rebasing: buffer[range]), as: UTF8.self)
        }
    }

    /// The place of a blob among the bytes.
    package mutating func blob() throws(StoredProblem) -> Range<Int> { try take(Int(try word())) }

    /// The place of the next `count` bytes.
    package mutating func take(_ count: Int) throws(StoredProblem) -> Range<Int> {
        guard count <= bytes.count - position else { throw StoredProblem() }
        position += count
        return position - count..<position
    }

    private mutating func integer(bytes count: Int) throws(StoredProblem) -> UInt64 {
        var value: UInt64 = 0
        for index in try take(count).reversed() { value = value << 8 | UInt64(bytes[index]) }
        return value
    }
}
