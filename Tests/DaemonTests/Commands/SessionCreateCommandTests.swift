import TestSupport
import Testing
import Wire

@Suite(.serialized) struct SessionCreateCommandTests {
    @Test func `what the options say is what the session has`() throws {
        let daemon = try TestDaemon()
        let file = try daemon.directory.write("v.env", "B=from file\nA=from file\n")
        let made = try daemon.operate([
            "create", "--name", "web", "--label", "team=red", "-l", "owner=王小明", "--label", "bare",
            "-e", "A=1", "--env-file", file, "--memory", "64MiB", "--pids", "40", "--cpus", "0.5",
            "--cpu-time", "none", "--nofile", "256", "--ulimit", "fsize=1MiB", "--ttl", "1h", "--idle", "30m",
            "--max", "none", "--profile", "default", "--idempotency-key", "once",
        ])
        #expect(made.status == 0 && made.errors == "", "\(made.errors)")
        let id = made.output.dropLast()
        // The id and nothing else, whole.
        #expect(made.output.hasSuffix("\n") && id.utf8.count == 16 && id.allSatisfy(\.isHexDigit))

        let session = try #require(try daemon.inspected("web").first)
        #expect(session["id"]?.text == String(id))
        #expect(session["labels"]?["team"]?.text == "red")
        #expect(session["labels"]?["owner"]?.text == "王小明")
        #expect(session["labels"]?["bare"]?.text == "")
        #expect(session["expires_by"]?.text == "idle")
        let shown = try daemon.exec("web", "echo $A $B; ulimit -n; ulimit -f")
        #expect(shown.decoded("stdout") == "1 from file\n256\n2048\n")
    }

    @Test func `a repeated key makes one session, and prints its id again`() throws {
        let daemon = try TestDaemon()
        let words = ["create", "--name", "once", "--idempotency-key", "k"]
        let first = try daemon.lines(words)
        #expect(try daemon.lines(words) == first)
        try daemon.refuses(
            ["create", "--name", "other", "--idempotency-key", "k"], "--idempotency-key: ", first[0])
        try daemon.refuses(["create", "--name", "once"], "--name: the name once is taken by session")
        #expect(try daemon.lines(["list", "-q", "--no-trunc"]) == first)
    }

    @Test func `what is wrong is told with its option`() throws {
        let daemon = try TestDaemon()
        let long = String(repeating: "n", count: 65)
        let cases: [(words: [String], says: String)] = [
            (["--ttl", "5"], "--ttl: \"5\" is not a duration; expected a whole number with ms, s, m or h"),
            (["--ttl", "0s"], "--ttl: \"0s\" is too small"), (["--idle", "1 h"], "--idle: "),
            (["--max", "-1s"], "--max: \"-1s\" must not be negative"),
            (["--memory", "64MB"], "--memory: \"64MB\" is not a size"), (["--pids", "x"], "--pids: "),
            (["--cpus", "half"], "--cpus: "), (["--cpu-time", "1"], "--cpu-time: "),
            (["--output-limit", "x"], "--output-limit: "), (["--nofile", "x"], "--nofile: "),
            (["--ulimit", "stack=1MiB"], "--ulimit: stack is the profile's"),
            (["--ulimit", "nofile=64:128"], "--ulimit: a session has no soft limits"),
            (["--env", "=x"], "--env: "), (["--env-file", "/nowhere/x"], "--env-file: /nowhere/x"),
            (["--label", "a b=c"], "--label: \"a b\" is not a key of a label: character 2 is \" \""),
            (["--label", "=c"], "--label: "), (["--label", "k=\u{7}"], "--label: "),
            (["--name", "../x"], "--name: "), (["--name", long], "--name: "), (["--name", ""], "--name: "),
            (["--profile", "nothing"], "--profile: there is no profile \"nothing\""),
            (["--profile", "../x"], "--profile: "), (["--image", "nothing"], "nothing"),
            (["--memory", "512TiB"], "--memory: "), (["--tenant", "other"], "--tenant: there is no tenant"),
            (["--persistent"], "--persistent: "),
        ]
        for (words, says) in cases { try daemon.refuses(["create"] + words, says) }
        // Told by the nearest word, as every command does.
        let hint = try daemon.operate(["create", "--profile", "defualt"])
        #expect(hint.errors.hasSuffix("\nhint: did you mean default?\n"), "\(hint.errors)")
        try daemon.refuses(["create", "--lable", "a=b"], code: 2, "did you mean --label?")
        try daemon.refuses(["create", "web"], code: 2, "unexpected \"web\"")
        // And nothing runs; what could not be launched is kept with its cause.
        #expect(try daemon.lines(["list", "-q"]).isEmpty)
        #expect(try daemon.lines(["list", "-q", "-f", "cause=operator"]).isEmpty)
    }
}
