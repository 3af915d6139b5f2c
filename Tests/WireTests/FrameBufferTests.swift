import Testing

@testable import Wire

@Suite struct FrameBufferTests {
    /// Cuts the same frames at every place a read may end.
    @Test(arguments: 0...18)
    func `frames are the same wherever the reads fall`(cut: Int) throws {
        let stream = framed([1, 2, 3]) + framed([]) + framed([4, 5, 6])
        var buffer = FrameBuffer(limit: 16)
        var seen: [[UInt8]] = []
        for part in [stream[..<min(cut, stream.count)], stream[min(cut, stream.count)...]] {
            feed(Array(part), to: &buffer)
            try takeFrames(of: &buffer, into: &seen)
        }
        #expect(seen == [[1, 2, 3], [], [4, 5, 6]])
        #expect(buffer.isEmpty == true)
    }

    @Test func `frames are the same when every byte comes alone`() throws {
        let stream = framed([1, 2, 3]) + framed([]) + framed([4, 5, 6])
        var buffer = FrameBuffer(limit: 16)
        var seen: [[UInt8]] = []
        for byte in stream {
            feed([byte], to: &buffer)
            try takeFrames(of: &buffer, into: &seen)
        }
        #expect(seen == [[1, 2, 3], [], [4, 5, 6]])
    }

    /// Every pair of cuts of one stream, and hundreds of cuts of streams that nobody chose.
    @Test func `any split of a stream decodes to the same frames`() throws {
        func frames(of stream: [UInt8], cut cuts: [Int]) throws -> [[UInt8]] {
            var buffer = FrameBuffer(limit: 1 << 12)
            var seen: [[UInt8]] = []
            for (start, end) in zip([0] + cuts, cuts + [stream.count]) {
                feed(Array(stream[start..<end]), to: &buffer)
                try takeFrames(of: &buffer, into: &seen)
            }
            return seen
        }
        let small = framed([1, 2, 3]) + framed([]) + framed([4]) + framed([0, 0, 0, 1, 9]) + [0, 0]
        for first in 0...small.count {
            for second in first...small.count {
                #expect(
                    try frames(of: small, cut: [first, second]) == [[1, 2, 3], [], [4], [0, 0, 0, 1, 9]])
            }
        }
        var random = Random(seed: 11)
        for _ in 0..<200 {
            let payloads = (0..<random.below(20)).map { _ in
                (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }
            let stream = payloads.flatMap(framed)
            let cuts = (0..<random.below(40)).map { _ in random.below(stream.count + 1) }.sorted()
            #expect(try frames(of: stream, cut: cuts) == payloads, "\(cuts)")
        }
    }

    @Test func `a run is the very bytes that were read, lengths included`() throws {
        let stream = framed([1, 2, 3]) + framed([4])
        var buffer = FrameBuffer(limit: 16)
        feed(stream + [0, 0], to: &buffer)
        while let payload = try buffer.frame() { buffer.accept(payload) }
        #expect(buffer.withRun { copy($0) } == stream)
        #expect(buffer.unaccepted == 2)
        buffer.drop(5)
        #expect(buffer.withRun { copy($0) } == Array(stream[5...]))
        #expect(buffer.waiting == stream.count - 5)
    }

    @Test func `a run of several frames ends at a frame and within one message of a socket`() throws {
        var buffer = FrameBuffer(limit: 1 << 20)
        let large = framed([UInt8](repeating: 7, count: 100_000))
        let small = framed([UInt8](repeating: 8, count: 30_000))
        for part in [large, small, small, small] { feed(part, to: &buffer) }
        while let payload = try buffer.frame() { buffer.accept(payload) }
        var runs: [Int] = []
        while buffer.waiting > 0 {
            let count = buffer.withRun { $0.count }
            runs.append(count)
            buffer.drop(count)
        }
        #expect(runs == [100_004, 60_008, 30_004])
    }

    @Test func `a length over the limit is refused before any memory is taken for it`() {
        var buffer = FrameBuffer(limit: 4 << 20)
        feed([0xFF, 0xFF, 0xFF, 0xFF], to: &buffer)
        #expect(throws: FrameError.tooLong(0xFFFF_FFFF, limit: 4 << 20)) { try buffer.frame() }
        #expect(buffer.capacity == FrameBuffer.base)
    }

    @Test func `memory grows with the bytes that came and not with the length announced`() throws {
        var buffer = FrameBuffer(limit: 4 << 20)
        feed([0, 0x40, 0, 0] + [UInt8](repeating: 1, count: 100_000), to: &buffer)
        #expect(try buffer.frame() == nil)
        #expect(buffer.capacity <= 2 * 100_004)
    }

    @Test func `the largest frame fits and takes no more memory than itself`() throws {
        var buffer = FrameBuffer(limit: 1 << 20)
        let frame = framed([UInt8](repeating: 9, count: 1 << 20))
        feed(frame, to: &buffer)
        let payload = try #require(try buffer.frame())
        #expect(payload.count == 1 << 20)
        #expect(buffer.capacity == frame.count)
    }

    @Test func `memory is given back only when nothing is held`() throws {
        var buffer = FrameBuffer(limit: 1 << 20)
        var spare: [UInt8] = []
        feed(framed([1]), to: &buffer)
        buffer.giveBack(&spare)
        #expect(spare.isEmpty)
        let payload = try #require(try buffer.frame())
        buffer.accept(payload)
        _ = buffer.withRun { $0.count }
        buffer.drop(5)
        buffer.giveBack(&spare)
        #expect(spare.count == FrameBuffer.base && buffer.capacity == 0)

        var large = FrameBuffer(limit: 1 << 20)
        var none: [UInt8] = []
        feed([UInt8](repeating: 0, count: 100_000), to: &large)
        large.discard()
        large.giveBack(&none)
        #expect(none.isEmpty && large.capacity == 0)
    }

    @Test func `grown memory serves the next one, up to a limit, and the smaller is let go`() throws {
        var spare = [UInt8](repeating: 0, count: FrameBuffer.base)
        for (size, kept) in [(1 << 20, 1 << 20), (100, 1 << 20), (4 << 20, 1 << 20)] {
            var buffer = FrameBuffer(limit: 4 << 20)
            feed(framed([UInt8](repeating: 9, count: size)), to: &buffer)
            buffer.skip(try #require(try buffer.frame()))
            buffer.giveBack(&spare)
            #expect(buffer.capacity == 0)
            #expect(spare.count >= kept && spare.count <= FrameBuffer.kept, "\(size)")
        }
    }

    /// Sizes up to three times the first room, reads and writes of any length in between.
    @Test(arguments: 1...4)
    func `nothing is lost, repeated or reordered over random reads and writes`(seed: UInt64) throws {
        var random = Random(seed: seed)
        var stream: [UInt8] = []
        for _ in 0..<30 {
            let size = random.below(3) == 0 ? random.below(3 * FrameBuffer.base) : random.below(300)
            stream += framed((0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
        var buffer = FrameBuffer(limit: 3 * FrameBuffer.base)
        var written: [UInt8] = []
        var read = 0
        while written.count < stream.count {
            if buffer.waiting == 0 && read < stream.count {
                let count = min(stream.count - read, 1 + random.below(100_000))
                read += offer(stream[read..<read + count], to: &buffer)
            }
            while let payload = try buffer.frame() { buffer.accept(payload) }
            if buffer.waiting > 0 {
                let part = buffer.withRun { copy($0) }
                let count = 1 + random.below(part.count)
                written += part[..<count]
                buffer.drop(count)
            }
        }
        #expect(written == stream)
        #expect(buffer.capacity <= buffer.limit + FrameBuffer.prefix + FrameBuffer.base)
    }
}

/// Numbers that are the same in each run (SplitMix64).
struct Random {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// One read: takes what there is room for and returns how much.
private func offer(_ bytes: ArraySlice<UInt8>, to buffer: inout FrameBuffer) -> Int {
    var taken = 0
    buffer.fill { room in
        taken = min(room.count, bytes.count)
        for index in 0..<taken { room[index] = bytes[bytes.startIndex + index] }
        return taken
    }
    return taken
}

private func feed(_ bytes: [UInt8], to buffer: inout FrameBuffer) {
    var rest = bytes[...]
    while !rest.isEmpty { rest = rest.dropFirst(offer(rest, to: &buffer)) }
}

private func takeFrames(of buffer: inout FrameBuffer, into seen: inout [[UInt8]]) throws {
    while let payload = try buffer.frame() {
        seen.append(buffer.withPayload(payload) { copy($0) })
        buffer.accept(payload)
        while buffer.waiting > 0 { buffer.drop(buffer.withRun { $0.count }) }
    }
}

func copy(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }
