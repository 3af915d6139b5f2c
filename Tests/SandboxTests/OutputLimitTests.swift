// What `--output-limit` keeps of a program's output, and what it says about the rest.

import Glibc
import Sandbox
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct OutputLimitTests {
    /// Writes its first argument's number of bytes to standard output: 0, 1, 2, ... modulo 251.
    private static let pattern = """
        import os, sys
        count = int(sys.argv[1]); data = bytes(i % 251 for i in range(count))
        while data: data = data[os.write(1, data):]
        """

    @Test(arguments: [0, 1, 999, 1000])
    func `output up to the limit is whole`(count: Int) throws {
        let ended = try Corral(["--output-limit", "1000"]).python(Self.pattern, ["\(count)"])
        let expected = (0..<count).map { UInt8($0 % 251) }
        #expect(ended.outcome.stdout == expected && ended.status == 0, "\(ended)")
        #expect(ended.limitsHit.isEmpty && ended.errors == "", "\(ended)")
        #expect(
            ended.number("output", "left_out_bytes") == 0 && ended.number("output", "stdout_bytes") == count)
    }

    /// Far more than any pipe or buffer holds, so that head and tail come by different ways.
    @Test(arguments: [1001, 1002, 5000, 3_000_000])
    func `of more the head and the tail are kept, with a line and an exact count`(count: Int) throws {
        let ended = try Corral(["--output-limit", "1001"]).python(Self.pattern, ["\(count)"])
        let all = (0..<count).map { UInt8($0 % 251) }
        let lost = count - 1001
        let line = lost == 0 ? "" : "\n... \(lost) bytes left out ...\n"
        let isRight = ended.outcome.stdout == all.prefix(501) + Array(line.utf8) + all.suffix(500)
        #expect(isRight && ended.status == 0 && ended.cause == "exited", "\(ended)")
        #expect(ended.number("output", "left_out_bytes") == lost)
        #expect(ended.number("output", "stdout_bytes") == count)
        #expect(ended.limitsHit == (lost == 0 ? [] : ["output"]))
        if lost > 0 {
            #expect(
                ended.errors == "corral run: output limit of 1001 bytes reached: \(lost) bytes left out "
                    + "(change it with --output-limit)", "\(ended)")
        }
    }

    @Test func `a flood on one stream leaves the other's last words`() throws {
        let ended = try Corral(["--output-limit", "1KiB"]).shell(
            "echo first >&2; seq 1 20000; echo last words >&2; exit 5")
        #expect(ended.status == 5 && ended.cause == "exited")
        #expect(ended.errors.hasPrefix("first\nlast words\ncorral run: output limit of 1KiB reached: "))
        #expect(ended.outcome.output.hasPrefix("1\n2\n") && ended.outcome.output.hasSuffix("\n20000\n"))
    }

    /// The head comes at once: a reader who waits for it is served while the program runs.
    @Test func `the head is passed on while the program runs`() throws {
        let running = try Corral(["--output-limit", "100"]).program(
            ["sh", "-c", "echo up; sleep 60"]
        ).start()
        try #require(try running.waitForText("up\n", within: 60))
        try running.signal(SIGTERM)
        #expect(try running.wait(timeout: 60).status == 143)
    }

    /// Nothing is written to our stream while the tail is kept, so no write finds that the reader is gone.
    @Test func `a reader who goes away ends a program that floods`() throws {
        let corral = Product.path("corral")
        let script = "\"$1\" run --json --output-limit 2000 -- yes 2>\"$2\" | head -c 1000 | wc -c"
        let directory = try TemporaryDirectory()
        let outcome = try Program(["sh", "-c", script, "sh", corral, directory("errors")]).start().wait(
            timeout: 60)
        #expect(outcome.output == "1000\n" && !outcome.timedOut)
        #expect(File.text(directory("errors"))?.contains("\"signal\":13") == true)
    }

    @Test func `memory stays small however much is written`() throws {
        // 200 MB through a limit of 1 MiB; corral itself may have 120 MB.
        var corral = Corral(["--output-limit", "1MiB"])
        corral.wrapper = ["sh", "-c", "ulimit -d 120000; exec \"$@\"", "sh"]
        let ended = try corral.shell("head -c 200000000 /dev/zero")
        #expect(ended.status == 0 && ended.number("output", "left_out_bytes") == 200_000_000 - (1 << 20))
    }
}
