import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct SessionTests {
    @Test func `a session is made, used, inspected, killed and forgotten`() throws {
        let daemon = try TestDaemon()
        let made = try daemon.call(
            "POST", "/v1/sessions", #"{"name":"web","labels":{"team":"red"},"env":{"A":"1"},"ttl":600000}"#)
        #expect(made.status == 201)
        #expect(made.text("state") == "running")
        #expect(made["layers"]?["seccomp"]?.text == "in force")
        // Those of the profile, as far as this host has what holds them.
        for (layer, limit, value) in [
            ("memory", "memory", "268435456"), ("pids", "pids", "128"), ("cpu", "cpus", "1000"),
        ] where made["layers"]?[layer]?.text == "in force" {
            #expect(made["limits"]?[limit]?.text == value)
        }
        #expect(made["limits"] != nil)
        let id = made.text("id")

        let result = try daemon.exec("web", "echo out $A; echo err >&2; exit 3")
        #expect(result.status == 200)
        #expect(result.text("cause") == "exited")
        #expect(result.text("exit") == "3")
        #expect(result.decoded("stdout") == "out 1\n")
        #expect(result.decoded("stderr") == "err\n")

        let list = try daemon.call("GET", "/v1/sessions?label=team%3Dred")
        #expect(list["sessions"]?.list.count == 1)
        #expect(try daemon.call("GET", "/v1/sessions?label=team%3Dblue")["sessions"]?.list.isEmpty == true)
        #expect(try daemon.call("GET", "/v1/sessions/\(id.prefix(6))").text("name") == "web")
        #expect(try daemon.call("GET", "/v1/sessions/\(id)/stats").status == 200)
        #expect(try daemon.call("GET", "/v1/health").text("status") == "ok")
        #expect(try daemon.call("GET", "/v1/info").text("sessions") == "1")

        #expect(try daemon.call("DELETE", "/v1/sessions/web").status == 409)
        let ended = try daemon.call("POST", "/v1/sessions/web/kill", #"{"grace":0,"reason":"enough"}"#)
        #expect(ended.status == 200)
        #expect(ended.text("state") == "ended")
        #expect(ended.text("cause") == "operator")
        #expect(ended.text("message") == "enough")
        #expect(try daemon.exec(id, "true").status == 410)
        #expect(try daemon.call("DELETE", "/v1/sessions/\(id)").status == 204)
        #expect(try daemon.call("GET", "/v1/sessions/\(id)").status == 404)
    }

    @Test func `ttl, idle and max end a session, each with its cause`() throws {
        let daemon = try TestDaemon()
        // Long enough for a launch on a machine that is busy.
        let ttl = try daemon.session(#"{"ttl":6000}"#)
        let idle = try daemon.session(#"{"idle":6000}"#)
        let most = try daemon.session(#"{"max":6000,"ttl":600000}"#)
        #expect(try daemon.waitForEnd(ttl).text("cause") == "ttl")
        #expect(try daemon.waitForEnd(idle).text("cause") == "idle")
        #expect(try daemon.waitForEnd(most).text("cause") == "max")
    }

    @Test func `an exec that runs longer than idle is use, and its end begins the idle time`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"idle":5000}"#)
        #expect(try daemon.exec(id, "sleep 8").text("exit") == "0")
        #expect(try daemon.state(id) == "running")
        #expect(try daemon.waitForEnd(id).text("cause") == "idle")
    }

    @Test func `a renewal begins the time to live again, and goes past no max`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"ttl":600000,"max":900000}"#)
        let before = try daemon.call("GET", "/v1/sessions/\(id)")
        #expect(before.text("expires_by") == "ttl")
        let renewed = try daemon.call("POST", "/v1/sessions/\(id)/renew", #"{"ttl":3600000}"#)
        #expect(renewed.status == 200)
        #expect(renewed.text("expires_by") == "max")
        let other = try daemon.session()
        #expect(try daemon.call("POST", "/v1/sessions/\(other)/renew", "{}").status == 409)
    }

    @Test func `a repeated key makes one session, and another request with it is refused`() throws {
        let daemon = try TestDaemon()
        let first = try daemon.call("POST", "/v1/sessions", #"{"idempotency_key":"k","name":"a"}"#)
        let second = try daemon.call("POST", "/v1/sessions", #"{"name":"a","idempotency_key":"k"}"#)
        #expect(first.status == 201)
        #expect(second.status == 200)
        #expect(first.text("id") == second.text("id"))
        let other = try daemon.call("POST", "/v1/sessions", #"{"idempotency_key":"k","name":"b"}"#)
        #expect(other.status == 409)
        #expect(other.field == "idempotency_key")
        #expect(try daemon.call("POST", "/v1/sessions", #"{"name":"a"}"#).status == 409)
    }

    @Test func `two stops at once are one, and both hear of the end`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let made = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes",
            #"{"shell":"trap '' TERM; echo up; while :; do sleep 0.1; done"}"#)
        let logs = "/v1/sessions/\(id)/processes/\(made.text("id"))/logs"
        #expect(try eventually { try daemon.call("GET", logs).bytes.count == 3 })
        let path = "/v1/sessions/\(id)/kill"
        let first = try Program(daemon.curl("POST", path, #"{"grace":60000}"#)).start()
        #expect(try eventually { try daemon.state(id) == "stopping" })
        #expect(try daemon.exec(id, "true").status == 409)
        // The shorter grace holds.
        #expect(try daemon.call("POST", path, #"{"grace":100}"#).text("cause") == "operator")
        #expect(try first.wait(timeout: 60).output.contains(#""state":"ended""#))
    }

    @Test func `paused processes stand still`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let paused = try daemon.call("POST", "/v1/sessions/\(id)/pause")
        // Where no cgroup can be frozen the reason is told.
        guard paused.status == 200 else {
            #expect(paused.status == 409)
            return Host.skip("no cgroup of this host can be frozen")
        }
        #expect(paused.text("state") == "paused")
        #expect(try daemon.exec(id, "true").status == 409)
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/resume").text("state") == "running")
        #expect(try daemon.exec(id, "true").text("exit") == "0")
    }

    @Test func `a paused session ends with its warden, and nothing of it stays`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.call("POST", "/v1/sessions/\(id)/processes", #"{"argv":["sleep","2471"]}"#)
        guard try daemon.call("POST", "/v1/sessions/\(id)/pause").status == 200 else {
            return Host.skip("no cgroup of this host can be frozen")
        }
        #expect(!Self.processes(of: id).isEmpty)
        let warden = try #require(daemon.warden)
        #expect(Glibc.kill(warden, SIGKILL) == 0)
        // Nobody thaws it: corrald is killed as well, and the next one is not there yet.
        try daemon.kill()
        #expect(eventually { Self.processes(of: id).isEmpty }, "\(Self.processes(of: id))")
        try daemon.startAgain()
        #expect(try daemon.waitForEnd(id).text("cause") == "daemon-restart")
        #expect(eventually { !Self.groups().contains { $0.hasSuffix("-\(id)") } }, "\(Self.groups())")
    }

    /// The processes in the groups of a session.
    private static func processes(of id: String) -> [String] {
        groups().filter { $0.hasSuffix("-\(id)") }.flatMap { group in
            (File.text("\(group)/cgroup.procs") ?? "").split(separator: "\n").map(String.init)
        }
    }

    /// The paths of all groups of sessions.
    private static func groups() -> [String] {
        let root = "/sys/fs/cgroup"
        let tops = [root] + File.names(in: root).map { "\(root)/\($0)" }
        let tenants = tops.flatMap { top in
            File.names(in: top).filter { $0.hasPrefix("corral-tenant-") }.map { "\(top)/\($0)" }
        }
        return tenants.flatMap { tenant in
            File.names(in: tenant).filter { $0.hasPrefix("corral-session-") }.map { "\(tenant)/\($0)" }
        }
    }

    @Test func `events tell what happens, and go on after the last one that was seen`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let follower = try Program(
            daemon.curl("GET", "/v1/events?since=2000-01-01T00:00:00Z", nil, ["-N"])
        ).start()
        #expect(try follower.waitForText("session.running", within: 30))
        let seen = follower.outputSoFar
        #expect(seen.contains("session.starting"))
        // And as it happens.
        let second = try daemon.session()
        #expect(try follower.waitForText(second, within: 30))
        let number = seen.split(separator: "\n").first { $0.hasPrefix("id: ") }.map { $0.dropFirst(4) } ?? ""
        try follower.signal(15)
        _ = try follower.wait()
        let again = try Program(
            daemon.curl("GET", "/v1/events", nil, ["-N", "-H", "Last-Event-ID: \(number)"])
        ).start()
        #expect(try again.waitForText("session.running", within: 30))
        #expect(again.outputSoFar.contains(id))
        #expect(!again.outputSoFar.contains("id: \(number)\n"))
        try again.signal(15)
        _ = try again.wait()
    }
}
