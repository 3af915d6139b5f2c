// `corral daemon`, as an operator calls it.

import Glibc
import Linux
import TestSupport
import Testing
import Wire

extension TestDaemon {
    /// `corral daemon WORDS` about this one.
    func command(_ words: String...) throws -> Program.Outcome { try command(words) }

    /// - Parameter runtime: nil for its own.
    func command(_ words: [String], runtime: String? = nil) throws -> Program.Outcome {
        try Program.run(
            [Product.path("corral"), "daemon"] + words
                + ["--state", state, "--set", "runtime=\(runtime ?? directory("run"))"],
            environment: Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 }, timeout: 120)
    }

    /// Its answer to `corral daemon status -o json`.
    func status() throws -> (code: CInt?, tree: JSONTree) {
        let outcome = try command("status", "-o", "json")
        return (outcome.status, try JSONTree(parsing: outcome.stdout))
    }
}

@Suite(.serialized) struct DaemonCommandTests {
    @Test func `status tells what runs, and what goes on without a daemon`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session()
        let (code, tree) = try daemon.status()
        #expect(code == 0 && tree["status"]?.text == "ok")
        #expect(tree["corrald"]?.text == tree["corral"]?.text && tree["warden"]?.text == tree["corral"]?.text)
        #expect(tree["pid"]?.text == daemon.pid.map { "\($0)" })
        #expect(tree["warden_pid"]?.text == daemon.warden.map { "\($0)" })
        #expect(tree["sessions"]?.text == "1" && tree["sessions_max"]?.text == "1000")
        #expect(tree["state"]?.text == daemon.state && tree["socket"]?.text == daemon.socket)
        #expect(tree["problems"]?.list.isEmpty == true)
        let text = try daemon.command("status").output
        #expect(text.hasPrefix("status    ok\ncorral    "), "\(text)")
        #expect(text.contains("\nsessions  1 of 1000\n") && text.contains("\nsince     20"))
        let networks = try #require(tree["networks"])
        if Host.isRoot {
            #expect(networks["most"]?.text == "8" && networks["problem"] == nil)
            // The session may have been there before the first of them.
            #expect(Set([networks["taken"]?.text, networks["missed"]?.text]) == ["0", "1"])
            #expect(
                try eventually { try daemon.command("status").output.contains("\nnetworks  8 of 8 ready; ") })
        } else {
            #expect(networks["most"]?.text == "0" && networks["problem"]?.text == "it takes root's rights")
            #expect(text.contains("\nnetworks  none ahead of sessions: it takes root's rights\n"))
        }
        try daemon.kill()
        let (without, left) = try daemon.status()
        #expect(without == 3 && left["status"]?.text == "stopped" && left["pid"] == nil)
        #expect(left["sessions"]?.text == "1")
        #expect(left["problems"]?.list.first?.text?.contains("the warden keeps 1 session") == true)
        #expect(try daemon.command("status").output.contains("\ncorrald   not running\n"))
        #expect(try daemon.command("stop", "--sessions").status == 0)
    }

    @Test func `a daemon that does not answer is degraded`() throws {
        let daemon = try TestDaemon()
        // It is as one that hangs: it listens and says nothing.
        try daemon.program.signal(SIGSTOP)
        let (code, tree) = try daemon.status()
        try daemon.program.signal(SIGCONT)
        #expect(code == 1 && tree["status"]?.text == "degraded")
        #expect(tree["problems"]?.list.first?.text?.contains("has said nothing for 10 seconds") == true)
        #expect(try daemon.status().code == 0)
    }

    @Test func `what the daemon is can be asked while its warden says nothing`() throws {
        let daemon = try TestDaemon()
        #expect(try daemon.call("GET", "/v1/info")["networks"] != nil)
        let warden = try #require(daemon.warden)
        #expect(kill(warden, SIGSTOP) == 0)
        defer { kill(warden, SIGCONT) }
        for _ in 0..<3 {
            let info = try daemon.call("GET", "/v1/info")
            #expect(info.status == 200 && info["networks"] == nil && info.text("version") != "")
        }
        #expect(kill(warden, SIGCONT) == 0)
        #expect(try daemon.call("GET", "/v1/info")["networks"] != nil)
    }

    @Test func `stop ends the daemon and no session, and with --sessions all of them`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let stopped = try daemon.command("stop")
        #expect(stopped.status == 0, "\(stopped.errors)")
        #expect(stopped.output.hasSuffix("has ended; 1 session goes on\n"), "\(stopped.output)")
        #expect(try daemon.exitStatus() == 0)
        #expect(daemon.warden != nil)
        #expect(try daemon.command("stop").output == "corrald does not run; 1 session goes on\n")
        try daemon.startAgain()
        #expect(try daemon.exec(id, "echo on").decoded("stdout") == "on\n")
        let warden = try #require(daemon.warden)
        let all = try daemon.command("stop", "--sessions")
        #expect(all.status == 0, "\(all.errors)")
        #expect(
            all.output == "ending 1 session and the warden (pid \(warden))\nall has ended\n", "\(all.output)")
        #expect(try daemon.exitStatus() == 0)
        #expect(daemon.warden == nil)
        let nothing = try daemon.command("stop", "--sessions")
        #expect(nothing.status == 0 && nothing.output == "nothing runs\n", "\(nothing.errors)")
        try daemon.startAgain()
        #expect(try daemon.waitForEnd(id).text("cause") == "daemon-restart")
    }

    @Test func `sessions of a warden without a daemon can be ended as well`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.kill()
        let outcome = try daemon.command("stop", "--sessions")
        #expect(outcome.output.hasPrefix("ending 1 session and the warden"), "\(outcome.errors)")
        #expect(outcome.status == 0 && daemon.warden == nil)
        try daemon.startAgain()
        #expect(try daemon.waitForEnd(id).text("cause") == "daemon-restart")
    }

    @Test func `stop --sessions by a socket alone ends neither daemon nor another one's warden`() throws {
        let daemon = try TestDaemon()
        let other = try TestDaemon()
        let id = try daemon.session()
        let theirs = try other.session()
        /// With one's socket and the other's directories.
        func mixed(_ words: [String] = []) throws -> Program.Outcome {
            try other.command(["stop", "--sessions", "--set", "socket.path=\(daemon.socket)"] + words)
        }
        let refused = try mixed()
        #expect(refused.status == 1 && refused.output == "", "\(refused.output)")
        #expect(
            refused.errors.contains(
                "has the state directory \(daemon.state), and the settings say \(other.state)")
                && refused.errors.contains("give --state \(daemon.state)"), "\(refused.errors)")
        // The same state, and the sockets of nobody.
        let empty = try TemporaryDirectory()
        let lost = try daemon.command(
            ["stop", "--sessions", "--set", "socket.path=\(daemon.socket)"], runtime: empty.path)
        #expect(lost.status == 1 && lost.errors.contains("has a warden, and at"), "\(lost.errors)")
        #expect(try daemon.exec(id, "echo on").decoded("stdout") == "on\n")
        #expect(try other.exec(theirs, "echo on").decoded("stdout") == "on\n")
        try daemon.kill()
        let unknown = try mixed()
        #expect(unknown.status == 1, "\(unknown.output)")
        #expect(unknown.errors.contains("serves a corrald that does not listen at"), "\(unknown.errors)")
        #expect(try other.exec(theirs, "echo on").decoded("stdout") == "on\n")
        #expect(try other.command("stop", "--sessions").status == 0)
        #expect(daemon.warden != nil)
        #expect(try daemon.command("stop", "--sessions").status == 0)
        #expect(daemon.warden == nil)
    }

    @Test func `run becomes corrald, and is refused where a daemon runs already`() throws {
        let daemon = try TestDaemon(command: [Product.path("corral"), "daemon", "run"])
        let pid = daemon.program.pid
        #expect(File.text("/proc/\(pid)/comm") == "corrald\n")
        #expect(File.target(ofLink: "/proc/\(pid)/exe") == Product.path("corrald"))
        #expect(try daemon.status().tree["pid"]?.text == "\(pid)")
        let second = try daemon.another()
        #expect(second.status == 1 && second.errors.contains("another corrald has the state directory"))
        #expect(try daemon.command("stop", "--sessions").status == 0)
        #expect(try daemon.exitStatus() == 0)
    }

    @Test(arguments: [
        (["run", "--set", "limits.session=1"], "limits.sessions?"),
        (["run", "--log", "x"], "--log is for --detach"),
        (["reload", "--state", "/nowhere/corral"], "no daemon listens at /nowhere/corral/run/corral.sock"),
    ])
    func `a wrong call is told before anything is started`(words: [String], message: String) throws {
        let outcome = try Program.run([Product.path("corral"), "daemon"] + words)
        #expect(outcome.status == 1 && outcome.errors.contains(message), "\(outcome.errors)")
        #expect(outcome.output == "")
    }

    @Test func `a daemon in the background serves when run returns, and logs to its file`() throws {
        let directory = try TemporaryDirectory()
        func corral(_ words: String...) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral"), "daemon"] + words + ["--state", directory("a/s")] + TestDaemon.user,
                environment: Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 },
                timeout: 120)
        }
        defer { _ = try? corral("stop", "--sessions") }
        let run = try corral("run", "--detach")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.hasSuffix("its log is \(directory("a/s/corrald.log"))\n"), "\(run.output)")
        #expect(!run.outputHeldOpen)
        // Its socket is below, for whoever may connect.
        let mode = try Program.run(["stat", "-c", "%a", directory("a/s")]).output
        #expect(mode == (Host.isRoot ? "711\n" : "700\n"))
        #expect(try corral("status").status == 0)
        let log = try #require(File.text(directory("a/s/corrald.log")))
        #expect(log.contains(#""program":"corrald""#) && log.contains(#""program":"corral-warden""#))
        let again = try corral("run", "-d")
        #expect(again.status == 1)
        #expect(again.errors.contains("another corrald has the state directory"), "\(again.errors)")
        #expect(again.errors.hasSuffix("did not start; its log is \(directory("a/s/corrald.log"))\n"))
        #expect(try corral("stop", "--sessions").status == 0)
        #expect(try corral("status").status == 3)
    }

    // MARK: Reload

    /// /etc as the daemon sees it is the test's own copy.
    private static let ownEtc = [
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        #"d="${0%/s}"; cp -a /etc "$d/etc" && mkdir -p "$d/etc/corral" && mount --bind "$d/etc" /etc && exec "$@""#,
        "STATE",
    ]

    @Test func `reload tells what is in force, what waits, and every mistake with its place`() throws {
        guard Host.isRoot else { return Host.skip("only root has files that are the same for every HOME") }
        let daemon = try TestDaemon(wrapper: DaemonCommandTests.ownEtc)
        let file = daemon.directory("etc/corral/corral.yaml")
        #expect(try daemon.command("reload").output == "nothing has changed\n")
        let text = """
            limits: {processes: 2, memory: 1GiB}
            http: {connections: 7}

            """
        try File.write(Array(text.utf8), to: file)
        let outcome = try daemon.command("reload")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 3, "\(lines)")
        #expect(
            lines.first?.hasPrefix("limits.processes: 64 -> 2 (/etc/corral/corral.yaml:1") == true, "\(lines)"
        )
        #expect(lines.first?.hasSuffix("): in force") == true)
        #expect(
            lines.contains { $0.hasPrefix("limits.memory: none -> 1GiB") && $0.contains("of the warden on") })
        #expect(
            lines.contains { $0.hasPrefix("http.connections: 256 -> 7") && $0.hasSuffix("the next start on") }
        )
        // It is in force: the third process is one too many.
        let id = try daemon.session()
        let path = "/v1/sessions/\(id)/processes"
        for status in [201, 201, 409] {
            let answer = try daemon.call("POST", path, #"{"argv":["sleep","1000"]}"#)
            #expect(answer.status == status || (status == 409 && answer.status >= 400), "\(answer.status)")
        }
        try File.write(Array("limits: {session: 1}\nlog: {level: loud}\n".utf8), to: file)
        let wrong = try daemon.command("reload")
        #expect(wrong.status == 1 && wrong.output == "")
        let errors = wrong.errors.split(separator: "\n").map(String.init)
        #expect(errors.count == 3, "\(errors)")
        #expect(
            errors.first?.hasPrefix("/etc/corral/corral.yaml:1:10: limits.session: is not a key") == true)
        #expect(
            errors.last == "corral daemon reload: the configuration is not right; nothing has changed")
        try File.write(Array(text.utf8), to: file)
        // What waits is told again; what is in force is no change any more.
        let again = try daemon.command("reload").output.split(separator: "\n")
        #expect(again.count == 2 && !again.contains { $0.hasPrefix("limits.processes") }, "\(again)")
        #expect(try daemon.call("GET", "/v1/info")["reload"]?["number"]?.text == "4")
    }

    // MARK: Logs

    @Test func `both log JSON lines into a pipe`() throws {
        let daemon = try TestDaemon()
        #expect(try daemon.program.waitForText(#""program":"corral-warden""#))
        for line in daemon.program.errorsSoFar.split(separator: "\n") {
            let tree = try JSONTree(parsing: Array(line.utf8))
            #expect(tree["time"]?.text?.hasSuffix("Z") == true, "\(line)")
            #expect(["corrald", "corral-warden"].contains(tree["program"]?.text ?? ""))
            #expect(tree["level"]?.text != nil && tree["text"]?.text != nil)
        }
    }

    @Test(arguments: ["auto", "json"])
    func `both log text on a terminal, unless JSON is asked for`(format: String) throws {
        let directory = try TemporaryDirectory()
        let words =
            [
                Product.path("corral"), "daemon", "run", "--state", directory("s"), "--set",
                "log.format=\(format)",
            ]
            + TestDaemon.user
        let terminal = try UserTerminal(
            words, environment: Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 },
            columns: 400)
        defer {
            _ = try? Program.run(
                [Product.path("corral"), "daemon", "stop", "--sessions", "--state", directory("s")],
                timeout: 120)
        }
        #expect(try terminal.waitForText("serving \(directory("s"))", within: 60), "\(terminal.screen)")
        let isText = format == "auto"
        #expect(terminal.screen.contains("corrald: serving ") == isText, "\(terminal.screen)")
        #expect(terminal.screen.contains("corral-warden: serving uid ") == isText)
        #expect(terminal.screen.contains(#""program":"corral-warden""#) == !isText)
        #expect(terminal.screen.contains(#""program":"corrald""#) == !isText)
        // As an operator ends it.
        try terminal.type("\u{3}")
        #expect(try terminal.waitForEnd() == 0)
    }
}
