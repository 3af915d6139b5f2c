// `corral run -t`: what a sandbox's terminal is to the processes inside.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import Wire

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct TerminalTests {
    /// `corral run -it` on a terminal of the host's.
    private func start(_ command: [String], _ options: [String] = []) throws -> UserTerminal {
        try UserTerminal([Product.path("corral"), "run", "-it"] + options + ["--"] + command)
    }

    private static let bash = ["bash", "--norc", "--noediting", "-i"]

    /// An interactive shell that has shown its prompt, which no command line shows by its echo.
    private func shell() throws -> UserTerminal {
        let terminal = try start(TerminalTests.bash, ["-e", "PS1=ready> "])
        #expect(try terminal.waitForText("ready> "), "\(terminal.screen)")
        return terminal
    }

    /// Types a line and waits for what it leads to.
    private func type(_ line: String, into terminal: UserTerminal, expecting text: String) throws {
        let mark = terminal.mark
        try terminal.type(line)
        #expect(try terminal.waitForText(text, after: mark), "\(line): \(terminal.screen)")
    }

    /// What the main process sees, as one word each.
    private static let look = """
        import fcntl, os, struct, termios
        rows, columns = struct.unpack("HH", fcntl.ioctl(0, termios.TIOCGWINSZ, b"\\0" * 4))
        tty = os.open("/dev/tty", os.O_RDWR)
        own = os.open("/dev/pts/0", os.O_RDWR | os.O_NOCTTY)
        os.write(tty, b"through /dev/tty\\n")
        init = open("/proc/1/stat").read().rsplit(")", 1)[1].split()
        # Of the listing, not the process's: one more.
        os.close(tty); os.close(own)
        facts = {
            "isatty": [os.isatty(n) for n in (0, 1, 2)],
            "names": {os.ttyname(n) for n in (0, 1, 2)},
            "size": (rows, columns),
            "pts": sorted(os.listdir("/dev/pts")),
            "leads": os.getsid(0) == os.getpid() == os.tcgetpgrp(0),
            "init": (init[3] != str(os.getsid(0)), init[4]),
            "descriptors": sorted(os.listdir("/proc/self/fd"), key=int)[:-1],
            "mode": oct(os.stat(0).st_mode), "owner": (os.stat(0).st_uid, os.stat(0).st_gid),
            "term": os.environ["TERM"],
        }
        for name, value in facts.items(): print(name, value)
        print("device", os.stat(0).st_dev, "end")
        """

    @Test func `the program is on a terminal of its own, which is all that there is`() throws {
        let terminal = try start([Corral.python, "-ISc", TerminalTests.look])
        #expect(try terminal.waitForEnd() == 0, "\(terminal.screen)")
        let screen = terminal.screen
        for line in [
            "through /dev/tty", "isatty [True, True, True]", "names {'/dev/pts/0'}", "size (30, 100)",
            "pts ['0', 'ptmx']", "leads True", "init (True, '0')", "descriptors ['0', '1', '2']",
            "mode 0o20620", "owner (1000, 1000)", "term xterm",
        ] {
            #expect(screen.contains("\(line)\r\n"), "\(line): \(screen)")
        }
        var host = stat()
        _ = try call("stat", on: "/dev/pts") { unsafe stat("/dev/pts", &host) }
        #expect(!screen.contains("device \(host.st_dev) end"), "\(screen)")
    }

    @Test func `without a terminal there is none to be found`() throws {
        let ended = try Corral().shell("tty; ls /dev/pts /dev/ptmx; echo >/dev/tty")
        #expect(ended.lines == ["not a tty"], "\(ended)")
        #expect(ended.errors.contains("/dev/tty: No such device or address"), "\(ended)")
    }

    @Test func `the size is the user's, also when it changes`() throws {
        let script = """
            import os, signal
            # Not print: a signal in the middle of one is an error of Python's.
            def show(*_):
                size = os.get_terminal_size(0)
                os.write(1, b"now %d %d end\\n" % (size.lines, size.columns))
            signal.signal(signal.SIGWINCH, show)
            show()
            while True: signal.pause()
            """
        let terminal = try start([Corral.python, "-ISc", script])
        #expect(try terminal.waitForText("now 30 100 end"), "\(terminal.screen)")
        for (rows, columns) in [(41, 121), (2, 3)] as [(UInt16, UInt16)] {
            try terminal.resize(rows: rows, columns: columns)
            #expect(try terminal.waitForText("now \(rows) \(columns) end"), "\(terminal.screen)")
        }
    }

    @Test func `a shell has job control, and keys reach the foreground alone`() throws {
        let terminal = try shell()
        // No shell: one that is stopped by ^Z while its child of a vfork(2) has not yet called execve(2)
        // stays in vfork for ever, as the child is stopped as well, and is never seen as stopped.
        let program = """
            import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); \
            signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"again-%d\\n" % (40+3))); \
            os.write(1, b"job-%d\\n" % (40+2)); exec("while True: signal.pause()")
            """
        let wait = "\(Corral.python) -ISc '\(program)'"
        try type("\(wait)\n", into: terminal, expecting: "job-42")
        try type("\u{1A}", into: terminal, expecting: "Stopped")
        try type("jobs; echo $((100+1))\n", into: terminal, expecting: "101")
        // Told to go on when it is in the foreground again. ^C would take back a line that nobody read yet.
        try type("fg\n", into: terminal, expecting: "again-43")
        try type("\u{3}", into: terminal, expecting: "ready> ")
        try type("echo st=$?\n", into: terminal, expecting: "st=130")
        try type("\(wait) &\n", into: terminal, expecting: "job-42")
        try type("kill %1; wait; echo $((200+1))\n", into: terminal, expecting: "201")
        try terminal.type("exit 7\n")
        #expect(try terminal.waitForEnd() == 7, "\(terminal.screen)")
    }

    @Test func `end of file typed by the user ends what reads`() throws {
        let terminal = try start(["sh", "-c", "echo up; cat; exit 3"])
        #expect(try terminal.waitForText("up"))
        try terminal.type("typed\n")
        #expect(try terminal.waitForText("typed\r\ntyped\r\n"), "\(terminal.screen)")
        try terminal.type("\u{4}")
        #expect(try terminal.waitForEnd() == 3, "\(terminal.screen)")
    }

    @Test func `programs can make terminals for others, but not without end`() throws {
        let script = """
            import os, pty
            pairs = []
            try:
                while len(pairs) < 100: pairs.append(pty.openpty())
            except OSError as error: print("refused", error)
            print("made", len(pairs), os.ttyname(pairs[0][1]))
            """
        let terminal = try start([Corral.python, "-ISc", script])
        #expect(try terminal.waitForEnd() == 0)
        #expect(terminal.screen.contains("made 7 /dev/pts/1"), "\(terminal.screen)")
    }

    // MARK: Attacks

    /// TIOCSTI types for whoever reads the terminal next (CVE-2017-5226), with and without bits above the
    /// 32 that the kernel looks at (CVE-2019-10063); TIOCLINUX pastes (CVE-2023-28100); TIOCSETD loads line
    /// disciplines.
    private static let typing = """
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        def attempt(name, request):
            ctypes.set_errno(0)
            value = ctypes.create_string_buffer(b"\\x02", 64)
            result = libc.syscall(16, ctypes.c_long(0), ctypes.c_ulong(request), value)
            print("\\n" + name, "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()], "end")
        attempt("TIOCSTI", 0x5412)
        attempt("TIOCSTI-high", 0x5412 | 7 << 32)
        attempt("TIOCLINUX", 0x541C)
        attempt("TIOCLINUX-high", 0x541C | 7 << 32)
        attempt("TIOCSETD", 0x5423)
        attempt("TIOCCONS", 0x541D)
        attempt("TCGETS", 0x5401)
        """

    private func answers(_ without: Set<Layer>) throws -> [String: String] {
        var environment = Program.environment
        if !without.isEmpty {
            environment["CORRAL_TEST_WITHOUT"] = without.map(\.rawValue).joined(separator: ",")
        }
        let words = [Product.path("corral"), "run", "-it", "--", Corral.python, "-ISc", TerminalTests.typing]
        let terminal = try UserTerminal(words, environment: environment)
        #expect(try terminal.waitForEnd() == 0, "\(terminal.screen)")
        var answers: [String: String] = [:]
        for line in terminal.screen.split(whereSeparator: \.isNewline) where line.hasSuffix(" end") {
            let words = line.split(separator: " ").map(String.init)
            answers[words[words.count - 3]] = words[words.count - 2]
        }
        return answers
    }

    #if arch(x86_64)
        @Test func `nobody inside types into a terminal or changes what it is`() throws {
            var answers = try answers([])
            #expect(answers.removeValue(forKey: "TCGETS") == "ok")
            #expect(answers.count == 6)
            for (name, answer) in answers { #expect(answer == "ENOTTY", "\(name)") }
            // Without the filter the kernel does it, in the sandbox's own terminal.
            guard File.text("/proc/sys/dev/tty/legacy_tiocsti") != "0\n" else {
                return Host.skip("this kernel refuses TIOCSTI by itself (dev.tty.legacy_tiocsti)")
            }
            let unfiltered = try self.answers([.seccomp])
            #expect(unfiltered["TIOCSTI"] == "ok" && unfiltered["TIOCSTI-high"] == "ok", "\(unfiltered)")
        }
    #endif

    @Test func `nothing of it stays`() throws {
        let before = Census.take()
        let terminal = try start(["sh", "-c", "echo up; exec sleep 100"])
        let pid = try #require(try terminal.waitForProgram())
        #expect(try terminal.waitForText("up"))
        kill(pid, SIGTERM)
        #expect(try terminal.waitForEnd() == 143)
        // Other tests' sandboxes go as well.
        var left = Set(Census.take().added(since: before))
        let gone = eventually {
            left.formIntersection(Census.take().added(since: before))
            return left.isEmpty
        }
        #expect(gone, "\(left)")
    }
}
