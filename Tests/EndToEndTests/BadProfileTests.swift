// Profiles that `corral run` refuses, with the place of the mistake.

import TestSupport
import Testing

@Suite struct BadProfileTests {
    private static let whole = """
        description: Of a test
        image: host
        syscalls: {policy: [base]}
        limits:
          memory: 64MiB
          pids: 32
          cpus: 1
          workspace: 16MiB
        require: []

        """

    /// A mistake: what is changed in a profile that is right, and what the error must say.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let name: String
        let line: String
        let wrong: String
        let says: [String]
        var testDescription: String { name }

        init(_ name: String, _ line: String, _ wrong: String, says: String...) {
            self.name = name
            self.line = line
            self.wrong = wrong
            self.says = says
        }
    }

    @Test(arguments: [
        Mistake("tab", "  pids: 32", "\tpids: 32", says: ":6:", "tab"),
        Mistake(
            "wrong type", "  pids: 32", "  pids: [32]", says: ":6:9: limits.pids: ", "is a list", "expected"),
        Mistake(
            "text for a number", "  pids: 32", "  pids: \"32\"", says: ":6:9: limits.pids: ",
            "quotation marks"),
        Mistake("unknown key", "  pids: 32", "  pid: 32", says: ":6:3: limits.pid: ", "did you mean pids?"),
        Mistake("unknown unit", "64MiB", "64MB", says: ":5:11: limits.memory: ", "\"64MB\"", "MiB"),
        Mistake(
            "negative limit", "  pids: 32", "  pids: -1", says: ":6:9: limits.pids: ", "must not be negative"),
        Mistake("limit too small", "64MiB", "64KiB", says: ":5:11: limits.memory: ", "too small", "8MiB to"),
        Mistake("missing key", "  pids: 32\n", "", says: "limits.pids: is missing"),
        Mistake("size without a known unit", "64MiB", "64M", says: ":5:11: limits.memory: ", "such as 64MiB"),
        Mistake(
            "time without a unit", "require: []", "require: []\nlifetime: {timeout: 30}",
            says: ":10:21: lifetime.timeout: ", "30s"),
        Mistake("alias", "[base]", "*x", says: ":3:20: syscalls.policy: ", "aliases"),
        Mistake("anchor", "require: []", "require: &x []", says: ":9:10: require: ", "anchors"),
        Mistake("tag", "pids: 32", "pids: !!int 32", says: ":6:9: limits.pids: ", "tags"),
        Mistake(
            "key given twice", "  pids: 32", "  pids: 32\n  pids: 64", says: ":7:3: limits.pids: ",
            "first in line 6"),
        Mistake(
            "deep nesting", "[]", String(repeating: "[", count: 5000), says: ":9:25: require",
            "nested deeper than 16"),
        Mistake(
            "10 MB", "[]", "[]\n#" + String(repeating: "x", count: 10 << 20), says: "bytes long",
            "at most 262144"),
        Mistake(
            "in a circle", "image: host", "extends: ./p.yaml", says: ":2:10: extends: leads in a circle: "),
        Mistake(
            "extends what is not there", "image: host", "extends: offlin", says: ":2:10: extends: ",
            "did you mean offline?"),
        Mistake(
            "a locked field", "image: host", "extends: offline\nnetwork: {mode: host}",
            says: ":3:11: network.mode: is locked by profiles/offline.yaml:23"),
        Mistake("unknown layer", "[]", "[secomp]", says: ":9:11: require[0]: ", "did you mean seccomp?"),
        Mistake("unknown image", "host", "hots", says: "unknown image \"hots\"", "did you mean host?"),
        Mistake("unknown policy", "[base]", "[bsae]", says: "\"bsae\"", "did you mean base?"),
    ])
    func `a mistake in a profile is told with its place`(mistake: Mistake) throws {
        let directory = try TemporaryDirectory()
        let text = Self.whole.replacing(mistake.line, with: mistake.wrong)
        #expect(text != Self.whole)
        let path = try directory.write("p.yaml", text)
        let outcome = try Corral.leavesNothing { try Corral.run(["--profile", path, "true"]) }
        var refusal = Refusal(mistake.name, [])
        refusal.says = mistake.says.map { $0.hasPrefix(":") ? path + $0 : $0 }
        refusal.check(outcome)
    }

    @Test func `a profile of somebody's own is used`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("p.yaml", Self.whole)
        let outcome = try Corral.run(["--profile", path, "--", "cat", "/proc/self/limits"])
        #expect(outcome.status == 0)
        let processes = outcome.output.split(separator: "\n").first { $0.hasPrefix("Max processes") }
        #expect(processes?.split(separator: " ").dropFirst(2).first == "32")
    }

    @Test(arguments: [
        Refusal(
            "unknown name", ["--profile", "defualt", "true"], says: "\"defualt\"", "did you mean default?"),
        Refusal(
            "no name is near", ["--profile", "zzz", "true"], says: "\"zzz\"", "known: default, network_basic"),
        Refusal("missing file", ["--profile", "./zzz.yaml", "true"], says: "./zzz.yaml", "ENOENT"),
        Refusal("directory", ["--profile", "/etc", "true"], says: "/etc", "EISDIR"),
        Refusal(
            "path of 5,000 bytes", ["--profile", BadCommandLineTests.longPath, "true"], says: "bytes)",
            "ENAMETOOLONG"),
        Refusal("line feed in a name", ["--profile", "a\nb", "true"], says: #""a\u{a}b""#),
    ])
    func `a profile that is not there is refused`(refusal: Refusal) throws {
        try refusal.check()
    }
}
