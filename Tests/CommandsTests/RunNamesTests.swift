import Launch
import Sandbox
import Testing
import Wire

@testable import Commands

/// `--env-file`, `--name`, `--label`, `--ulimit` and `--network` as values.
@Suite struct RunNamesTests {
    private static func options(_ words: [String]) throws -> RunOptions {
        try RunOptions(Arguments(parsing: words + ["true"], for: RunCommand.command))
    }

    private static func file(_ text: String) throws(ValueError) -> [String] {
        let caller = ["HOME": "/root", "EMPTY": "", "LONG": String(repeating: "x", count: 40_000)]
        let file = try EnvironmentFile(Array(text.utf8), file: "a.env") { caller[$0] }
        return file.variables.map { "\($0.name)=\($0.value)" }
    }

    @Test(arguments: [
        ("A=1\nB=x y\n", ["A=1", "B=x y"]), ("A=1", ["A=1"]), ("", []), ("\n\n", []),
        ("# A=1\n  # B=2\nC=#3", ["C=#3"]), ("A='1'\nB=\"2\"", ["A='1'", "B=\"2\""]), ("A=", ["A="]),
        ("A=b=c", ["A=b=c"]), ("  A=1 ", ["A=1 "]), ("A=1\r\nB=2\r\n", ["A=1", "B=2"]),
        ("\u{FEFF}A=1", ["A=1"]), ("HOME\nEMPTY\nMISSING", ["HOME=/root", "EMPTY="]),
        ("A=1\nA=2", ["A=1", "A=2"]),
    ])
    func `a file of variables is read as docker reads it`(text: String, variables: [String]) throws {
        #expect(try Self.file(text) == variables)
    }

    @Test(arguments: [
        (
            "A=1\n1B=2",
            #"--env-file: a.env:2: "1B" is not a name of a variable; expected letters, digits and _, no digit first"#
        ),
        (
            "export A=1",
            #"--env-file: a.env:1: "export A" is not a name of a variable; expected letters, digits and _, no digit first"#
        ),
        (
            "# x\n\n=1",
            #"--env-file: a.env:3: "" is not a name of a variable; expected letters, digits and _, no digit first"#
        ),
        ("A=\0", "--env-file: a.env:1: holds a NUL byte, which no variable can"),
        ("LONG", "--env-file: a.env:1: the caller's LONG is 40000 bytes long; expected at most 32768"),
    ])
    func `a wrong line is told with its place`(text: String, message: String) {
        #expect(throws: ValueError(message)) { try Self.file(text) }
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: ValueError("--env-file: b:1: is not UTF-8; expected NAME=VALUE or NAME")) {
            try EnvironmentFile([0x41, 0x3D, 0xFF], file: "b") { _ in nil }
        }
    }

    @Test(arguments: ["ab", "A1", "a_b.c-d", "0x", String(repeating: "a", count: 128)])
    func `a name follows docker's grammar`(name: String) throws {
        #expect(try Self.options(["--name", name]).tags.name == name)
    }

    @Test(arguments: ["", "a", "-ab", ".ab", "_ab", "a b", "a/b", "ä1", String(repeating: "a", count: 129)])
    func `a name that docker would refuse is refused`(name: String) {
        #expect(throws: ValueError.self) { try Self.options(["--name=\(name)"]) }
    }

    @Test func `labels keep their order, and the last value of a key counts`() throws {
        let tags = try Self.options(["--name=web1", "--label", "b=1", "--label=a", "--label=b=2=3"]).tags
        #expect(tags.labels == [.init(key: "b", value: "2=3"), .init(key: "a", value: "")])
        #expect(
            JSONText.object { tags.write(to: &$0) }.description
                == #"{"name":"web1","labels":{"b":"2=3","a":""}}"#)
        #expect(JSONText.object { RunTags.none.write(to: &$0) }.description == "{}")
    }

    @Test(arguments: ["", "=x", "a b=c", "a\n=c", String(repeating: "k", count: 129)])
    func `a wrong label is refused`(label: String) {
        #expect(throws: ValueError.self) { try Self.options(["--label=\(label)"]) }
    }

    @Test func `there is a most of labels and of their length`() {
        #expect(throws: ValueError("--label: 65 labels are given; expected at most 64")) {
            try Self.options((0..<65).map { "--label=k\($0)" })
        }
        #expect(throws: ValueError("--label: k has 4097 bytes; expected at most 4096")) {
            try Self.options(["--label=k=" + String(repeating: "v", count: 4097)])
        }
    }

    @Test(arguments: [
        (["--ulimit", "nofile=64"], [ProfileOverride.openFiles(64)], [SoftLimit]()),
        (["--nofile=64"], [.openFiles(64)], []),
        (["--ulimit=nofile=32:64"], [.openFiles(64)], [SoftLimit(resource: 7, value: 32)]),
        (
            ["--ulimit=fsize=1MiB:2MiB", "--ulimit=stack=1048576"],
            [.fileSize(2 << 20), .stack(1 << 20)], [SoftLimit(resource: 1, value: 1 << 20)]
        ),
        (["--ulimit=core=0:0"], [], []),
    ])
    func `a ulimit is the profile's limit and a soft one below`(
        words: [String], overrides: [ProfileOverride], soft: [SoftLimit]
    ) throws {
        let ulimits = try Self.options(words).ulimits
        #expect(ulimits.overrides == overrides && ulimits.soft == soft)
    }

    @Test(arguments: [
        (
            ["--ulimit=nofile"],
            #"--ulimit: "nofile" has no =; expected NAME=SOFT[:HARD], such as nofile=512:1024"#
        ),
        (
            ["--ulimit=nofiles=1"],
            #"--ulimit: unknown name "nofiles"; expected core, fsize, nofile, stack; did you mean nofile?"#
        ),
        (
            ["--ulimit=nproc=1"],
            "--ulimit: nproc cannot be set; --pids limits the whole sandbox; expected core, fsize, nofile, stack"
        ),
        (["--ulimit=nofile=64:32"], "--ulimit: nofile: the soft limit 64 is above the hard limit 32"),
        (["--ulimit=nofile=-1"], #"--ulimit: nofile: "-1" must not be negative; expected 16 to 1048576"#),
        (
            ["--ulimit=nofile=64:"],
            #"--ulimit: nofile: "" is not a whole number; expected decimal digits without a leading zero"#
        ),
        (
            ["--ulimit=core=1"],
            #"--ulimit: core: "1" is too large; expected 0 to 0; no process in a sandbox dumps core"#
        ),
        (["--nofile=1"], #"--nofile: "1" is too small; expected 16 to 1048576"#),
        (["--ulimit=nofile=64", "--nofile=64"], "--nofile: nofile is given twice"),
        (["--ulimit=stack=1MiB", "--ulimit=stack=1MiB"], "--ulimit: stack is given twice"),
    ])
    func `a wrong ulimit is told with what was expected`(words: [String], message: String) {
        #expect(throws: ValueError(message)) { try Self.options(words) }
    }

    @Test func `the network is that of the option unless the profile locks it`() throws {
        #expect(try Self.options(["--network=host"]).overrides == [.network(.host)])
        #expect(try Self.options([]).network == nil)
        let command = RunCommand.command
        #expect(throws: UsageError.self) { try Arguments(parsing: ["--network=proxy", "x"], for: command) }
    }
}
