/// Cuts a byte stream into frames that each carry a 4-byte big-endian length, in place.
///
/// The buffer does no input or output: ``fill(_:)`` lends its free end to whoever reads,
/// ``frame()`` finds the next whole frame in what has come, and ``accept(_:)`` releases it for
/// writing. What ``withRun(_:)`` then lends are the very bytes that were read, prefix and payload
/// side by side, so that both leave in one write.
///
/// Memory grows with the bytes that came, never with the length that a frame announces, and stays
/// within one frame of the largest size for as long as nothing is read while accepted bytes wait.
package struct FrameBuffer: ~Copyable, Sendable {
    /// The bytes of the length before each payload.
    package static let prefix = 4
    /// The first room made for reads, in bytes.
    package static let base = 64 << 10
    /// The most memory that is left to others, in bytes: enough for frames of 1 MiB, whose memory the
    /// kernel would otherwise have to find and clear for each one.
    package static let kept = 2 << 20
    /// The most bytes of several frames in one run. One message of a unix socket holds this much
    /// by default, so a run reaches a blocking reader whole.
    private static let burst = 64 << 10

    /// The largest payload, in bytes.
    package let limit: Int
    private var storage: [UInt8] = []
    // 0 <= start <= runEnd <= accepted <= end <= storage.count: [start, accepted) waits to be
    // written, of which [start, runEnd) is the present run; [accepted, end) is still to be cut.
    private var start = 0
    private var runEnd = 0
    private var accepted = 0
    private var end = 0

    package init(limit: Int) { self.limit = limit }

    /// True when no byte is held.
    package var isEmpty: Bool { start == end }
    /// The bytes that have come and belong to no accepted frame: 0, or the front of a frame.
    package var unaccepted: Int { end - accepted }
    /// The accepted bytes that are not written yet.
    package var waiting: Int { accepted - start }
    /// The bytes of memory held.
    package var capacity: Int { storage.count }

    /// Lends room for at least one byte to `read`, which returns how many bytes it put in front.
    package mutating func fill(_ read: (inout MutableSpan<UInt8>) -> Int) {
        makeRoom()
        let room = end..<storage.count
        var memory = storage.mutableSpan
        var free = memory._mutatingExtracting(room)
        let count = read(&free)
        end += min(max(count, 0), room.count)
    }

    /// Where the payload of the next whole frame lies, or nil until more bytes come.
    ///
    /// - Throws: ``FrameError/tooLong(_:limit:)`` as soon as a length is known to exceed the limit.
    ///   The stream cannot be read further then.
    package func frame() throws(FrameError) -> Range<Int>? {
        guard unaccepted >= Self.prefix else { return nil }
        let length = payloadLength(at: accepted)
        guard length <= limit else { throw .tooLong(length, limit: limit) }
        guard unaccepted - Self.prefix >= length else { return nil }
        let body = accepted + Self.prefix
        return body..<body + length
    }

    /// Lends a payload that ``frame()`` returned since the last ``fill(_:)``.
    package func withPayload<Value>(_ payload: Range<Int>, _ body: (Span<UInt8>) -> Value) -> Value {
        body(storage.span.extracting(payload))
    }

    /// Releases the frame that ``frame()`` just returned for writing.
    package mutating func accept(_ payload: Range<Int>) {
        accepted = min(max(payload.upperBound, accepted), end)
    }

    /// Removes the frame that ``frame()`` just returned, which must not be written. For the time when
    /// nothing is ``waiting``: bytes before it would be cut off from those behind it.
    package mutating func skip(_ payload: Range<Int>) {
        accept(payload)
        (start, runEnd) = (accepted, accepted)
        if isEmpty { (start, runEnd, accepted, end) = (0, 0, 0, 0) }
    }

    /// Lends the bytes to write next: whole accepted frames, several when they are small, or what
    /// is left of a run that was written in part. Empty when nothing waits.
    package mutating func withRun<Value>(_ body: (Span<UInt8>) -> Value) -> Value {
        if start == runEnd { openRun() }
        return body(storage.span.extracting(start..<runEnd))
    }

    /// Removes `count` bytes that were written from the front of the run.
    package mutating func drop(_ count: Int) {
        start = min(start + count, runEnd)
        if isEmpty { (start, runEnd, accepted, end) = (0, 0, 0, 0) }
    }

    /// Takes `spare` as the memory to read into, while it has none of its own.
    package mutating func borrow(_ spare: inout [UInt8]) {
        if storage.isEmpty { swap(&storage, &spare) }
    }

    /// Lets its memory go once no byte is held: into `spare`, when that is smaller and the memory has
    /// not grown beyond ``kept``.
    package mutating func giveBack(_ spare: inout [UInt8]) {
        guard isEmpty else { return }
        if spare.count < storage.count && storage.count <= Self.kept { swap(&storage, &spare) }
        storage = []
    }

    /// Forgets every byte.
    package mutating func discard() {
        storage = []
        (start, runEnd, accepted, end) = (0, 0, 0, 0)
    }

    private func payloadLength(at offset: Int) -> Int {
        Int(storage[offset]) << 24 | Int(storage[offset + 1]) << 16 | Int(storage[offset + 2]) << 8
            | Int(storage[offset + 3])
    }

    private mutating func openRun() {
        guard accepted - start > Self.burst else {
            runEnd = accepted
            return
        }
        var stop = start
        while stop < accepted {
            let next = stop + Self.prefix + payloadLength(at: stop)
            if stop > start && next - start > Self.burst { break }
            stop = next
        }
        runEnd = stop
    }

    /// Makes at least one byte of room, moving a frame to the front only when it cannot end where
    /// it began: so each byte is moved at most once for each frame, however small the reads.
    private mutating func makeRoom() {
        if storage.isEmpty { storage = [UInt8](repeating: 0, count: Self.base) }
        if start > 0 && accepted + expected() > storage.count { moveToFront() }
        guard end == storage.count else { return }
        let missing = limit + Self.prefix - storage.count
        let more = missing > 0 ? min(storage.count, missing) : Self.base
        storage.append(contentsOf: repeatElement(0, count: more))
    }

    /// The size of the frame that is being received, as far as that is known.
    private func expected() -> Int {
        guard unaccepted >= Self.prefix else { return Self.prefix }
        return Self.prefix + min(payloadLength(at: accepted), limit)
    }

    private mutating func moveToFront() {
        unsafe storage.withUnsafeMutableBytes { memory in
            // Safety: both ranges lie inside the array, and copyMemory allows them to overlap.
            unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[start..<end]))
        }
        (start, runEnd, accepted, end) = (0, runEnd - start, accepted - start, end - start)
    }
}

/// A stream that is not a sequence of frames.
package enum FrameError: Error, Hashable, Sendable {
    /// A frame announced more payload bytes than the limit.
    case tooLong(Int, limit: Int)
}

extension FrameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let length, let limit):
            "a frame announces \(length) bytes where at most \(limit) are allowed"
        }
    }
}

/// `payload` as a frame: its length in 4 bytes, big-endian, and itself.
package func framed(_ payload: [UInt8]) -> [UInt8] {
    let length = UInt32(truncatingIfNeeded: payload.count)
    return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + payload
}
