// What a run ends with: exit code, cause, and the streams.

import Sandbox
import TestSupport
import Testing
import Wire

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct ExitTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var command: [String]
        var options: [String] = []
        var status: Int32
        var cause = "launch-failed"
        var testDescription: String { (options + command).joined(separator: " ") }
    }

    private static func shell(_ script: String, _ status: Int32, _ cause: String) -> Case {
        Case(command: ["sh", "-c", script], status: status, cause: cause)
    }

    private static let cases: [Case] = [
        shell("exit 0", 0, "exited"), shell("exit 7", 7, "exited"), shell("exit 255", 255, "exited"),
        // Codes of ours that a program chooses itself do not change the cause.
        shell("exit 124", 124, "exited"), shell("exit 137", 137, "exited"), shell("exit 159", 159, "exited"),
        shell("kill -TERM $$", 143, "signalled"), shell("kill -KILL $$", 137, "signalled"),
        shell("kill -SEGV $$", 139, "signalled"), shell("kill -HUP $$", 129, "signalled"),
        shell("trap 'exit 5' TERM; kill -TERM $$; exit 6", 5, "exited"),
        Case(command: ["sleep", "60"], options: ["--timeout", "200ms"], status: 124, cause: "timeout"),
        Case(
            command: ["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"],
            options: ["--timeout", "200ms"], status: 124, cause: "timeout"),
        Case(
            command: [Corral.python, "-ISc", "x = bytearray(128 << 20)"], options: ["--memory", "48MiB"],
            status: 137, cause: "memory"),
        // Files in memory count as well.
        Case(
            command: ["dd", "if=/dev/zero", "of=/tmp/file", "bs=1M", "count=60"],
            options: ["--memory", "48MiB"], status: 137, cause: "memory"),
        // A child that is killed for its memory is the program's affair.
        Case(
            command: ["sh", "-c", "\(Corral.python) -ISc 'x = bytearray(128 << 20)'; exit 9"],
            options: ["--memory", "48MiB"], status: 9, cause: "exited"),
        Case(command: ["/etc/passwd"], status: 126), Case(command: ["/usr"], status: 126),
        Case(command: ["/no/such/program"], status: 127), Case(command: ["no-such-program"], status: 127),
        Case(command: ["/etc/passwd/x"], status: 127),
    ]

    @Test(arguments: cases)
    func `exit code and cause tell how it ended`(example: Case) throws {
        let ended = try Corral(example.options).run(example.command)
        #expect(ended.status == example.status && ended.cause == example.cause, "\(ended)")
        #expect(ended.outcome.elapsed < 20 * Host.patience)
        if example.cause == "launch-failed" { #expect(ended.errors.contains(example.command[0])) }
    }

    /// Or a program could have the report read as part of a line of its own.
    @Test(arguments: ["printf half >&2", "printf half", "echo whole; printf half >&2"])
    func `the report is a line of its own, whatever was written before`(script: String) throws {
        let words = Corral().program(["sh", "-c", script]).arguments
        let ended = try Program.run(["sh", "-c", #""$@" 2>&1"#, "sh"] + words)
        let lines = ended.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count >= 3 && lines.last == "", "\(ended.output)")
        let report = try JSONTree(parsing: Array(lines[lines.count - 2].utf8))
        #expect(report["cause"]?.string == "exited")
        #expect(lines[lines.count - 3] == "half")
    }

    @Test func `limits that were reached without ending it are listed`() throws {
        let script = """
            import os
            try:
                for _ in range(40):
                    if os.fork() == 0: os.read(os.pipe()[0], 1)
            except BlockingIOError: print("refused", flush=True)
            os._exit(3)
            """
        let ended = try Corral(["--pids", "16"], without: [.rlimits]).python(script)
        #expect(ended.status == 3 && ended.cause == "exited" && ended.text == "refused", "\(ended)")
        guard case .array(let hit) = ended.report?["limits_hit"]?.value else {
            Issue.record("no limits_hit: \(ended)")
            return
        }
        #expect(hit.map(\.string) == ["pids"])
    }

    @Test func `a crash leaves no core file`() throws {
        let ended = try Corral().shell("sh -c 'kill -SEGV $$'; ls -A")
        #expect(ended.status == 0 && ended.text == "", "\(ended)")
    }

    @Test func `the report tells times and memory`() throws {
        let ended = try Corral().python("import time; x = bytearray(32 << 20); time.sleep(0.2)")
        func number(_ group: String, _ key: String) -> Int? {
            guard case .number(let text) = ended.report?[group]?[key]?.value else { return nil }
            return Int(text)
        }
        let wall = try #require(number("times", "wall_us"))
        let peak = try #require(number("memory", "peak_bytes"))
        #expect(wall >= 200_000 && wall < 60_000_000)
        #expect(peak >= 32 << 20 && peak < 256 << 20)
        #expect((number("times", "launch_us") ?? 0) > 0)
        #expect((number("times", "cpu_us") ?? 0) > 0)
    }

    @Test func `what stays behind with the output open does not hold the end up`() throws {
        let ended = try Corral().shell("(setsid sleep 100 &); (trap '' TERM; sleep 100) & echo done")
        #expect(ended.status == 0 && ended.text == "done", "\(ended)")
        #expect(ended.outcome.elapsed < 20 * Host.patience && !ended.outcome.outputHeldOpen)
    }

    @Test func `without -i a program reads nothing`() throws {
        let ended = try Corral().run(["cat"], input: Array("secret of the caller's".utf8))
        #expect(ended.status == 0 && ended.text == "")
        #expect(try Corral().shell("cat < /dev/stdin; readlink /proc/self/fd/0").text == "/dev/null")
    }

    @Test func `with -i every byte comes through, and the end`() throws {
        let bytes = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        let inside = try Corral(["-i"]).run(["sha256sum"], input: bytes)
        let outside = try Program.run(["sha256sum"], stdin: bytes)
        #expect(inside.status == 0 && inside.outcome.stdout == outside.stdout, "\(inside)")
    }

    @Test func `with -i a program may end without reading`() throws {
        let bytes = [UInt8](repeating: 120, count: 1 << 20)
        #expect(try Corral(["-i"]).run(["/usr/bin/true"], input: bytes).status == 0)
    }

    /// Reads in small pieces, with pauses, and compares digests.
    private static let slowReader = """
        import hashlib, subprocess, sys, time
        p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, bufsize=0)
        digest, size = hashlib.sha256(), 0
        while chunk := p.stdout.read(50000):
            digest.update(chunk); size += len(chunk); time.sleep(0.002)
        print(p.wait(), size, digest.hexdigest())
        """

    @Test func `three megabytes arrive whole through a slow reader`() throws {
        let script = """
            import hashlib, os, sys
            data = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(98304))
            sys.stdout.buffer.write(data); sys.stdout.flush(); os.write(2, hashlib.sha256(data).hexdigest().encode())
            """
        let command = Corral().program([Corral.python, "-ISc", script], report: false).arguments
        let outcome = try Program.run([Corral.python, "-c", ExitTests.slowReader] + command)
        #expect(outcome.ownErrors.count == 64)
        #expect(outcome.output == "0 \(3 << 20) \(outcome.ownErrors)\n")
    }

    @Test(arguments: ["pipe", "file", "append"])
    func `output arrives in order whatever it goes to`(kind: String) throws {
        let directory = try TemporaryDirectory()
        let target = directory("out")
        let command = Corral().program(["seq", "1", "20000"], report: false).arguments
        let redirect = ["pipe": "| cat >", "file": ">", "append": ">>"][kind] ?? ""
        let outcome = try Program.run(["sh", "-c", "\"$@\" \(redirect) \(target)", "sh"] + command)
        #expect(outcome.status == 0)
        let expected = (1...20_000).map { "\($0)\n" }.joined()
        #expect(File.text(target) == expected)
    }

    @Test func `a reader that goes away ends the program as in a pipeline`() throws {
        let words = Corral().program(["yes"], report: false).arguments
        let script = #""$@" | head -1; echo ${PIPESTATUS[0]}"#
        let outcome = try Program.run(["bash", "-c", script, "bash"] + words, timeout: 60)
        #expect(outcome.output == "y\n141\n")
        #expect(outcome.ownErrors == "" && !outcome.timedOut)
    }

    @Test func `streams that were closed are no harm`() throws {
        let words = Corral().program(["sh", "-c", "echo out; echo error >&2; exit 4"], report: false)
            .arguments
        let outcome = try Program.run(
            ["sh", "-c", #""$@" <&- >&- 2>&-; echo $?"#, "sh"] + words, timeout: 60)
        #expect(outcome.output == "4\n" && !outcome.timedOut, "\(outcome.output)")
    }
}
