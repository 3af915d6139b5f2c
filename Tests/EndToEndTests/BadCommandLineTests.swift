// Calls of `corral` that are refused before anything is started.

import TestSupport
import Testing

@Suite struct BadCommandLineTests {
    /// Longer than a path can be, and than anybody wants to see in a message.
    static let longPath =
        "/tmp/" + Array(repeating: String(repeating: "a", count: 99), count: 50).joined(separator: "/")

    @Test(arguments: [
        Refusal("unknown option", ["--memroy", "1", "true"], says: "--memroy", "did you mean --memory?"),
        Refusal("unknown letter", ["-x", "true"], says: "unknown option -x", "corral run --help"),
        Refusal("option without its value", ["--memory"], says: "--memory needs SIZE"),
        Refusal("option given twice", ["--pids=1", "--pids=2", "true"], says: "--pids is given twice"),
        Refusal("switch with a value", ["--json=yes", "true"], says: "--json takes no value"),
        Refusal("no command", [], says: "expected [--] COMMAND [ARG...]"),
        Refusal("no command behind two dashes", ["--"], says: "expected [--] COMMAND [ARG...]"),
        Refusal("empty command", [""], says: "COMMAND is empty"),
        Refusal("option of 5,000 bytes", ["--" + String(repeating: "x", count: 5000)], says: "(5000 bytes)"),
        Refusal("line feed in an option", ["--a\nb", "true"], says: #"--a\u{a}b"#),
    ])
    func `a wrong option is refused`(refusal: Refusal) throws {
        try refusal.check()
    }

    @Test(arguments: [
        Refusal(
            "without equals sign", ["-e", "FOO", "true"], says: "--env", #""FOO""#, "expected NAME=value"),
        Refusal("digit first", ["-e1A=b", "true"], says: "--env", #""1A""#, "no digit first"),
        Refusal("no name", ["--env==b", "true"], says: "--env", #""""#, "expected letters"),
        Refusal("name with a dash", ["-eA-B=c", "true"], says: "--env", #""A-B""#, "expected letters"),
        Refusal(
            "value of 40,000 bytes", ["-eA=" + String(repeating: "x", count: 40_000), "true"], says: "--env",
            "40000 bytes", "at most 32768"),
    ])
    func `a wrong variable is refused`(refusal: Refusal) throws {
        try refusal.check()
    }

    @Test(arguments: [
        Refusal("relative", ["-w", "tmp", "true"], says: "--workdir", #""tmp""#, "absolute"),
        Refusal(
            "with two dots", ["-w", "/tmp/../etc", "true"], says: "--workdir", "/tmp/../etc", "normal form"),
        Refusal(
            "a descriptor", ["-w", "/proc/self/fd/7", "true"], says: "--workdir", "/proc/self/fd/7",
            "below /proc"),
        Refusal(
            "missing in the image", ["-w", "/nonexistent", "true"], says: "--workdir", "/nonexistent",
            "ENOENT"),
        Refusal("a file", ["-w", "/etc/passwd", "true"], says: "--workdir", "/etc/passwd", "ENOTDIR"),
        Refusal("5,000 bytes", ["-w", longPath, "true"], says: "--workdir", "bytes long", "at most 4095"),
        Refusal("line feed", ["-w", "/tmp/a\nb", "true"], says: "--workdir", #"\u{a}"#, "control character"),
    ])
    func `a wrong working directory is refused`(refusal: Refusal) throws {
        try refusal.check()
    }

    @Test(arguments: [
        Refusal(
            "no size", ["--memory", "1PiB", "true"], says: "--memory", #""1PiB""#, "KiB, MiB, GiB or TiB"),
        Refusal(
            "more memory than the host", ["--memory", "1024TiB", "true"], says: "memory",
            "more than this host has"),
        Refusal("more cpus than the host", ["--cpus", "8000", "true"], says: "cpus of 8000", "processors"),
        Refusal(
            "more pids than any host", ["--pids", "5000000", "true"], says: "--pids", "5000000",
            "1 to 4194304"),
        Refusal("below the least memory", ["--memory", "1MiB", "true"], says: "--memory", "1MiB", "8MiB to"),
        Refusal(
            "no processes", ["--pids", "0", "true"], says: "--pids", #""0" is too small"#, "1 to 4194304"),
        Refusal("no cpu", ["--cpus", "0", "true"], says: "--cpus", #""0" is too small"#, "0.001 to"),
        Refusal("no time", ["--timeout", "0s", "true"], says: "--timeout", #""0s" is too small"#, "1ms to"),
        Refusal("negative", ["--memory", "-5", "true"], says: "--memory", #""-5" must not be negative"#),
        Refusal(
            "time without unit", ["--timeout", "30", "true"], says: "--timeout", #""30""#, "ms, s, m or h"),
    ])
    func `a wrong limit is refused`(refusal: Refusal) throws {
        try refusal.check()
    }

    @Test func `more processes than the hard limit of the caller are refused`() throws {
        let words = ["prlimit", "--nproc=500:500", "--", Corral.path, "run", "--pids", "501", "true"]
        let outcome = try Corral.leavesNothing { try Program.run(words) }
        Refusal("", [], says: "pids of 501", "a hard limit of 500").check(outcome)
    }

    @Test func `a report is not written into a directory that is not there`() throws {
        let directory = try TemporaryDirectory()
        let path = directory("missing/report.json")
        try Refusal("", ["--report", path, "true"], says: "--report", path, "ENOENT").check()
        try Refusal("", ["--report", Self.longPath, "true"], says: "--report", "bytes)").check()
        #expect(File.names(in: directory.path) == [])
    }

    @Test func `corral alone, help and an unknown command`() throws {
        let alone = try Program.run([Corral.path])
        #expect(alone.status == 2 && alone.output == "" && alone.errors.contains("Usage: corral COMMAND"))
        for words in [["help"], ["--help"], ["-h"]] {
            let help = try Program.run([Corral.path] + words)
            #expect(help.status == 0 && help.errors == "" && help.output.contains("Usage: corral COMMAND"))
        }
        for words in [["help", "run"], ["run", "--help"], ["run", "-h", "--", "true"]] {
            let help = try Program.run([Corral.path] + words)
            #expect(help.status == 0 && help.errors == "" && help.output.contains("--workspace DIR"))
        }
        let unknown = try Program.run([Corral.path, "rnu", "true"])
        #expect(unknown.status == 2 && unknown.output == "")
        #expect(
            unknown.errors == "corral: unknown command \"rnu\"; did you mean \"run\"? (see corral help)\n")
        let noHelp = try Program.run([Corral.path, "help", "nothing"])
        #expect(noHelp.status == 2)
        #expect(noHelp.errors == "corral help: unknown command \"nothing\" (see corral help)\n")
    }
}
