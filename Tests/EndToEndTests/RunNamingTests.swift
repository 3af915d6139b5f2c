import TestSupport
import Testing

/// Options of `corral run` that docker has too.
@Suite struct DockerOptionTests {
    @Test func `variables of files come in, behind them those of options`() throws {
        let directory = try TemporaryDirectory()
        let first = try directory.write("a.env", "# first\nA=file\nB=file\nGIVEN\nMISSING\n")
        let second = try directory.write("b.env", "B=second\nQUOTED='x y'\n")
        let script = "echo $A-$B-$GIVEN-${MISSING-unset}-$QUOTED"
        let words = [
            "run", "--env-file", first, "--env-file", second, "-eA=option", "--", "sh", "-c", script,
        ]
        var environment = Program.environment
        environment["GIVEN"] = "caller"
        let outcome = try Program.run([Corral.path] + words, environment: environment)
        #expect(outcome.output == "option-second-caller-unset-'x y'\n", "\(outcome.errors)")
    }

    @Test func `a file of variables that is wrong starts nothing and is told with its line`() throws {
        let directory = try TemporaryDirectory()
        let wrong = try directory.write("a.env", "A=1\nno name=2\n")
        try Refusal("", ["--env-file", wrong, "true"], says: "--env-file: \(wrong):2: \"no name\"").check()
        let missing = directory("missing")
        try Refusal("", ["--env-file", missing, "true"], says: missing, "ENOENT").check()
        try Refusal("", ["--env-file", directory.path, "true"], says: directory.path, "EISDIR").check()
        let large = try directory.write("large", String(repeating: "#\n", count: 600_000))
        try Refusal("", ["--env-file", large, "true"], says: "has more than 1 MiB").check()
    }

    @Test func `name and labels stand in the report, whatever became of the run`() throws {
        let words = ["--rm", "--name", "web.1", "--label", "a=b", "--label=c", "--json", "--"]
        for (command, code) in [("true", CInt(0)), ("no-such-command", 127)] {
            let outcome = try Corral.run(words + [command])
            #expect(outcome.status == code)
            let report = try Report(in: outcome.errors)
            #expect(report.text("name") == "web.1")
            #expect(report.text("labels", "a") == "b" && report.text("labels", "c") == "")
        }
        #expect(try Report(in: Corral.run(["--json", "true"]).errors).text("name") == nil)
    }

    @Test func `soft and hard limits are put on the program`() throws {
        let script = "ulimit -Sn; ulimit -Hn; ulimit -Sf; ulimit -Hf; ulimit -Sc; ulimit -Hc"
        let plain = try Corral.run(["--", "bash", "-c", script])
        #expect(plain.output == "1024\n1024\n1048576\n1048576\n0\n0\n", "\(plain.errors)")
        let words = ["--ulimit", "nofile=64:128", "--ulimit", "fsize=1MiB", "--ulimit", "core=0"]
        let limited = try Corral.run(words + ["--", "bash", "-c", script])
        #expect(limited.output == "64\n128\n1024\n1024\n0\n0\n", "\(limited.errors)")
        let alias = try Corral.run(["--nofile", "99", "--", "bash", "-c", "ulimit -Sn; ulimit -Hn"])
        #expect(alias.output == "99\n99\n", "\(alias.errors)")
    }

    @Test func `a program raises its soft limit and never its hard one`() throws {
        let script = "ulimit -Sn 128 && ulimit -Sn; ulimit -Hn 129 || echo refused"
        let outcome = try Corral.run(["--ulimit", "nofile=64:128", "--", "bash", "-c", script])
        #expect(outcome.output == "128\nrefused\n")
    }

    @Test func `a limit above that of the host is refused`() throws {
        let words = ["prlimit", "--nofile=256:256", "--", Corral.path, "run"]
        let outcome = try Corral.leavesNothing {
            try Program.run(words + ["--ulimit", "nofile=64:512", "true"])
        }
        Refusal("", [], says: "open_files of 512", "a hard limit of 256 open files").check(outcome)
        let allowed = try Program.run(words + ["--nofile", "256", "true"])
        #expect(allowed.status == 0, "\(allowed.errors)")
    }

    @Test func `what a profile locks no option changes`() throws {
        let directory = try TemporaryDirectory()
        let profile = try directory.write(
            "p.yaml", "extends: default\nlocked: [limits.open_files, network]\n")
        let run = ["--profile", profile]
        try Refusal("", run + ["--nofile=64", "true"], says: "limits.open_files is locked by", "1024").check()
        try Refusal("", run + ["--network=host", "true"], says: "--network: network.mode is locked", "none")
            .check()
        #expect(try Corral.run(run + ["--network=none", "--nofile=1024", "true"]).status == 0)
    }

    @Test func `the host's network is refused where the profile requires one of its own`() throws {
        try Refusal("", ["--network", "host", "true"], says: "net-ns", "network.mode is host").check()
    }

    @Test func `the host's network is the host's, and none is one without a way out`() throws {
        let directory = try TemporaryDirectory()
        let profile = try directory.write(
            "p.yaml",
            """
            extends: default
            require: [user-ns, mount-ns, pid-ns, seccomp, no-new-privs, capabilities]

            """)
        let run = ["--profile", profile]
        let words = ["--", "readlink", "/proc/self/ns/net"]
        let own = File.target(ofLink: "/proc/self/ns/net") ?? ""
        let host = try Corral.run(run + ["--network=host"] + words)
        #expect(host.output == own + "\n", "\(host.errors)")
        #expect(host.errors.contains("net-ns off(network.mode is host"))
        let none = try Corral.run(run + ["--network=none"] + words)
        #expect(none.output.hasPrefix("net:[") && none.output != host.output, "\(none.errors)")
    }

    @Test func `switches stand in one word, and two dashes may be left out`() throws {
        let outcome = try Corral.run(["-ieX=Y", "sh", "-c", "cat; echo $X"], stdin: Array("in ".utf8))
        #expect(outcome.output == "in Y\n", "\(outcome.errors)")
        #expect(try Corral.run(["echo", "hi", "--json"]).output == "hi --json\n")
    }
}
