import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Capture

@Suite(.timeLimit(.minutes(20))) struct ProcessOutputTests {
    @Test func `a reader that comes late gets what was written, then what is written`() throws {
        let stage = try Stage()
        try stage.write(300_000)
        let (client, _) = try stage.attach()
        #expect(
            try stage.run {
                try client.receive(); return client.counts[0] == 300_000
            })
        try stage.write(50_000)
        try stage.write(7, to: .errors)
        #expect(
            try stage.run {
                try client.receive(); return client.counts == [350_000, 7]
            })
        #expect(client.gaps.isEmpty)
    }

    @Test func `a client is told of times where it asks, once for each, before the bytes that have it`()
        throws
    {
        let stage = try Stage()
        try stage.write(10)
        let first = try #require(stage.output.rings[0].times.entries.last?.time)
        // Closer together they would count as one.
        while clinux_boottime() < first + 5_000_000 {}
        try stage.write(5)
        try stage.write(3, to: .errors)
        let (silent, _) = try stage.attach()
        let (client, _) = try stage.attach(calendar: { $0 })
        #expect(
            try stage.run {
                try silent.receive()
                try client.receive()
                return client.counts == [15, 3] && silent.counts == [15, 3]
            })
        #expect(silent.times.isEmpty)
        func told() -> [(offset: UInt64, milliseconds: UInt64)] {
            client.times.filter { $0.stream == .output }.map { ($0.offset, $0.milliseconds) }
        }
        let expected = stage.output.rings[0].times.entries
        #expect(told().map(\.offset) == expected.map(\.offset) && told().map(\.offset) == [0, 10])
        #expect(told().map(\.milliseconds) == expected.map(\.time))
        #expect(client.times.filter { $0.stream == .errors }.count == 1)
        // What comes live.
        while clinux_boottime() < (expected.last?.time ?? 0) + 5_000_000 {}
        try stage.write(7)
        #expect(
            try stage.run {
                try client.receive()
                return client.counts[0] == 22
            })
        #expect(told().last?.offset == 15 && told().count == 3)
    }

    @Test func `a reader that left comes back where it was`() throws {
        let stage = try Stage()
        try stage.write(10_000)
        let (first, reader) = try stage.attach()
        #expect(
            try stage.run {
                try first.receive(); return first.counts[0] == 10_000
            })
        reader.detach()
        #expect(stage.output.readerCount == 0)
        try first.receive()
        #expect(first.isOver)
        try stage.write(10_000)
        let (second, _) = try stage.attach(.offset(10_000))
        second.next[0] = 10_000
        // Of standard error there never were so many.
        #expect(throws: CaptureError.beyond(offset: 10_000, position: 0)) { try stage.attachBoth() }
        #expect(
            try stage.run {
                try second.receive(); return second.next[0] == 20_000
            })
        #expect(second.counts[0] == 10_000 && second.gaps.isEmpty)
    }

    @Test func `a pipe that is full again and again holds more, and any other stays as it is`() throws {
        let stage = try Stage()
        func size(_ stream: OutputStream) -> CInt {
            clinux_pipe_size(stage.pipes[stream.rawValue]?.value.number ?? -1)
        }
        for _ in 0..<40 {
            // A turn that brings little ends the row.
            try stage.write(60_000 * 15, to: .errors)
            try stage.write(1000, to: .errors)
        }
        #expect(size(.errors) == 65_536)
        try stage.write(60_000 * 15)
        #expect(size(.output) == 65_536)
        try stage.write(60_000)
        #expect(size(.output) == 262_144)
        // More than it held before, in one turn.
        let pipe = try #require(stage.pipes[0])
        try pipe.value.writeAll(Pattern.bytes(960_000..<1_160_000))
        let (client, _) = try stage.attach(.offset(960_000))
        client.next[0] = 960_000
        #expect(
            try stage.run {
                try client.receive(); return client.next[0] == 1_160_000
            })
        #expect(client.gaps.isEmpty && client.counts[0] == 200_000)
    }

    @Test func `what is on its way to a reader that does not read is bounded`() throws {
        let stage = try Stage(.last(100_000))
        let (client, _) = try stage.attach()
        try stage.write(4_000_000)
        try stage.settle()
        // Nothing is sent meanwhile.
        try client.receive()
        let frame = UInt64(AttachFrame.payloadLimit + AttachFrame.headerSize)
        #expect(client.counts[0] > 300_000 && client.counts[0] <= 512 << 10 + frame)
        #expect(
            try stage.run {
                try client.receive(); return client.next[0] == 4_000_000
            })
    }

    @Test func `a reader that is slow loses exactly what it is told, and one beside it nothing`() throws {
        let stage = try Stage(.last(200_000))
        let (slow, _) = try stage.attach()
        let (fast, _) = try stage.attach()
        for _ in 0..<60 {
            try stage.write(50_000)
            #expect(
                try stage.run {
                    try fast.receive(); return fast.counts[0] == stage.written[0]
                })
        }
        #expect(fast.gaps.isEmpty && fast.counts[0] == 3_000_000)
        #expect(
            try stage.run {
                try slow.receive(); return slow.next[0] == 3_000_000
            })
        #expect(slow.gaps.count == 1)
        #expect(slow.counts[0] + slow.gaps.reduce(0) { $0 + UInt64($1.count) } == 3_000_000)
    }

    /// Its reads end in the middle of frames, whose bytes go while they are on their way.
    @Test func `frames stay whole however slowly they are read`() throws {
        let stage = try Stage(.last(100_000))
        let (client, _) = try stage.attach()
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<150 {
            try stage.write(Int.random(in: 1...120_000, using: &numbers))
            try client.receive(atMost: Int.random(in: 1...90_000, using: &numbers))
            try stage.settle()
        }
        #expect(
            try stage.run {
                try client.receive(); return client.next[0] == stage.written[0]
            })
        #expect(!client.gaps.isEmpty)
        let lost = client.gaps.reduce(0) { $0 + UInt64($1.count) }
        #expect(client.counts[0] + lost == stage.written[0])
    }

    @Test func `a reader that died is let go of, and the others go on`() throws {
        let stage = try Stage()
        let notes = Notes()
        let (dead, _) = try stage.attach(delegate: notes)
        let (alive, _) = try stage.attach()
        dead.socket = nil
        #expect(try stage.run { notes.end == .left })
        #expect(stage.output.readerCount == 1)
        try stage.write(100_000)
        #expect(
            try stage.run {
                try alive.receive(); return alive.counts[0] == 100_000
            })
    }

    @Test func `a reader that dies while it is sent to causes no signal`() throws {
        let stage = try Stage(.last(4 << 20))
        try stage.write(2 << 20)
        let notes = Notes()
        let (client, _) = try stage.attach(delegate: notes)
        #expect(
            try stage.run {
                try client.receive(atMost: 70_000); return client.counts[0] > 100_000
            })
        client.socket = nil
        #expect(try stage.run { notes.end == .left })
    }

    @Test func `many readers of all speeds get the same bytes`() throws {
        let stage = try Stage(.last(4 << 20))
        let clients = try (0..<50).map { _ in try stage.attach().client }
        for round in 0..<20 {
            try stage.write(15_000)
            for (index, client) in clients.enumerated() where round % (1 + index % 7) == 0 {
                try client.receive()
            }
        }
        #expect(
            try stage.run {
                for client in clients { try client.receive() }
                return clients.allSatisfy { $0.counts[0] == 300_000 }
            })
        #expect(clients.allSatisfy { $0.gaps.isEmpty })
    }

    @Test func `the end of the process comes behind all that it wrote`() throws {
        let stage = try Stage()
        let notes = Notes()
        let (client, _) = try stage.attach(delegate: notes)
        try stage.write(500_000)
        // Not taken yet when the end is known.
        try stage.pipes[1]?.value.writeAll(Pattern.bytes(0..<5_000))
        stage.pipes = [nil, nil]
        stage.output.ended(Array(#"{"status":3}"#.utf8))
        #expect(
            try stage.run {
                try client.receive(); return client.isOver
            })
        #expect(client.counts == [500_000, 5_000])
        #expect(client.ended == [true, true])
        #expect(client.exit == #"{"status":3}"#)
        #expect(notes.end == .finished)
        #expect(stage.output.readerCount == 0)
    }

    @Test func `a child that keeps the streams open does not keep back the end of the process`() throws {
        let stage = try Stage()
        let (client, _) = try stage.attach()
        try stage.write(1_000)
        stage.output.ended(Array("{}".utf8))
        #expect(
            try stage.run {
                try client.receive(); return client.isOver
            })
        #expect(client.exit == "{}" && client.counts[0] == 1_000 && client.ended == [false, false])
    }

    @Test func `whoever attaches to a process that has ended gets what is kept and its end`() throws {
        let stage = try Stage(.ends(100_000))
        try stage.write(1_000_000)
        stage.pipes = [nil, nil]
        stage.output.ended(Array("{}".utf8))
        let (client, _) = try stage.attach()
        #expect(
            try stage.run {
                try client.receive(); return client.isOver
            })
        #expect(client.counts[0] == 100_000)
        #expect(client.gaps == [25_000..<925_000])
        #expect(client.exit == "{}")
    }

    @Test func `a replay shows both streams in the order of their times`() throws {
        let stage = try Stage()
        for stream in [OutputStream.output, .errors, .output, .errors] {
            try stage.write(10, to: stream)
            usleep(5_000)
        }
        let (client, _) = try stage.attach()
        #expect(
            try stage.run {
                try client.receive(); return client.counts == [20, 20]
            })
        #expect(client.order == [.output, .errors, .output, .errors])
    }

    @Test func `the last lines of each stream are where a reader can begin`() throws {
        let stage = try Stage()
        try stage.pipes[0]?.value.writeAll(Array("one\ntwo\nthree\n".utf8))
        #expect(try stage.run { stage.output.rings[0].position == 14 })
        let ring = stage.output.rings[0]
        #expect(
            try ring.read(from: ring.offset(of: .lines(2)), atMost: 99) == .bytes(Array("two\nthree\n".utf8)))
    }

    private final class Watcher: OutputObserver {
        var moved = 0
        var failures: [SystemError] = []
        func moved(_ stream: OutputStream, of output: ProcessOutput) { moved += 1 }
        func failed(_ stream: OutputStream, of output: ProcessOutput, _ error: SystemError) {
            failures.append(error)
        }
    }

    /// With a memory file that takes no more bytes, in place of a machine that has no more memory.
    @Test func `what cannot be kept waits in the pipe, and nothing of it is lost`() throws {
        let loop = try EventLoop()
        defer { loop.removeAll() }
        let memory = try OutputRing.makeMemory(name: "full")
        let pipe = try Pipe.make()
        let output = ProcessOutput(retention: .last(1 << 20), on: loop)
        let watcher = Watcher()
        output.observer = watcher
        output.add(
            try OutputRing.adopt(try memory.duplicate()), from: .pipe(try pipe.reading.duplicate()))
        try output.start()
        try pipe.writing.writeAll(Pattern.bytes(0..<100))
        while output.rings[0].position < 100 { _ = try loop.turn(timeout: 100) }
        // Where the file may not grow, at the very end of what offsets can be.
        _ = lseek(memory.number, off_t.max, SEEK_SET)
        try pipe.writing.writeAll(Pattern.bytes(100..<200))
        while watcher.failures.isEmpty { _ = try loop.turn(timeout: 100) }
        #expect(watcher.failures.map(\.call) == ["splice"])
        for _ in 0..<5 { #expect(try loop.turn(timeout: 0) == 0) }
        _ = lseek(memory.number, 100, SEEK_SET)
        try output.resume(.output)
        while output.rings[0].position < 200 { _ = try loop.turn(timeout: 100) }
        #expect(try Pattern.mismatch(output.rings[0].all(from: 0), at: 0) == nil)
    }

    @Test func `who takes over knows what is kept, and goes on`() throws {
        let pipe = try Pipe.make()
        let memory = try OutputRing.makeMemory(name: "twice")
        for life in 1...3 as ClosedRange<UInt64> {
            let loop = try EventLoop()
            defer { loop.removeAll() }
            let output = ProcessOutput(retention: .last(200_000), on: loop)
            output.add(
                try OutputRing.adopt(try memory.duplicate()), from: .pipe(try pipe.reading.duplicate()))
            try output.start()
            let ring = output.rings[0]
            let before = (life - 1) * 1_000_000
            #expect(ring.position == before)
            #expect(ring.window.oldest == before - min(before, 200_000))
            #expect(Pattern.mismatch(try ring.all(from: ring.window.oldest), at: ring.window.oldest) == nil)
            for start in stride(from: before, to: life * 1_000_000, by: 50_000) {
                try pipe.writing.writeAll(Pattern.bytes(start..<start + 50_000))
                while ring.position < start + 50_000 { _ = try loop.turn(timeout: 100) }
            }
            output.stop()
        }
    }

    /// The kernel passes a terminal's bytes on when it finds the time; none may come behind the end.
    @Test func `everything that was written to a terminal comes before the end of the process`() throws {
        let master = try FileDescriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
        let slave = try openSlave(of: master)
        for _ in 0..<100 {
            let loop = try EventLoop()
            defer { loop.removeAll() }
            let output = ProcessOutput(retention: .last(1 << 20), on: loop)
            let source = try OutputSource.terminal(
                try master.duplicate(), elbow: try OutputSource.makeElbow())
            output.add(try OutputRing.adopt(try OutputRing.makeMemory(name: "end")), from: source)
            try output.start()
            try slave.writeAll(Pattern.bytes(0..<3_000))
            output.ended(Array("{}".utf8))
            output.stop()
            #expect(output.rings[0].position == 3_000)
        }
    }

    @Test func `stopping leaves what comes later in the pipe`() throws {
        let stage = try Stage()
        let (client, _) = try stage.attach()
        try stage.write(1_000)
        stage.output.stop()
        try stage.pipes[0]?.value.writeAll([1, 2, 3])
        try stage.settle()
        #expect(stage.output.rings[0].position == 1_000)
        #expect(stage.output.readerCount == 0)
        #expect(
            try stage.run {
                try client.receive(); return client.isOver
            })
    }
}

extension Stage {
    fileprivate func attachBoth() throws {
        let ends = try StreamPair.make()
        _ = try output.attach(ends.ours, from: [.offset(10_000), .offset(10_000)], delegate: nil)
    }
}
