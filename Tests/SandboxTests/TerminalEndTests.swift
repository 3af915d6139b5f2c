// `corral run -t`: the user's terminal before and after, and the bytes on the way.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import Wire

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct TerminalEndTests {
    /// A way in which a run ends.
    struct Way: Sendable, CustomTestStringConvertible {
        let name: String
        var options: [String] = []
        /// Writes `up` once it runs, where it runs at all.
        let command: [String]
        /// To corral, once the program runs.
        var signal: CInt?
        let code: Int32

        var testDescription: String { name }
    }

    private static let waits = ["sh", "-c", "echo up; sleep 100"]

    static let ways = [
        Way(name: "exit", command: ["sh", "-c", "echo up; read line; exit 3"], code: 3),
        Way(name: "raw exit", command: ["sh", "-c", "stty raw -echo; echo up; read line; exit 3"], code: 3),
        Way(name: "killed", command: ["sh", "-c", "echo up; read line; kill -9 $$"], code: 137),
        Way(name: "timeout", options: ["--timeout", "1s"], command: waits, code: 124),
        Way(name: "SIGTERM", command: waits, signal: SIGTERM, code: 143),
        Way(name: "SIGHUP", command: waits, signal: SIGHUP, code: 129),
        Way(name: "SIGINT", command: waits, signal: SIGINT, code: 130),
        Way(name: "SIGQUIT", command: waits, signal: SIGQUIT, code: 131),
        Way(name: "no such program", command: ["/no/such/program"], code: 127),
        Way(name: "no program", command: ["/etc/passwd"], code: 126),
        Way(name: "no such directory", options: ["-w", "/no/such"], command: waits, code: 125),
        Way(name: "no such profile", options: ["--profile", "nosuch"], command: waits, code: 125),
    ]

    private func start(_ command: [String], _ options: [String] = ["-it"]) throws -> UserTerminal {
        try UserTerminal([Product.path("corral"), "run"] + options + ["--"] + command)
    }

    /// Starts a run on a terminal whose modes are no terminal's own, and returns them.
    private func start(_ way: Way) throws -> (UserTerminal, Int32, [UInt32]) {
        // The shell waits for a key, so that the modes are there before corral is.
        let script = "read key; exec \"$@\""
        let terminal = try UserTerminal(
            ["sh", "-c", script, "sh", Product.path("corral"), "run", "-it"] + way.options + ["--"]
                + way.command)
        let pid = try #require(try terminal.waitForProgram())
        try terminal.setUnusualModes()
        let before = try terminal.modes()
        try terminal.type("\n")
        return (terminal, pid, before)
    }

    @Test(arguments: ways)
    func `the user's terminal is as it was before, however a run ends`(way: Way) throws {
        let (terminal, pid, before) = try start(way)
        if ![125, 126, 127].contains(way.code) {
            #expect(try terminal.waitForText("up"), "\(terminal.screen)")
            #expect(try terminal.isRaw())
            if let signal = way.signal { kill(pid, signal) } else { try terminal.type("go\r\n") }
        }
        #expect(try terminal.waitForEnd() == way.code, "\(terminal.screen)")
        #expect(try terminal.modes() == before)
    }

    @Test func `a terminal that is hung up ends the run`() throws {
        let directory = try TemporaryDirectory()
        let (mark, report) = (Mark(), directory("report.json"))
        let terminal = try start(TerminalEndTests.waits, ["-it", "--report", report] + mark.option)
        #expect(try terminal.waitForText("up"), "\(terminal.screen)")
        #expect(!mark.processes.isEmpty)
        try terminal.hangUp()
        #expect(eventually { File.text(report)?.hasSuffix("\n") ?? false })
        let text = try #require(File.text(report))
        #expect(text.contains("\"cause\":\"operator\"") && text.contains("\"code\":129"), "\(text)")
        #expect(mark.processes.isEmpty)
    }

    /// What nothing can help, and the control of the test above: it would see modes that stay.
    @Test func `only kill -9 of corral leaves the terminal raw`() throws {
        let (terminal, pid, before) = try start(Way(name: "", command: TerminalEndTests.waits, code: 137))
        #expect(try terminal.waitForText("up"), "\(terminal.screen)")
        kill(pid, SIGKILL)
        #expect(try terminal.waitForEnd() == 137, "\(terminal.screen)")
        #expect(try terminal.isRaw())
        #expect(try terminal.modes() != before)
    }

    @Test func `after a stop corral goes on in raw mode and in the terminal's new size`() throws {
        let loop = "trap 'stty size' WINCH; echo up; while :; do sleep 0.1; done"
        let (terminal, pid, before) = try start(Way(name: "", command: ["sh", "-c", loop], code: 143))
        #expect(try terminal.waitForText("up"), "\(terminal.screen)")
        kill(pid, SIGSTOP)
        #expect(eventually { File.text("/proc/\(pid)/stat")?.contains(") T ") ?? false })
        // As a shell does that has the terminal again.
        try terminal.setUnusualModes()
        #expect(try !terminal.isRaw())
        try terminal.resize(rows: 17, columns: 71)
        kill(pid, SIGCONT)
        #expect(try terminal.waitForText("17 71"), "\(terminal.screen)")
        #expect(try eventually { try terminal.isRaw() })
        kill(pid, SIGTERM)
        #expect(try terminal.waitForEnd() == 143, "\(terminal.screen)")
        #expect(try terminal.modes() == before)
    }

    /// A shell with job control starts corral in the background and then brings it to the front.
    @Test func `in the background corral waits for the terminal`() throws {
        let corral = "\(Product.path("corral")) run -it -- sh -c 'echo u$((1))p; exec cat'"
        let shell = ["bash", "--norc", "--noediting", "-i"]
        let terminal = try UserTerminal(
            shell, environment: Program.environment.merging(["PS1": "ready> "]) { $1 })
        #expect(try terminal.waitForText("ready> "), "\(terminal.screen)")
        try terminal.type("\(corral) &\n")
        #expect(
            try eventually {
                let mark = terminal.mark
                try terminal.type("jobs; echo $((100+1))\n")
                return try terminal.waitForText("101", after: mark)
                    && terminal.waitForText("Stopped", after: mark, within: 0.1)
            }, "\(terminal.screen)")
        #expect(!terminal.screen.contains("u1p"), "\(terminal.screen)")
        #expect(try !terminal.isRaw())
        try terminal.type("fg\n")
        #expect(try terminal.waitForText("u1p"), "\(terminal.screen)")
        try terminal.type("\u{4}")
        #expect(try terminal.waitForText("ready> ", after: terminal.mark - 1), "\(terminal.screen)")
        #expect(try !terminal.isRaw())
    }

    @Test func `-t alone leaves the user's terminal as it is and passes nothing typed on`() throws {
        let script = "test -t 0 && echo up; read line; echo never"
        let terminal = try start(["sh", "-c", script], ["-t", "--timeout", "2s"])
        let before = try terminal.modes()
        #expect(try terminal.waitForText("up"), "\(terminal.screen)")
        #expect(try terminal.modes() == before)
        try terminal.type("line\n")
        #expect(try terminal.waitForEnd() == 124, "\(terminal.screen)")
        #expect(!terminal.screen.contains("never"), "\(terminal.screen)")
    }

    @Test func `-it without a terminal is refused, and -t alone is not`() throws {
        let refused = try Corral(["-it"]).run(["true"], input: Array("x".utf8))
        #expect(refused.status == 125 && refused.cause == "launch-failed", "\(refused)")
        #expect(refused.errors.contains("the input device is not a TTY"), "\(refused)")
        let ended = try Corral(["-t"]).shell("tty; stty size; echo error >&2")
        #expect(ended.status == 0, "\(ended)")
        // Both streams as one, as a terminal has them.
        #expect(ended.outcome.output == "/dev/pts/0\r\n24 80\r\nerror\r\n", "\(ended)")
    }

    @Test func `the limit of output counts what a terminal shows`() throws {
        let directory = try TemporaryDirectory()
        let lines = ["extends: default", "output:", "  limit: 1000", "  kill: true"]
        try directory.write("small.yaml", lines.map { $0 + "\n" }.joined(), mode: 0o644)
        let ended = try Corral(["-t", "--profile", "\(directory.path)/small.yaml"]).run(["seq", "1000000"])
        #expect(ended.status == 153 && ended.cause == "output", "\(ended)")
        #expect(ended.outcome.stdout.count == 1000)
    }
}

extension OneAtATime {
    @Suite struct TerminalOutputTests {
        /// The terminal goes with the last process: what is in it then must not.
        @Test func `nothing that a program writes before its end is lost, 200 times`() throws {
            let expected = (1...11_000).map { "\($0)\r\n" }.joined()
            #expect(expected.utf8.count > 65_536)
            for round in 1...200 {
                let ended = try Corral(["-t"]).run(["seq", "11000"])
                guard ended.status == 0, ended.outcome.output == expected else {
                    Issue.record("round \(round): \(ended.outcome.stdout.count) bytes, \(ended.errors)")
                    return
                }
            }
        }

        /// Somebody else has the terminal open when the program ends.
        @Test func `nor with a process left in the background`() throws {
            let expected = (1...11_000).map { "\($0)\r\n" }.joined()
            for round in 1...20 {
                let ended = try Corral(["-t"]).shell("(trap '' HUP; exec sleep 100) & seq 11000")
                guard ended.status == 0, ended.outcome.output == expected else {
                    Issue.record("round \(round): \(ended.outcome.stdout.count) bytes, \(ended.errors)")
                    return
                }
            }
        }
    }
}
