import TestSupport
import Testing
import Wire

@Suite(.serialized) struct SessionActionCommandTests {
    @Test func `several are ended and forgotten, and what fails does not stop the others`() throws {
        let daemon = try TestDaemon()
        for name in ["a", "b", "c"] { _ = try daemon.session(#"{"name":"\#(name)"}"#) }
        let killed = try daemon.operate(["kill", "--grace", "0s", "--reason", "够了", "a", "nothing", "b"])
        #expect(killed.status == 1 && killed.output == "a\nb\n")
        #expect(killed.errors == "corral session kill: there is no session \"nothing\"\n")
        let ended = try daemon.inspected("a", "b")
        #expect(ended.map { $0["state"]?.text } == ["ended", "ended"])
        #expect(ended.map { $0["cause"]?.text } == ["operator", "operator"])
        #expect(ended.map { $0["message"]?.text } == ["够了", "够了"])

        let removed = try daemon.operate(["rm", "a", "c", "b", "a"])
        #expect(removed.status == 1 && removed.output == "a\nb\n", "\(removed.output)")
        #expect(removed.errors.hasSuffix("it is running\nhint: kill it first, or use force\n"))
        try daemon.refuses(["rm", "a"], "there is no session \"a\"")
        #expect(try daemon.lines(["rm", "-f", "c"]) == ["c"])
        #expect(try daemon.lines(["list", "-aq"]).isEmpty)
        try daemon.refuses(["kill", "--grace", "5", "a"], "--grace: \"5\" is not a duration")
        try daemon.refuses(["kill", "--grace", "1h", "a"], "--grace: \"1h\" is too large")
        try daemon.refuses(["rm", ""], "there is no session \"\"")
        try daemon.refuses(["kill"], code: 2, "an operand is missing")
    }

    @Test func `ends are waited for, over the end of the daemon as well`() throws {
        let daemon = try TestDaemon()
        let short = try daemon.session(#"{"name":"short","ttl":6000}"#)
        let long = try daemon.session(#"{"name":"long"}"#)
        let waiter = try daemon.begin(["wait", "long", "short", short])
        #expect(try daemon.waitForEnd(short).text("cause") == "ttl")
        try daemon.kill()
        #expect(try waiter.waitForText("waiting for a daemon to answer", within: 60))
        try daemon.startAgain()
        #expect(try daemon.state(long) == "running" && waiter.outputSoFar == "")
        #expect(try daemon.lines(["kill", "--grace", "0s", "long"]) == ["long"])
        let outcome = try waiter.wait(timeout: 60)
        #expect(outcome.status == 0 && outcome.output == "operator\nttl\nttl\n", "\(outcome.errors)")
        // Of one that has ended already.
        #expect(try daemon.lines(["wait", "long"]) == ["operator"])
        try daemon.refuses(["wait", "nothing"], "there is no session \"nothing\"")
    }

    @Test func `a renewal begins the time to live again`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"web","ttl":600000,"max":7200000}"#)
        _ = try daemon.session(#"{"name":"endless"}"#)
        let before = try #require(try daemon.inspected("web").first?["expires"]?.text)
        #expect(try daemon.lines(["renew", "--ttl", "1h", "web"]) == ["web"])
        let after = try #require(try daemon.inspected("web").first)
        #expect(before < after["expires"]?.text ?? "" && after["expires_by"]?.text == "ttl")
        #expect(try daemon.lines(["renew", "--ttl", "20h", "web"]) == ["web"])
        #expect(try daemon.inspected("web").first?["expires_by"]?.text == "max")
        try daemon.refuses(["renew", "endless"], "--ttl: ", "has no ttl to renew")
        #expect(try daemon.lines(["renew", "--ttl", "1h", "endless", "web"]) == ["endless", "web"])
        for text in ["none", "x", "0s"] { try daemon.refuses(["renew", "--ttl", text, "web"], "--ttl: ") }
        try daemon.refuses(["renew", "nothing"], "there is no session \"nothing\"")
    }

    @Test func `processes stand still until they are let go on`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        try daemon.refuses(["resume", "web"], "is not paused")
        try daemon.refuses(["pause", "nothing"], "there is no session \"nothing\"")
        let paused = try daemon.operate(["pause", "web"])
        guard paused.status == 0 else {
            try TestDaemon.check(paused, ["pause"], 1, ["could not be paused"])
            return Host.skip("no cgroup of this host can be frozen")
        }
        #expect(paused.output == "web\n")
        #expect(try daemon.state(id) == "paused")
        #expect(try daemon.lines(["list", "-q", "-f", "state=paused"]).count == 1)
        #expect(try daemon.lines(["resume", "web"]) == ["web"])
        #expect(try daemon.state(id) == "running")
    }

    @Test func `what has ended is forgotten at once, after a question or with force`() throws {
        let daemon = try TestDaemon()
        #expect(try daemon.lines(["prune"]).isEmpty, "nothing is to be forgotten, so nobody is asked")
        for name in ["a", "b", "c"] {
            _ = try daemon.session(#"{"name":"\#(name)","labels":{"is":"\#(name)"}}"#)
        }
        _ = try daemon.session(#"{"name":"runs"}"#)
        let ids = try daemon.inspected("a", "b", "c").compactMap { $0["id"]?.text }
        _ = try daemon.lines(["kill", "--grace", "0s", "a", "b", "c"])
        try daemon.refuses(["prune"], "there is no terminal to ask at; -f forgets 3 without asking")
        #expect(try daemon.lines(["prune", "-f", "--filter", "label=is=b"]) == [ids[1]])
        for (answer, code) in [("n\r", Int32(1)), ("\r", 1), ("y\r", 0)] {
            let terminal = try UserTerminal(TestDaemon.words(["prune"]), environment: daemon.asking)
            #expect(try terminal.waitForText("2 sessions that have ended"), "\(terminal.screen)")
            #expect(try daemon.lines(["list", "-aq"]).count == 3)
            try terminal.type(answer)
            #expect(try terminal.waitForEnd() == code, "\(terminal.screen)")
        }
        #expect(try daemon.lines(["list", "-a", "-o", "jsonl"]).count == 1)
        try daemon.refuses(["inspect", ids[0]], "there is no session")
        try daemon.refuses(["prune", "-f", "--filter", "state=running"], "nothing to filter by")
    }

    @Test func `every command says which socket nobody listens at, and what starts a daemon`() throws {
        let directory = try TemporaryDirectory()
        let nobody = directory("corral.sock")
        let environment = Program.environment.merging(["CORRAL_SOCKET_PATH": nobody]) { $1 }
        for words in [
            ["create"], ["list"], ["ls"], ["ps", "-q"], ["inspect", "a"], ["stats"],
            ["stats", "--watch", "a"],
            ["top", "a"], ["events"], ["events", "--since", "1h"], ["pause", "a"], ["resume", "a"],
            ["renew", "a"], ["kill", "a"], ["rm", "a"], ["wait", "a"], ["prune", "-f"],
        ] {
            let outcome = try Program.run(TestDaemon.words(words), environment: environment)
            #expect(outcome.output == "")
            try TestDaemon.check(
                outcome, words, 1,
                ["cannot connect to \(nobody): there is no such socket", "corral daemon run"])
        }
        // A file that is no socket, and a state directory that is named.
        try directory.write("file", "")
        let file = try Program.run(TestDaemon.words(["list", "--set", "socket.path=\(directory("file"))"]))
        try TestDaemon.check(file, ["list"], 1, ["it is not a socket"])
        let state = try Program.run(TestDaemon.words(["list", "--state", directory("other")]))
        try TestDaemon.check(state, ["list"], 1, ["\(directory("other"))/run/corral.sock"])
    }
}
