import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Capture

/// Whoever fills a ring is killed at random moments, and the next one goes on with the same descriptors.
@Suite(.timeLimit(.minutes(20))) struct CrashTests {
    private static let kept: UInt64 = 1 << 20
    private static let mostKills = Effort.isFull ? 3_000 : 120

    /// Kills fillers until the writer is done, or there were enough; returns how many were killed while
    /// the stream ran.
    private func killFillers(
        _ kind: String, _ descriptors: [CInt], _ memory: borrowing FileDescriptor, total: UInt64
    ) throws -> Int {
        var (kills, before) = (0, UInt64(0))
        // Longer where a process needs longer to begin.
        var longest: UInt32 = 8_000
        var numbers = SystemRandomNumberGenerator()
        while true {
            let filler = try Program(
                [Product.path("capture-role"), "fill", kind, "\(Self.kept)"], descriptors: descriptors
            ).start()
            if kills < Self.mostKills {
                usleep(UInt32.random(in: 0...longest, using: &numbers))
                try filler.signal(SIGKILL)
            }
            let end = try filler.wait(timeout: 300)
            try #require(end.signal == SIGKILL || end.status == 0, "\(end.errors)")
            let ring = try OutputRing.adopt(try memory.duplicate())
            if end.signal == SIGKILL, ring.position > 0, ring.position < total { kills += 1 }
            longest = ring.position == before ? min(longest * 2, 2_000_000) : 8_000
            before = ring.position
            try check(ring)
            if ring.position >= total || end.status == 0 { return kills }
        }
    }

    /// That the last bytes of the stream are those that belong at their offsets: whatever was lost or
    /// repeated before them would have moved them.
    private func check(_ ring: OutputRing) throws {
        let oldest = ring.position - min(ring.position, Self.kept)
        try ring.keep(Window(head: 0, tail: oldest, position: ring.position))
        let from = max(oldest, ring.position - min(ring.position, 4096))
        try #require(Pattern.mismatch(try ring.all(from: from), at: from) == nil)
    }

    @Test func `no byte of a pipe is lost or there twice, whenever the filler is killed`() throws {
        let memory = try OutputRing.makeMemory(name: "crash")
        let pipe = try Pipe.make()
        let total: UInt64 = Effort.isFull ? 2 << 30 : 96 << 20
        let writer = try Program([Product.path("capture-role"), "write", "\(total)"])
            .startWriting(to: pipe.writing)
        let reading = try pipe.reading.duplicate()
        try drop(pipe)
        let kills = try killFillers("pipe", [reading.number, memory.number], memory, total: total)
        #expect(kills >= 100)
        #expect(try writer.wait().status == 0)
        // The position is the writer's count, and nothing is left to come.
        let ring = try OutputRing.adopt(try memory.duplicate())
        #expect(ring.position == total)
        #expect(try ring.fill(from: .pipe(try reading.duplicate()), atMost: 10, now: 1) == 0)
        #expect(ring.isEnded)
        let oldest = total - Self.kept
        try ring.keep(Window(head: 0, tail: oldest, position: total))
        #expect(Pattern.mismatch(try ring.all(from: oldest), at: oldest) == nil)
        #expect(OutputRing.kilobytes(of: memory) <= 1024 + 1024 + 128)
    }

    @Test func `no byte of a terminal is lost or there twice either`() throws {
        let memory = try OutputRing.makeMemory(name: "crash")
        let elbow = try OutputSource.makeElbow()
        let master = try FileDescriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
        let slave = try openSlave(of: master)
        let total: UInt64 = Effort.isFull ? 256 << 20 : 64 << 20
        let writer = try Program([Product.path("capture-role"), "write", "\(total)"]).startWriting(to: slave)
        try drop(slave)
        let kills = try killFillers(
            "terminal", [master.number, memory.number, elbow.number], memory, total: total)
        #expect(kills >= 100)
        #expect(try writer.wait().status == 0)
        let ring = try OutputRing.adopt(try memory.duplicate())
        #expect(ring.position == total)
        let source = try OutputSource.terminal(try master.duplicate(), elbow: try elbow.duplicate())
        #expect(try ring.fill(from: source, atMost: 10, now: 1) == 0)
        #expect(ring.isEnded)
    }

    private func drop(_ pipe: consuming Pipe) throws {}
    private func drop(_ descriptor: consuming FileDescriptor) throws {}
}

extension Program {
    /// Starts the program with `descriptor` as its standard output.
    func startWriting(to descriptor: borrowing FileDescriptor) throws -> RunningProgram {
        let words = arguments.map { "'\($0)'" }.joined(separator: " ")
        return try Program(
            ["/bin/sh", "-c", "exec \(words) >&3 3>&-"], descriptors: [descriptor.number]
        ).start()
    }
}
