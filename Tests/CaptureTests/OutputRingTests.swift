import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Capture

@Suite(.timeLimit(.minutes(20))) struct OutputRingTests {
    @Test func `what is written is read at its offset`() throws {
        let fed = try Fed.make()
        try fed.feed(Array("hello world".utf8))
        #expect(fed.ring.position == 11)
        #expect(try fed.ring.read(from: 0, atMost: 100) == .bytes(Array("hello world".utf8)))
        #expect(try fed.ring.read(from: 6, atMost: 3) == .bytes(Array("wor".utf8)))
        #expect(try fed.ring.read(from: 11, atMost: 3) == .nothing)
        #expect(throws: CaptureError.beyond(offset: 12, position: 11)) {
            try fed.ring.read(from: 12, atMost: 1)
        }
    }

    @Test func `a stream ends when nobody can write any more`() throws {
        var fed = try Fed.make()
        try fed.feed(Array("x".utf8))
        #expect(!fed.ring.isEnded)
        fed.writing = nil
        #expect(try fed.ring.fill(from: fed.source, atMost: 100, now: 1) == 0)
        #expect(fed.ring.isEnded)
        #expect(try fed.ring.read(from: 1, atMost: 1) == .end)
        #expect(try fed.ring.read(from: 0, atMost: 1) == .bytes([0x78]))
    }

    @Test func `who fell behind learns exactly what is lost`() throws {
        let fed = try Fed.make(.last(100_000))
        try fed.feed(upTo: 1_000_003)
        #expect(try fed.ring.read(from: 7, atMost: 1) == .lost(7..<900_003))
        #expect(fed.ring.window.dropped == 900_003)
        let rest = try fed.ring.all(from: 900_003)
        #expect(rest.count == 100_000)
        #expect(Pattern.mismatch(rest, at: 900_003) == nil)
    }

    @Test func `the beginning and the end of a result are kept and the middle is counted`() throws {
        let fed = try Fed.make(.ends(400_000))
        try fed.feed(upTo: 399_999)
        #expect(fed.ring.window.dropped == 0)
        let all = try fed.ring.contents()
        #expect(all.head.isEmpty && all.dropped == 0 && all.tail.count == 399_999)
        try fed.feed(upTo: 2_000_001)
        #expect(fed.ring.window == Window(head: 100_000, tail: 1_700_001, position: 2_000_001))
        let head = try fed.ring.all(from: 0)
        #expect(head.count == 100_000 && Pattern.mismatch(head, at: 0) == nil)
        #expect(try fed.ring.read(from: 100_000, atMost: 9) == .lost(100_000..<1_700_001))
        let tail = try fed.ring.all(from: 1_700_001)
        #expect(tail.count == 300_000 && Pattern.mismatch(tail, at: 1_700_001) == nil)
        #expect(try fed.ring.contents() == OutputRing.Contents(head: head, dropped: 1_600_001, tail: tail))
    }

    @Test func `memory stays within what is kept while gigabytes flow`() throws {
        let memory = try OutputRing.makeMemory(name: "flow")
        let ring = try OutputRing.adopt(try memory.duplicate())
        let pipe = try Pipe.make()
        let total = Effort.isFull ? 8 << 30 : 1 << 30
        let writer = try Program(
            ["/bin/sh", "-c", "exec head -c \(total) /dev/zero >&3"], descriptors: [pipe.writing.number]
        ).start()
        let source = OutputSource.pipe(try pipe.reading.duplicate())
        try closing(pipe)
        var most = 0
        var turns = 0
        while !ring.isEnded {
            if try ring.fill(from: source, atMost: 256 << 10, now: clinux_boottime()) == 0 { usleep(100) }
            try ring.keep(Retention.last(1 << 20).window(at: ring.position, beside: 0))
            turns += 1
            if turns % 16 == 0 { most = max(most, OutputRing.kilobytes(of: memory)) }
        }
        #expect(ring.position == UInt64(total))
        // What is kept, a turn, a batch, and the pages at both ends and of the times.
        #expect(most > 1024 && most <= 1024 + 256 + 64 + 16, "\(most) KiB")
        #expect(try writer.wait().status == 0)
    }

    private func closing(_ pipe: consuming Pipe) throws {}

    @Test func `a writer waits while nobody takes, gets no signal and goes on`() throws {
        let pipe = try Pipe.make()
        let writer = try Program(
            [Product.path("capture-role"), "write", "1000000"], descriptors: []
        ).startWriting(to: pipe.writing)
        let source = OutputSource.pipe(try pipe.reading.duplicate())
        try closing(pipe)
        let state = "/proc/\(writer.pid)/stat"
        #expect(eventually { File.text(state)?.contains(") S ") ?? false }, "it never waited")
        let ring = try OutputRing.adopt(try OutputRing.makeMemory(name: "late"))
        #expect(
            try eventually { () throws -> Bool in
                _ = try ring.fill(from: source, atMost: 1 << 20, now: clinux_boottime())
                return ring.isEnded
            })
        #expect(try Pattern.mismatch(ring.all(from: 0), at: 0) == nil)
        #expect(ring.position == 1_000_000)
        #expect(try writer.wait().status == 0)
    }

    @Test func `a descriptor that is no memory for a ring is refused`() throws {
        let pipe = try Pipe.make()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let file = try OutputRing.makeMemory(name: "reading")
        let reading = try FileDescriptor.open("/proc/self/fd/\(file.number)", O_RDONLY)
        let error = #expect(throws: CaptureError.self) { try OutputRing.adopt(pipe.reading.duplicate()) }
        #expect(error?.description.contains("is no memory file") ?? false)
        #expect(throws: CaptureError.self) { try OutputRing.adopt(null.duplicate()) }
        let other = #expect(throws: CaptureError.self) { try OutputRing.adopt(reading.duplicate()) }
        #expect(other?.description.contains("open for reading and writing") ?? false)
    }

    @Test func `the memory cannot be cut off by whoever has a copy`() throws {
        let memory = try OutputRing.makeMemory(name: "sealed")
        try memory.writeAll([1, 2, 3])
        #expect(ftruncate(memory.number, 0) == -1 && errno == EPERM)
    }
}

@Suite struct StartPointTests {
    @Test(arguments: [
        ("a\nb\nc\n", 1, "c\n"), ("a\nb\nc", 1, "c"), ("a\nb\nc\n", 2, "b\nc\n"),
        ("a\nb\nc\n", 9, "a\nb\nc\n"),
        ("\n\n\n", 2, "\n\n"), ("a", 1, "a"), ("a\n", 1, "a\n"), ("a\nb", 0, ""), ("", 3, ""),
        ("a\n\n", 1, "\n"),
    ])
    func `the last lines are those that tail shows`(text: String, count: Int, expected: String) throws {
        let fed = try Fed.make()
        try fed.feed(Array(text.utf8))
        let offset = try fed.ring.offset(of: .lines(count))
        #expect(String(decoding: try fed.ring.all(from: offset), as: UTF8.self) == expected)
        let tail = try Program.run(["tail", "-n", "\(count)"], stdin: Array(text.utf8))
        #expect(tail.output == expected)
    }

    @Test func `lines are found across the pieces of the search, and not before what is kept`() throws {
        let fed = try Fed.make(.last(300_000))
        let line = Array((String(repeating: "x", count: 999) + "\n").utf8)
        for _ in 0..<400 { try fed.feed(line) }
        #expect(try fed.ring.offset(of: .lines(150)) == 250_000)
        #expect(try fed.ring.offset(of: .lines(300)) == 100_000)
        #expect(try fed.ring.offset(of: .lines(1000)) == 100_000)
        #expect(try fed.ring.offset(of: .oldest) == 100_000)
        #expect(try fed.ring.offset(of: .now) == 400_000)
        #expect(try fed.ring.offset(of: .offset(5)) == 5)
        #expect(throws: CaptureError.beyond(offset: 400_001, position: 400_000)) {
            try fed.ring.offset(of: .offset(400_001))
        }
    }

    @Test func `a search that is overtaken by the stream ends at the oldest byte`() throws {
        let fed = try Fed.make(.last(200_000))
        try fed.feed([UInt8](repeating: 0x78, count: 200_000))
        var scan = LineScan(fed.ring.window, lines: 1)
        #expect(try scan.step(fed.ring) == nil)
        try fed.feed([UInt8](repeating: 0x78, count: 200_000))
        #expect(try scan.step(fed.ring) == 200_000)
    }

    @Test func `the times of a new ring take no more than they need, and are known again as stored`() throws {
        let memory = try OutputRing.makeMemory(name: "notes")
        let pipe = try Pipe.make()
        let source = OutputSource.pipe(try pipe.reading.duplicate())
        let ring = try OutputRing.adopt(try memory.duplicate())
        try pipe.writing.writeAll(Array("0123456789".utf8))
        #expect(try ring.fill(from: source, atMost: 1 << 20, now: 1_000_000_000) == 10)
        // A mark and one entry.
        let file = try RingMemory.adopt(try memory.duplicate())
        let notes = try file.read(from: RingMemory.notes, count: TimeIndex.size)
        #expect(notes.count == 32)
        let times = TimeIndex(notes, position: 10)
        #expect(times == ring.times && times.entries.count == 1)
        #expect(times.isStored(as: notes) && times.isStored(as: times.bytes))
        #expect(!times.isStored(as: notes + [1]) && !times.isStored(as: Array(notes.dropLast())))
        #expect(!TimeIndex().isStored(as: []))
        // Whoever takes over adds to it.
        let next = try OutputRing.adopt(try memory.duplicate())
        try pipe.writing.writeAll([0x78])
        #expect(try next.fill(from: source, atMost: 1 << 20, now: 3_000_000_000) == 1)
        #expect(try file.read(from: RingMemory.notes, count: TimeIndex.size).count == 48)
        #expect(try OutputRing.adopt(try memory.duplicate()).times == next.times)
    }

    @Test func `since a time begins with what came then, after another process took over as well`() throws {
        let memory = try OutputRing.makeMemory(name: "times")
        let pipe = try Pipe.make()
        let source = OutputSource.pipe(try pipe.reading.duplicate())
        let second: UInt64 = 1_000_000_000
        var ring = try OutputRing.adopt(try memory.duplicate())
        for time in 1...300 as ClosedRange<UInt64> {
            if time % 100 == 0 { ring = try OutputRing.adopt(try memory.duplicate()) }
            try pipe.writing.writeAll(Array("0123456789".utf8))
            #expect(try ring.fill(from: source, atMost: 1 << 20, now: time * second) == 10)
        }
        #expect(ring.times.entries.count == TimeIndex.most)
        ring = try OutputRing.adopt(try memory.duplicate())
        #expect(ring.times.entries.count == TimeIndex.most)
        #expect(try ring.offset(of: .since(300 * second)) == 2_990)
        #expect(try ring.offset(of: .since(301 * second)) == 3_000)
        let middle = try ring.offset(of: .since(150 * second))
        #expect(middle <= 1_490 && middle >= 1_470)
        try ring.keep(Window(head: 0, tail: 2_000, position: ring.position))
        #expect(try ring.offset(of: .since(1 * second)) == 2_000)
    }
}
