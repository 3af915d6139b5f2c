import Testing

@testable import Capture

@Suite struct AttachFrameTests {
    private static let fromServer: [AttachFrame] = [
        .credit(65_536), .bytes(Array("hi".utf8), of: .output, offset: 0),
        .bytes([UInt8](repeating: 7, count: AttachFrame.payloadLimit), of: .errors, offset: 1 << 40),
        .gap(5..<900, of: .errors), .bytes([], of: .output, offset: 2, isEnd: true),
        .exit(Array(#"{"status":0}"#.utf8)), .error("no"),
        .time(1_763_806_311_123, of: .errors, offset: 77), .time(0, of: .output, offset: 0),
    ]
    private static let fromClient: [AttachFrame] = [
        .input(Array("hello".utf8), offset: 0), .resize(columns: 80, rows: 24), .signal(15),
        .input([], offset: 5, isEnd: true), .signal(64), .resize(columns: 0, rows: 1),
    ]

    private func decode(
        _ bytes: [UInt8], from side: AttachFrame.Side, cuts: [Int] = []
    ) throws -> [AttachFrame] {
        var decoder = AttachDecoder(from: side)
        var frames: [AttachFrame] = []
        var start = 0
        for end in cuts + [bytes.count] {
            decoder.append(bytes.span.extracting(start..<end))
            start = end
            while let frame = try decoder.next() { frames.append(frame) }
        }
        return frames
    }

    @Test func `the bytes are those of the page`() {
        #expect(
            AttachFrame.input(Array("hi".utf8), offset: 3, isEnd: true).bytes
                == [1, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0x68, 0x69])
        #expect(AttachFrame.credit(65_538).bytes == [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2])
        #expect(
            AttachFrame.gap(1..<258, of: .errors).bytes
                == [4, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 1, 1])
        #expect(
            AttachFrame.resize(columns: 256, rows: 2).bytes
                == [6, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2])
    }

    @Test func `frames say what they were made of`() {
        #expect(AttachFrame.gap(5..<900, of: .errors).lost?.bytes == 5..<900)
        #expect(AttachFrame.gap(5..<900, of: .errors).lost?.stream == .errors)
        #expect(AttachFrame.resize(columns: 513, rows: 24).size?.columns == 513)
        #expect(AttachFrame.resize(columns: 513, rows: 24).size?.rows == 24)
        #expect(AttachFrame.signal(9).signal == 9)
        #expect(AttachFrame.time(258, of: .errors, offset: 1).time?.milliseconds == 258)
        #expect(AttachFrame.time(258, of: .errors, offset: 1).time?.stream == .errors)
        #expect(AttachFrame.gap(5..<900, of: .errors).time == nil)
        #expect(AttachFrame.credit(1).lost == nil && AttachFrame.credit(1).signal == nil)
    }

    @Test func `a stream of client frames is the same however it is cut in two`() throws {
        let stream = Self.fromClient.flatMap(\.bytes)
        for cut in 0...stream.count {
            #expect(try decode(stream, from: .client, cuts: [cut]) == Self.fromClient)
        }
        #expect(try decode(stream, from: .client, cuts: Array(0...stream.count)) == Self.fromClient)
    }

    @Test func `a long stream of server frames is the same however it is cut`() throws {
        let frames = Array(repeatElement(Self.fromServer, count: 3).joined())
        let stream = frames.flatMap(\.bytes)
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let cuts = (0..<Int.random(in: 0...40, using: &numbers)).map { _ in
                Int.random(in: 0...stream.count, using: &numbers)
            }
            #expect(try decode(stream, from: .server, cuts: cuts.sorted()) == frames, "\(cuts.sorted())")
        }
    }

    private static func header(
        _ type: UInt8, flags: UInt8 = 0, reserved: UInt8 = 0, length: [UInt8] = [0, 0, 0, 0],
        offset: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0], _ payload: [UInt8] = []
    ) -> [UInt8] {
        [type, flags, reserved, 0] + length + offset + payload
    }

    @Test(
        arguments: [
            (header(0), .kind(0)), (header(12), .kind(12)), (header(11), .direction(.time)),
            (header(2), .direction(.output)),
            (header(1, flags: 2), .flags(2, .input)),
            (header(7, flags: 1, length: [0, 0, 0, 1]), .flags(1, .signal)),
            (header(1, reserved: 1), .reserved), (header(1, length: [0, 1, 0, 1]), .length(65_537, .input)),
            (header(1, length: [255, 255, 255, 255]), .length(4_294_967_295, .input)),
            (header(6, length: [0, 0, 0, 3]), .length(3, .resize)), (header(7), .length(0, .signal)),
            (header(7, length: [0, 0, 0, 1], offset: [0, 0, 0, 0, 0, 0, 0, 1]), .offset(.signal)),
            (header(1, offset: [128, 0, 0, 0, 0, 0, 0, 0]), .offset(.input)),
            (header(6, length: [0, 0, 0, 4], [0, 0, 0, 0]), .payload(.resize)),
            (header(7, length: [0, 0, 0, 1], [0]), .payload(.signal)),
            (header(7, length: [0, 0, 0, 1], [65]), .payload(.signal)),
        ] as [([UInt8], AttachFrameError.Problem)])
    func `what no client may send is named with its place`(
        bytes: [UInt8], problem: AttachFrameError.Problem
    ) throws {
        let before = AttachFrame.signal(1).bytes
        var decoder = AttachDecoder(from: .client)
        decoder.append((before + bytes).span)
        #expect(try decoder.next() == .signal(1))
        let expected = AttachFrameError(offset: 17, problem: problem)
        #expect(throws: expected) { try decoder.next() }
        // It stays so, and takes no more memory.
        decoder.append(before.span)
        #expect(throws: expected) { try decoder.next() }
        #expect(expected.description.hasPrefix("the frame at byte 17: "))
    }

    @Test(
        arguments: [
            (header(4, length: [0, 0, 0, 9], [1, 0, 0, 0, 0, 0, 0, 0, 1]), .payload(.gap)),
            (header(4, length: [0, 0, 0, 9], [2, 0, 0, 0, 0, 0, 0, 0, 0]), .payload(.gap)),
            (header(11, length: [0, 0, 0, 9], [1, 0, 0, 0, 0, 0, 0, 0, 1]), .payload(.time)),
            (header(11, length: [0, 0, 0, 9], [2, 128, 0, 0, 0, 0, 0, 0, 0]), .payload(.time)),
            (header(5), .flags(0, .exit)),
            (header(9, flags: 1, length: [0, 0, 16, 1]), .length(4097, .error)),
            (header(1), .direction(.input)),
        ] as [([UInt8], AttachFrameError.Problem)])
    func `what no server may send is named`(bytes: [UInt8], problem: AttachFrameError.Problem) throws {
        #expect(throws: AttachFrameError(offset: 0, problem: problem)) {
            try decode(bytes, from: .server)
        }
    }

    @Test func `a length over the limit is refused before the payload comes`() throws {
        let bytes = Self.header(1, length: [0, 1, 0, 1])
        #expect(throws: AttachFrameError(offset: 0, problem: .length(65_537, .input))) {
            try decode(bytes, from: .client)
        }
    }

    @Test func `bytes of no meaning never do more than fail`() {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var bytes = (0..<Int.random(in: 0...64)).map { _ in UInt8.random(in: 0...255, using: &numbers) }
            // Mostly something close to a frame.
            if bytes.count > 8 {
                bytes.replaceSubrange(0..<7, with: [UInt8.random(in: 0...10), 0, 0, 0, 0, 0, 0])
            }
            let whole = try? decode(bytes, from: .client)
            let cut = try? decode(bytes, from: .client, cuts: Array(0...bytes.count))
            #expect(whole == cut)
        }
    }
}
