import Preparation
import Sandbox
import TestSupport
import Testing

@testable import Commands

@Suite struct RunOptionsTests {
    private static func options(_ words: [String]) throws -> RunOptions {
        try RunOptions(Arguments(parsing: words, for: RunCommand.command))
    }

    @Test func `everything has a default but the command`() throws {
        let options = try Self.options(["true"])
        #expect(options.profile == "default")
        #expect(options.environment == [])
        #expect(options.directory == nil && options.workspace == nil && options.report == nil)
        #expect(options.memory == nil && options.milliCPUs == nil && options.pids == nil)
        #expect(options.timeout == nil && options.relay == nil)
        #expect(!options.interactive && !options.json && !options.plan)
        #expect(options.command == ["true"])
    }

    @Test func `every option is read`() throws {
        let options = try Self.options([
            "--profile", "strict", "-eA=1", "--env=B=", "-w", "/tmp", "--workspace=.", "--memory", "64MiB",
            "--cpus=0.25", "--pids", "7", "--timeout=1500ms",
            "--relay=tgo=a=b", "-i", "--json", "--report=r", "--plan", "--", "-x", "y",
        ])
        #expect(options.profile == "strict")
        #expect(options.environment == [.init(name: "A", value: "1"), .init(name: "B", value: "")])
        #expect(options.directory == "/tmp" && options.workspace == "." && options.report == "r")
        #expect(options.memory == 64 << 20 && options.milliCPUs == 250 && options.pids == 7)
        #expect(options.timeout == 1500 && options.relay == .init(dialect: "tgo", upstream: "a=b"))
        #expect(options.interactive && options.json && options.plan)
        #expect(options.command == ["-x", "y"])
    }

    @Test(arguments: [
        (["-it", "sh"], true, true), (["-ti", "sh"], true, true), (["-t", "sh"], false, true),
        (["--tty", "--interactive", "sh"], true, true), (["-i", "sh"], true, false),
        (["sh", "-t"], false, false),
    ])
    func `a terminal is asked for as docker's is`(words: [String], interactive: Bool, terminal: Bool) throws {
        let options = try Self.options(words)
        #expect(options.interactive == interactive && options.terminal == terminal)
        #expect(options.variant.terminal == terminal)
    }

    @Test func `what ends a run at a limit is asked for, and the limits of cpu time and output`() throws {
        let none = try Self.options(["true"])
        #expect(!none.pidsKill && !none.outputKill && none.cpuTime == nil && none.outputLimit == nil)
        let options = try Self.options([
            "--pids-kill", "--output-kill", "--cpu-time", "90s", "--output-limit=1KiB", "x",
        ])
        #expect(options.overrides == [.cpuTime(90_000), .pidsKill, .outputLimit(1024), .outputKill])
        let open = try Self.options(["--cpu-time", "none", "--output-limit=none", "x"])
        #expect(open.overrides == [.cpuTime(nil), .outputLimit(nil)])
    }

    @Test func `options change the limits of the profile and leave the others`() throws {
        let file = Repository.path("profiles/default.yaml")
        let profile = try Profile.decode(File.read(file), file: file)
        #expect(try LaunchRules.overridden(profile, by: Self.options(["true"]).overrides) == profile)
        var expected = profile
        expected.limits.memory = 64 << 20
        expected.limits.milliCPUs = 250
        expected.limits.pids = 7
        expected.lifetime.timeout = 1000
        let words = ["--memory=64MiB", "--cpus=0.25", "--pids=7", "--timeout=1s", "true"]
        #expect(try LaunchRules.overridden(profile, by: Self.options(words).overrides) == expected)
        expected.lifetime.timeout = 5
        #expect(
            try LaunchRules.overridden(expected, by: Self.options(["--timeout=none", "x"]).overrides).lifetime
                .timeout == nil)
    }

    @Test(arguments: ["/", "/workspace", "/tmp/a b"])
    func `a working directory is an absolute path in normal form`(path: String) throws {
        #expect(try Self.options(["-w", path, "true"]).directory == path)
    }

    @Test(arguments: [
        (["--env=FOO"], #"--env: "FOO" has no =; expected NAME=value"#),
        (
            ["--env=1A=b"],
            #"--env: "1A" is not a name of a variable; expected letters, digits and _, no digit first"#
        ),
        (
            ["--env==b"],
            #"--env: "" is not a name of a variable; expected letters, digits and _, no digit first"#
        ),
        (["-w", "tmp"], #"--workdir: "tmp" is not an absolute path; expected one that starts with /"#),
        (
            ["-w", "/a/../b"],
            #"--workdir: "/a/../b" is not in normal form; expected no //, no . or .. and no / at the end"#
        ),
        (
            ["-w", "/a/"],
            #"--workdir: "/a/" is not in normal form; expected no //, no . or .. and no / at the end"#
        ),
        (
            ["-w", "/proc/self/fd/7"],
            #"--workdir: "/proc/self/fd/7" is below /proc; expected a directory of files"#
        ),
        (["-w", "/proc"], #"--workdir: "/proc" is below /proc; expected a directory of files"#),
        (["--memory=-5"], #"--memory: "-5" must not be negative; expected 8MiB to 1024TiB"#),
        (["--memory=7MiB"], #"--memory: "7MiB" is too small; expected 8MiB to 1024TiB"#),
        (
            ["--memory=1PiB"],
            #"--memory: "1PiB" is not a size; expected a whole number of bytes or one with KiB, MiB, GiB or TiB, "#
                + "such as 64MiB"
        ),
        (
            ["--memory=99999999999999999999"],
            #"--memory: "99999999999999999999" is too large; expected 8MiB to 1024TiB"#
        ),
        (["--cpus=0"], #"--cpus: "0" is too small; expected 0.001 to 8192"#),
        (
            ["--cpus=half"],
            #"--cpus: "half" is not a number of cpus; expected a number with at most three decimals, "#
                + "such as 2 or 0.5"
        ),
        (
            ["--image=../x"],
            #"--image: "../x" is not a name; expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit"#
        ),
        (
            ["--image="],
            #"--image: "" is not a name; expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit"#
        ),
        (["--pids=0"], #"--pids: "0" is too small; expected 1 to 4194304"#),
        (["--pids=5000000"], #"--pids: "5000000" is too large; expected 1 to 4194304"#),
        (
            ["--pids=010"],
            #"--pids: "010" is not a whole number; expected decimal digits without a leading zero"#
        ),
        (["--cpu-time=0s"], #"--cpu-time: "0s" is too small; expected 1ms to 8760h, or none"#),
        (
            ["--output-limit=2GiB"],
            #"--output-limit: "2GiB" is too large; expected 0 to 1GiB, or none"#
        ),
        (["--timeout=0s"], #"--timeout: "0s" is too small; expected 1ms to 8760h, or none"#),
        (
            ["--timeout=30"],
            #"--timeout: "30" is not a duration; expected a whole number with ms, s, m or h, such as 30s, or none"#
        ),
        (
            ["--relay=/run/tgo.sock"],
            #"--relay: "/run/tgo.sock" has no "="; expected DIALECT=SOCKET, such as tgo=/run/tgo.sock"#
        ),
        (["--relay=tog=/x"], #"--relay: unknown dialect "tog"; expected tgo; did you mean tgo?"#),
        (["--relay==/x"], #"--relay: unknown dialect ""; expected tgo"#),
        (["--relay=tgo="], "--relay: the path of the upstream socket is missing"),
    ])
    func `a wrong value is told with what was expected`(words: [String], message: String) {
        #expect(throws: ValueError(message)) { try Self.options(words + ["true"]) }
    }

    @Test func `a command is not empty and holds no NUL`() {
        #expect(throws: ValueError("COMMAND is empty")) { try Self.options([""]) }
        #expect(throws: ValueError("an argument of the command contains a NUL byte")) {
            try Self.options(["true", "a\0b"])
        }
        #expect(throws: Never.self) { try Self.options(["true", ""]) }
    }
}
