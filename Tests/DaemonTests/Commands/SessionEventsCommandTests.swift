import API
import Tables
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct SessionEventsCommandTests {
    @Test func `what happened is printed, and filters hold`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        let other = try daemon.session()
        try daemon.exec("web", "exit 3")
        _ = try daemon.lines(["kill", "--grace", "0s", "web"])
        let past = ["events", "--since", "1h", "--until", "0s"]
        let lines = try daemon.lines(past, environment: ["TZ": "CST-8"])
        #expect(lines.contains { $0.contains(" +08:00 session.running \(id)") }, "\(lines)")
        #expect(lines.contains { $0.hasSuffix(" session.ended \(id) (cause=operator)") }, "\(lines)")
        let objects = try daemon.lines(past + ["-o", "jsonl"])
        #expect(objects.count == lines.count)
        for line in objects { _ = try APIReader(Array(line.utf8), as: .event) }

        func only(_ words: String...) throws -> [String] { try daemon.lines(past + words) }
        #expect(try only("-f", "type=session.ended").count == 1)
        #expect(try only("-f", "session=\(other)").allSatisfy { $0.contains(other) })
        #expect(try !only("-f", "session=\(other)").isEmpty)
        #expect(
            try only("-f", "session=\(other)", "-f", "session=\(id)").count > only("-f", "session=web").count)
        #expect(try only("-f", "cause=operator", "-f", "type=session.ended").count == 1)
        #expect(try daemon.lines(["events", "--since", "0s", "--until", "0s"]).isEmpty)

        try daemon.refuses(["events", "--since", "x"], "--since: \"x\" is not a time")
        try daemon.refuses(["events", "--since", "1m", "--until", "1h"], "is before --since")
        try daemon.refuses(["events", "-f", "session=nothing"], "there is no session \"nothing\"")
        try daemon.refuses(["events", "-f", "cause=tll"], "did you mean ttl?")
        try daemon.refuses(["events", "web"], code: 2, "unexpected \"web\"")
    }

    @Test func `nothing is missed or told twice when the daemon is killed and started again`() throws {
        let daemon = try TestDaemon()
        let follower = try daemon.begin(["events", "-o", "jsonl", "--since", "1h"])
        let first = try daemon.session()
        #expect(try follower.waitForText("session.running", within: 60))
        for _ in 0..<2 {
            let known = follower.errorsSoFar.split(separator: "\n").count
            try daemon.kill()
            #expect(try follower.waitForText("waiting for a daemon to answer", within: 60))
            try daemon.startAgain()
            #expect(
                try eventually(within: 60) {
                    _ = try follower.waitForText("\u{0}", within: 0.1)
                    return follower.errorsSoFar.split(separator: "\n").count >= known + 2
                })
        }
        let second = try daemon.session(#"{"name":"second"}"#)
        _ = try daemon.lines(["kill", "--grace", "0s", "second", first])
        let isWhole = try eventually(within: 60) {
            _ = try follower.waitForText("\u{0}", within: 0.1)
            return follower.outputSoFar.split(separator: "\n").count { $0.contains("session.ended") } == 2
        }
        #expect(isWhole, "\(follower.outputSoFar)")
        try follower.signal(15)
        let lines = try follower.wait().output.split(separator: "\n")
        for id in [first, second] {
            for type in ["session.starting", "session.running", "session.stopping", "session.ended"] {
                let count = lines.count { $0.contains(id) && $0.contains("\"\(type)\"") }
                #expect(count == 1, "\(type) of \(id): \(count)")
            }
        }
    }

    @Test func `it ends at a time that is still to come`() throws {
        let daemon = try TestDaemon()
        let until = WallTime(milliseconds: WallTime.now.milliseconds + 2500)
        let outcome = try daemon.operate(["events", "--until", until.rfc3339])
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
        #expect(WallTime.now >= until)
    }

    @Test func `more than may wait for a follower is replayed all the same`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"ttl":600000}"#)
        // What stands behind # is not sent: the same request over and over on one connection.
        let renew = daemon.curl("POST", "/v1/sessions/\(id)/renew#[1-2500]", "{}")
        #expect(try Program.run(renew, timeout: 120).status == 0)
        let lines = try daemon.lines(["events", "--since", "1h", "--until", "0s", "-o", "jsonl"])
        #expect(lines.count { $0.contains("session.renewed") } == 2500)
        #expect(lines.reduce(0) { $0 + $1.utf8.count } > 256 << 10)
    }
}
