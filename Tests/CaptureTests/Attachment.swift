import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Capture

/// A process's output on a loop of the test's own, and pipes to write it through.
final class Stage {
    let loop: EventLoop
    let output: ProcessOutput
    private let memories: [Held<FileDescriptor>]
    /// The writing ends of both streams.
    var pipes: [Held<FileDescriptor>?]
    var written: [UInt64] = [0, 0]

    init(_ retention: Retention = .last(1 << 20)) throws {
        loop = try EventLoop()
        output = ProcessOutput(retention: retention, on: loop)
        var (ends, memories): ([Held<FileDescriptor>], [Held<FileDescriptor>]) = ([], [])
        for name in ["output", "errors"] {
            let pipe = try Pipe.make()
            let memory = try OutputRing.makeMemory(name: name)
            output.add(
                try OutputRing.adopt(try memory.duplicate()), from: .pipe(try pipe.reading.duplicate()))
            ends.append(Held(try pipe.writing.duplicate()))
            memories.append(Held(memory))
        }
        pipes = ends
        self.memories = memories
        try output.start()
    }

    deinit { loop.removeAll() }

    /// Has the loop run until `condition` holds; false when it does not within 20 s.
    func run(until condition: () throws -> Bool) throws -> Bool {
        let deadline = Host.now + 20 * Host.patience
        while Host.now < deadline {
            if try condition() { return true }
            _ = try loop.turn(timeout: 2)
        }
        return false
    }

    /// Has everything that is ready done.
    func settle() throws {
        var quiet = 0
        while quiet < 3 { quiet = try loop.turn(timeout: 0) == 0 ? quiet + 1 : 0 }
    }

    /// Writes `count` bytes of the pattern and has them taken.
    func write(_ count: Int, to stream: OutputStream = .output) throws {
        var left = count
        while left > 0 {
            let part = min(left, 60_000)
            let start = written[stream.rawValue]
            try pipes[stream.rawValue]?.value.writeAll(Pattern.bytes(start..<start + UInt64(part)))
            written[stream.rawValue] += UInt64(part)
            left -= part
            while output.rings[stream.rawValue].position < written[stream.rawValue] {
                _ = try loop.turn(timeout: 100)
            }
        }
    }

    func attach(
        _ start: StartPoint = .oldest, leads: Bool = false, calendar: ((BootTime) -> UInt64)? = nil,
        delegate: (any AttachDelegate)? = nil
    ) throws -> (client: Client, reader: AttachedReader) {
        let ends = try StreamPair.make()
        let reader = try output.attach(
            ends.ours, from: [start, .oldest], leads: leads, calendar: calendar, delegate: delegate)
        return (Client(ends.theirs), reader)
    }
}

/// A connected pair of unix sockets.
struct StreamPair: ~Copyable {
    let ours: FileDescriptor
    let theirs: FileDescriptor

    static func make() throws -> StreamPair {
        var ends: [CInt] = [-1, -1]
        _ = try call("socketpair") {
            unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        return StreamPair(ours: FileDescriptor(owning: ends[0]), theirs: FileDescriptor(owning: ends[1]))
    }
}

/// The other end of an attached connection.
final class Client {
    var socket: FileDescriptor?
    private var decoder = AttachDecoder(from: .server)
    /// Bytes of output and errors that came, and where the next one belongs.
    var counts: [UInt64] = [0, 0]
    var next: [UInt64?] = [nil, nil]
    var gaps: [Range<UInt64>] = []
    var ended: [Bool] = [false, false]
    var order: [OutputStream] = []
    /// What was told of times: of which stream, from where on, and when.
    var times: [(stream: OutputStream, offset: UInt64, milliseconds: UInt64)] = []
    var exit: String?
    var error: String?
    var credit: UInt64 = 0
    var isOver = false

    init(_ socket: consuming FileDescriptor) {
        try? socket.setNonBlocking()
        self.socket = consume socket
    }

    /// Takes what has come, up to `most` bytes.
    func receive(atMost most: Int = .max) throws {
        var (room, total) = ([UInt8](repeating: 0, count: 65_536), 0)
        while total < most {
            let want = min(room.count, most - total)
            let number = socket.numberOrNone
            let count = unsafe recv(number, &room, want, 0)
            if count < 0, errno == EAGAIN { return }
            if count <= 0 {
                isOver = true
                return
            }
            total += count
            decoder.append(room.span.extracting(0..<count))
            while let frame = try decoder.next() { take(frame) }
        }
    }

    /// Checks that each byte is the pattern's at its offset and follows the one before.
    private func take(_ frame: AttachFrame) {
        #expect(exit == nil && error == nil, "something came behind the last frame")
        switch frame.kind {
        case .output, .errors:
            let stream: OutputStream = frame.kind == .output ? .output : .errors
            if let next = next[stream.rawValue] { #expect(frame.offset == next) }
            #expect(!ended[stream.rawValue])
            #expect(Pattern.mismatch(frame.payload, at: frame.offset) == nil)
            next[stream.rawValue] = frame.offset + UInt64(frame.payload.count)
            counts[stream.rawValue] += UInt64(frame.payload.count)
            ended[stream.rawValue] = frame.isEnd
            if order.last != stream { order.append(stream) }
        case .gap:
            guard let lost = frame.lost else { return }
            if let next = next[lost.stream.rawValue] { #expect(lost.bytes.lowerBound == next) }
            next[lost.stream.rawValue] = lost.bytes.upperBound
            gaps.append(lost.bytes)
        case .time:
            guard let time = frame.time else { return }
            if let next = next[time.stream.rawValue] { #expect(frame.offset == next) }
            times.append((time.stream, frame.offset, time.milliseconds))
        case .exit: exit = String(decoding: frame.payload, as: UTF8.self)
        case .error: error = String(decoding: frame.payload, as: UTF8.self)
        case .credit: credit = frame.offset
        default: Issue.record("a server sent \(frame)")
        }
    }

    func send(_ bytes: [UInt8]) throws {
        switch socket {
        case .some(let open): try open.writeAll(bytes)
        case .none: break
        }
    }
}

/// Notes what a client did.
final class Notes: AttachDelegate {
    var frames: [AttachFrame] = []
    var end: AttachEnd?
    var action: ((AttachFrame, AttachedReader) -> Void)?

    func received(_ frame: AttachFrame, from reader: AttachedReader) {
        frames.append(frame)
        action?(frame, reader)
    }

    func ended(_ reader: AttachedReader, _ end: AttachEnd) { self.end = end }
}
