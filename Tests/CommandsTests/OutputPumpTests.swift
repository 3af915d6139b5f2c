import Glibc
import Linux
import TestSupport
import Testing

@testable import Commands

@Suite struct OutputPumpTests {
    private static let text = Array("one\ntwo\n".utf8)

    /// Bytes whose places can be told apart.
    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
    }

    /// Whether there is something for the pump to do now.
    private static func isReady(_ pump: borrowing OutputPump) -> Bool {
        var interest = pump.interest
        return unsafe poll(&interest, 1, 0) > 0
    }

    /// A copy of what can be asked, because #expect cannot look into what cannot be copied.
    private static func state(_ pump: borrowing OutputPump) -> (
        isOpen: Bool, delivered: UInt64, waitsFor: CInt, isReady: Bool
    ) {
        (pump.isOpen, pump.delivered, pump.interest.fd, isReady(pump))
    }

    /// Moves for as long as there is something to do at once.
    private static func move(_ pump: inout OutputPump) {
        while pump.isOpen, isReady(pump) { pump.move() }
    }

    /// Moves until the end, which may come late: a process that another test is just starting holds
    /// a copy of every descriptor until it executes its program.
    private static func finish(_ pump: inout OutputPump) {
        let deadline = Host.now + 60 * Host.patience
        while pump.isOpen, Host.now < deadline {
            var interest = pump.interest
            if unsafe poll(&interest, 1, 100) > 0 { pump.move() }
        }
    }

    /// What can be read without waiting.
    private static func available(_ number: CInt, atMost limit: Int = 1 << 20) -> [UInt8] {
        var bytes: [UInt8] = []
        var ready = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        while bytes.count < limit, unsafe poll(&ready, 1, 0) > 0, ready.revents & Int16(POLLIN) != 0 {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(number, &buffer, min(buffer.count, limit - bytes.count))
            if count <= 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    @Test func `what is written arrives, and its end ends the pump`() throws {
        let source = try Pipe.make()
        let target = try Pipe.make()
        try source.writing.writeAll(Self.text)
        var pump = OutputPump(from: try source.reading.duplicate(), to: target.writing.number)
        Self.move(&pump)
        let open = Self.state(pump)
        #expect(open.isOpen && open.delivered == UInt64(Self.text.count))
        #expect(Self.available(target.reading.number) == Self.text)
        source.close()
        Self.finish(&pump)
        let ended = Self.state(pump)
        #expect(!ended.isOpen && ended.waitsFor == -1)
    }

    @Test func `a pipe that nobody writes to is waited for`() throws {
        let source = try Pipe.make()
        let target = try Pipe.make()
        var pump = OutputPump(from: try source.reading.duplicate(), to: target.writing.number)
        pump.move()
        let idle = Self.state(pump)
        #expect(idle.isOpen && !idle.isReady)
        #expect(idle.waitsFor != target.writing.number)
        try source.writing.writeAll(Self.text)
        let written = Self.state(pump)
        #expect(written.isReady)
    }

    @Test func `a file opened for appending keeps what was in it`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("log", "before\n")
        let file = try FileDescriptor.open(path, O_WRONLY | O_APPEND)
        let source = try Pipe.make()
        let bytes = Self.pattern(50_000)
        try source.writing.writeAll(bytes)
        var pump = OutputPump(from: try source.reading.duplicate(), to: file.number)
        source.close()
        Self.finish(&pump)
        let ended = Self.state(pump)
        #expect(!ended.isOpen && ended.delivered == 50_000)
        #expect(try File.read(path) == Array("before\n".utf8) + bytes)
    }

    @Test func `a plain file gets everything`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("log", "")
        let file = try FileDescriptor.open(path, O_WRONLY)
        let source = try Pipe.make()
        let bytes = Self.pattern(60_000)
        try source.writing.writeAll(bytes)
        var pump = OutputPump(from: try source.reading.duplicate(), to: file.number)
        source.close()
        Self.finish(&pump)
        let ended = Self.state(pump)
        #expect(!ended.isOpen)
        #expect(try File.read(path) == bytes)
    }

    @Test func `a socket gets everything and a full one blocks nobody`() throws {
        var ends: [CInt] = [-1, -1]
        _ = try call("socketpair") {
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        let near = FileDescriptor(owning: ends[0])
        let far = FileDescriptor(owning: ends[1])
        let source = try Pipe.make()
        let bytes = Self.pattern(1 << 20)
        let writing = source.writing.number
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)
        var pump = OutputPump(from: try source.reading.duplicate(), to: near.number)
        var sent = 0
        var received: [UInt8] = []
        var stalls = 0
        while received.count < bytes.count {
            let rest = Array(bytes[sent...].prefix(8192))
            let count = rest.isEmpty ? 0 : unsafe write(writing, rest, rest.count)
            if count > 0 { sent += count }
            pump.move()
            guard count < 0 || rest.isEmpty else { continue }
            if pump.interest.fd == near.number, !Self.isReady(pump) { stalls += 1 }
            if stalls > 0 || rest.isEmpty { received += Self.available(far.number, atMost: 50_000) }
            let isOpen = pump.isOpen
            try #require(isOpen)
        }
        #expect(stalls > 0)
        #expect(received == bytes)
    }

    @Test func `a terminal gets everything`() throws {
        let terminal = try Terminal.make()
        let source = try Pipe.make()
        try source.writing.writeAll(Self.text)
        var pump = OutputPump(from: try source.reading.duplicate(), to: terminal.inner.number)
        source.close()
        Self.finish(&pump)
        let ended = Self.state(pump)
        #expect(!ended.isOpen)
        #expect(Self.available(terminal.outer.number) == Array("one\r\ntwo\r\n".utf8))
    }

    @Test(.timeLimit(.minutes(20)))
    func `a terminal that nobody reads blocks nobody`() throws {
        let terminal = try Terminal.make()
        let source = try Pipe.make()
        let writing = source.writing.number
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)
        var pump = OutputPump(from: try source.reading.duplicate(), to: terminal.inner.number)
        var written = 0
        let line = [UInt8](repeating: 0x61, count: 100) + [0x0A]
        // More than the terminal, the pipe and the pump hold together.
        while written < 1 << 20 {
            let count = unsafe write(writing, line, line.count)
            if count < 0 {
                guard Self.isReady(pump) else { break }
                pump.move()
            } else {
                written += count
            }
        }
        #expect(written < 1 << 20)
        let blocked = Self.state(pump)
        #expect(blocked.isOpen && blocked.waitsFor != -1 && !blocked.isReady)
        _ = Self.available(terminal.outer.number)
        let freed = eventually { Self.isReady(pump) }
        #expect(freed)
    }

    @Test func `a reader that does not read blocks nobody and loses nothing`() throws {
        let source = try Pipe.make()
        let target = try Pipe.make()
        let bytes = Self.pattern(300_000)
        let writing = source.writing.number
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)
        var pump = OutputPump(from: try source.reading.duplicate(), to: target.writing.number)
        var sent = 0
        var received: [UInt8] = []
        var stalls = 0
        while received.count < bytes.count {
            let rest = Array(bytes[sent...].prefix(8192))
            let count = rest.isEmpty ? 0 : unsafe write(writing, rest, rest.count)
            if count > 0 { sent += count }
            pump.move()
            guard count < 0 || rest.isEmpty else { continue }
            // Both pipes are full, or all is sent: the pump waits for our stream and not in it.
            if count < 0, pump.interest.fd == target.writing.number, !Self.isReady(pump) { stalls += 1 }
            received += Self.available(target.reading.number, atMost: 20_000)
            let isOpen = pump.isOpen
            try #require(isOpen)
        }
        #expect(stalls > 0)
        #expect(received == bytes)
    }

    /// Into a pipe by splice, into a terminal by copying.
    @Test(arguments: [false, true])
    func `a pump takes no more than it may, and says when there is more`(byCopying: Bool) throws {
        let terminal = try Terminal.make()
        let target = try Pipe.make()
        let source = try Pipe.make()
        try source.writing.writeAll(Array("abcdef".utf8))
        var pump = OutputPump(
            from: try source.reading.duplicate(),
            to: byCopying ? terminal.inner.number : target.writing.number)
        var most: UInt64 = 4
        for _ in 0..<10 where most > 0 {
            let before = pump.taken
            let more = pump.move(atMost: most)
            #expect(!more)
            most -= pump.taken - before
        }
        let taken = pump.taken
        #expect(taken == 4)
        let more = pump.move(atMost: 0)
        #expect(more)
        pump.stop()
        let ended = Self.state(pump)
        #expect(!ended.isOpen && ended.delivered == 4)
        let arrived = Self.available(byCopying ? terminal.outer.number : target.reading.number)
        #expect(arrived == Array("abcd".utf8))
    }

    @Test func `a pump that may take nothing more finds the end without taking anything`() throws {
        let target = try Pipe.make()
        let source = try Pipe.make()
        var pump = OutputPump(from: try source.reading.duplicate(), to: target.writing.number)
        let early = pump.move(atMost: 0)
        let open = pump.isOpen
        #expect(!early && open)
        source.close()
        let isClosed = eventually(within: 10) {
            _ = pump.move(atMost: 0)
            return !pump.isOpen
        }
        let taken = pump.taken
        #expect(isClosed && taken == 0)
    }

    @Test(.timeLimit(.minutes(20)))
    func `what was taken before the limit is delivered to a reader who was late`() throws {
        let terminal = try Terminal.make()
        let source = try Pipe.make()
        var pump = OutputPump(from: try source.reading.duplicate(), to: terminal.inner.number)
        let line = [UInt8](repeating: 0x61, count: 100) + [0x0A]
        var written: UInt64 = 0
        // Until the terminal is full and the pump holds bytes that it cannot deliver.
        while pump.taken == pump.delivered, written < 1 << 20 {
            try source.writing.writeAll(line)
            written += UInt64(line.count)
            while pump.taken < written, pump.taken == pump.delivered {
                pump.move(atMost: written - pump.taken)
            }
        }
        let held = pump.taken - pump.delivered
        #expect(held > 0)
        pump.stop()
        let waiting = pump.isOpen
        #expect(waiting)
        let isDone = eventually(within: 20) {
            _ = Self.available(terminal.outer.number)
            pump.move(atMost: 0)
            return !pump.isOpen
        }
        let lost = pump.taken - pump.delivered
        #expect(isDone && lost == 0)
    }

    @Test func `a reader that is gone ends the pump`() async {
        await #expect(processExitsWith: .success) {
            // As `corral run` does it: an error of write(2) and no signal.
            signal(SIGPIPE, SIG_IGN)
            let source = try Pipe.make()
            let target = try Pipe.make()
            try source.writing.writeAll([1, 2, 3])
            var pump = OutputPump(from: try source.reading.duplicate(), to: try target.endingReader())
            pump.move()
            let ended = Self.state(pump)
            #expect(!ended.isOpen && ended.delivered == 0)
        }
    }
}

extension Pipe {
    /// Closes both ends.
    fileprivate consuming func close() {}

    /// Closes the reading end; the writing one stays open until the process ends.
    fileprivate consuming func endingReader() throws(SystemError) -> CInt {
        try writing.duplicate().release()
    }
}

/// A pseudo-terminal (pty(7)).
private struct Terminal: ~Copyable {
    /// What a terminal emulator holds.
    let outer: FileDescriptor
    /// What programs have as their standard streams.
    let inner: FileDescriptor

    static func make() throws(SystemError) -> Terminal {
        let flags = O_RDWR | O_NOCTTY | O_CLOEXEC
        let outer = FileDescriptor(owning: try call("open") { unsafe open("/dev/ptmx", flags) })
        let number = outer.number
        // TIOCSPTLCK and TIOCGPTPEER (ioctl_tty(2)), whose numbers Glibc does not show.
        var locked: CInt = 0
        _ = try call("ioctl(TIOCSPTLCK)") { unsafe ioctl(number, 0x4004_5431, &locked) }
        let inner = try call("ioctl(TIOCGPTPEER)") { ioctl(number, 0x5441, flags) }
        return Terminal(outer: outer, inner: FileDescriptor(owning: inner))
    }
}
