// Frames: however a stream is cut into reads and writes, the same frames come out of it, and what is
// written are the very bytes that were accepted.

import Wire

/// Input: one byte of choices, one that seeds the cuts, then the stream.
func checkFrames(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard bytes.count > 2 else { return }
    let limit = [16, 300, 5000, 1 << 20][Int(bytes[0] & 3)]
    let stream = Array(bytes[2...])
    // Often enough to pass the first room of a buffer, where frames are moved and memory grows.
    let copies = bytes[0] & 16 == 0 ? 1 : 1 + FrameBuffer.base * 5 / 4 / stream.count
    let whole = Array(repeatElement(stream, count: copies).joined())
    var reading = FrameReading(whole, limit: limit, choices: bytes[0], seed: bytes[1])
    try reading.run()
}

/// The frames of a stream, found without a buffer.
private struct PlainFrames {
    var payloads: [Range<Int>] = []
    /// The length that ends the stream.
    var tooLong: Int?
    /// Where the last whole frame ends.
    var end = 0

    init(_ stream: [UInt8], limit: Int) {
        while stream.count - end >= 4 {
            let length = stream[end..<end + 4].reduce(0) { $0 << 8 | Int($1) }
            if length > limit {
                tooLong = length
                return
            }
            guard stream.count - end - 4 >= length else { return }
            payloads.append(end + 4..<end + 4 + length)
            end += 4 + length
        }
    }
}

/// One stream on its way through a buffer.
private struct FrameReading {
    let stream: [UInt8]
    let limit: Int
    var numbers: SeededNumbers
    /// Whether frames are left out, as a relay leaves out what it refuses.
    let skips: Bool
    /// Whether nothing is read while something waits to be written, which bounds the memory.
    let isPatient: Bool
    /// The longest read and write.
    let longest: Int
    private var frames = 0
    private var accepted: [UInt8] = []
    private var written: [UInt8] = []

    init(_ stream: [UInt8], limit: Int, choices: UInt8, seed: UInt8) {
        self.stream = stream
        self.limit = limit
        numbers = SeededNumbers(UInt64(seed))
        skips = choices & 4 != 0
        isPatient = choices & 8 != 0
        longest = choices & 32 == 0 ? max(64, stream.count / 32) : stream.count
    }

    mutating func run() throws(FuzzFailure) {
        let expected = PlainFrames(stream, limit: limit)
        var buffer = FrameBuffer(limit: limit)
        var read = 0
        var tooLong: Int?
        while tooLong == nil, read < stream.count || buffer.waiting > 0 {
            if read < stream.count, !isPatient || buffer.waiting == 0 { read += fill(&buffer, from: read) }
            tooLong = try takeFrames(of: &buffer, expected)
            try write(&buffer)
            let most = max(limit + FrameBuffer.prefix, FrameBuffer.base) + FrameBuffer.base
            try hold(!isPatient || buffer.capacity <= most, "\(buffer.capacity) bytes for frames of \(limit)")
        }
        while buffer.waiting > 0 { try write(&buffer) }
        try hold(frames == expected.payloads.count, "\(frames) frames of \(expected.payloads.count)")
        try hold(tooLong == expected.tooLong, "the length \(tooLong ?? 0), not \(expected.tooLong ?? 0)")
        try hold(written == accepted, "other bytes were written than accepted")
        if tooLong == nil {
            try hold(buffer.unaccepted == stream.count - expected.end, "\(buffer.unaccepted) bytes are left")
        }
    }

    /// Takes every frame that is there.
    /// - Returns: the length that ends the stream, if it does.
    private mutating func takeFrames(
        of buffer: inout FrameBuffer, _ expected: PlainFrames
    ) throws(FuzzFailure) -> Int? {
        while true {
            let payload: Range<Int>
            do throws(FrameError) {
                guard let found = try buffer.frame() else { return nil }
                payload = found
            } catch {
                guard case .tooLong(let length, _) = error else { return nil }
                return length
            }
            let content = buffer.withPayload(payload) { span in span.indices.map { span[$0] } }
            let isRight =
                frames < expected.payloads.count
                && content.elementsEqual(stream[expected.payloads[frames]])
            try hold(isRight, "frame \(frames) is another than the stream has there")
            frames += 1
            if skips, buffer.waiting == 0, content.first.map({ $0 & 1 == 1 }) ?? true {
                buffer.skip(payload)
            } else {
                accepted += framed(content)
                buffer.accept(payload)
            }
        }
    }

    private mutating func fill(_ buffer: inout FrameBuffer, from start: Int) -> Int {
        let wanted = min(numbers.upTo(longest), stream.count - start)
        var taken = 0
        buffer.fill { room in
            taken = min(wanted, room.count)
            for index in 0..<taken { room[index] = stream[start + index] }
            return taken
        }
        return taken
    }

    private mutating func write(_ buffer: inout FrameBuffer) throws(FuzzFailure) {
        guard buffer.waiting > 0 else { return }
        let run = buffer.withRun { span in span.indices.map { span[$0] } }
        try hold(!run.isEmpty, "nothing to write though \(buffer.waiting) bytes wait")
        let count = min(numbers.upTo(longest), run.count)
        written += run[..<count]
        buffer.drop(count)
    }
}
