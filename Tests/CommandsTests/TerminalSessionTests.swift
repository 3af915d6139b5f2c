// The sandbox's terminal, here one of the host's, as `corral run -t` reads it.

import CLinux
import Glibc
import Linux
import Testing

@testable import Commands

/// A session that has a terminal.
private final class Bench {
    let session: TerminalSession
    /// Its own copy, to open the slave by.
    let master: FileDescriptor
    private var output: OutputPump

    init() throws {
        let devices = try FileDescriptor.open("/dev/pts", O_RDONLY | O_DIRECTORY)
        let number = devices.number
        master = FileDescriptor(owning: try call("open", on: "/dev/pts/ptmx") { clinux_terminal(number) })
        session = try TerminalSession(interactive: false)
        try session.begin(try master.duplicate())
        output = try session.output()
    }

    var isOpen: Bool { output.isOpen }
    var taken: UInt64 { output.taken }

    /// What poll(2) tells of the output within a moment; then moves what there is.
    func turn() -> Int16 {
        var ready = output.interest
        _ = unsafe poll(&ready, 1, 100)
        if ready.revents != 0 { output.move() }
        return ready.revents
    }
}

@Suite struct TerminalSessionTests {
    @Test func `the output of a terminal that nobody ever opened ends when it is told to`() throws {
        let bench = try Bench()
        // Why it must be told: there is no end in it.
        #expect(bench.turn() == 0 && bench.isOpen)
        #expect(bench.session.end())
        #expect(bench.turn() & Int16(POLLHUP) != 0)
        #expect(!bench.isOpen)
    }

    @Test func `what was written before is not lost by it`() throws {
        let bench = try Bench()
        let slave = clinux_terminal_slave(bench.master.number)
        try #require(slave >= 0)
        #expect(unsafe write(slave, "last words\n", 11) == 11)
        close(slave)
        #expect(bench.session.end())
        while bench.isOpen { try #require(bench.turn() != 0) }
        // The terminal makes two bytes of the line's end.
        #expect(bench.taken == 12)
    }
}
