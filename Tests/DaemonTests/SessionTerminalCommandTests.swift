import Glibc
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct SessionTerminalCommandTests {
    /// Starts a command on a terminal whose modes are no terminal's own, and returns them.
    private func start(
        _ daemon: TestDaemon, _ words: String...
    ) throws -> (terminal: UserTerminal, pid: Int32, modes: [UInt32]) {
        // The shell waits for a key, so that the modes are there before corral is.
        let terminal = try UserTerminal(
            ["sh", "-c", "read key; exec \"$@\"", "sh"] + daemon.words(words),
            environment: daemon.environment)
        let pid = try #require(try terminal.waitForProgram())
        try terminal.setUnusualModes()
        let modes = try terminal.modes()
        try terminal.type("\n")
        return (terminal, pid, modes)
    }

    @Test func `a shell has a terminal of the user's size, and the user gets the own one back`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let (terminal, _, modes) = try start(
            daemon, "exec", "-it", "-e", "PS1=ready> ", "b", "sh", "-c", "echo $TERM; stty size; exec sh -i")
        #expect(try terminal.waitForText("ready> ", within: 60), "\(terminal.screen)")
        #expect(terminal.screen.contains("xterm\r\n30 100\r\n"), "\(terminal.screen)")
        #expect(try terminal.isRaw())
        try terminal.resize(rows: 41, columns: 121)
        // What stty says is asked for until the change has come through.
        try terminal.type("until [ \"$(stty size)\" = '41 121' ]; do sleep 0.05; done; echo new-$((40+2))\n")
        #expect(try terminal.waitForText("new-42", within: 60), "\(terminal.screen)")
        try terminal.type("sh -c 'echo job-$((40+3)); exec sleep 600'; echo st-$?\n")
        #expect(try terminal.waitForText("job-43", within: 60), "\(terminal.screen)")
        let mark = terminal.mark
        try terminal.type("\u{3}")
        #expect(try terminal.waitForText("ready> ", after: mark, within: 60), "\(terminal.screen)")
        try terminal.type("exit 7\n")
        #expect(try terminal.waitForEnd(within: 60) == 7, "\(terminal.screen)")
        #expect(try terminal.modes() == modes)
    }

    @Test(arguments: [(SIGTERM, 143), (SIGHUP, 129), (SIGINT, 130)] as [(Int32, Int32)])
    func `a signal to the client ends the program, and the terminal is as it was`(
        number: Int32, code: Int32
    ) throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let (terminal, pid, modes) = try start(
            daemon, "exec", "-it", "b", "sh", "-c", "trap '' TERM HUP INT; echo up; sleep 600")
        #expect(try terminal.waitForText("up", within: 60), "\(terminal.screen)")
        kill(pid, number)
        #expect(try terminal.waitForEnd(within: 60) == code, "\(terminal.screen)")
        #expect(try terminal.modes() == modes)
        #expect(try eventually { try daemon.processes("b").allSatisfy { $0.text("state") == "ended" } })
    }

    @Test func `the detach keys leave the program, and attach finds it again`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let (terminal, _, modes) = try start(daemon, "exec", "-it", "-e", "PS1=ready> ", "b", "sh", "-i")
        #expect(try terminal.waitForText("ready> ", within: 60), "\(terminal.screen)")
        try terminal.type("A=kept\n\u{10}\u{11}")
        #expect(try terminal.waitForEnd(within: 60) == 0, "\(terminal.screen)")
        #expect(terminal.screen.contains("goes on"), "\(terminal.screen)")
        #expect(try terminal.modes() == modes)
        let process = try #require(try daemon.processes("b").first)
        #expect(process.text("state") == "running" && process.text("tty") == "true")
        let (again, _, _) = try start(daemon, "attach", "--tail", "1", "b", process.text("id"))
        #expect(try again.waitForText("ready> ", within: 60), "\(again.screen)")
        try again.type("echo is-$A; exit 5\n")
        #expect(try again.waitForEnd(within: 60) == 5, "\(again.screen)")
        #expect(again.screen.contains("is-kept"), "\(again.screen)")
    }
}
