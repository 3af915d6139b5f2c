import API
import TestSupport
import Testing
import Wire

/// What tenants used, as a daemon tells it.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct UsageTests {
    private let shared: SharedDaemon

    init() throws { shared = try SharedDaemon() }

    private func usage(_ uid: UInt32? = nil, _ query: String = "tenant=red") throws -> JSONTree? {
        try shared.call(uid, "GET", "/v1/usage?\(query)").json?["tenants"]?.list.first
    }

    private func number(_ name: String) throws -> UInt64 {
        UInt64(try usage()?[name]?.text ?? "") ?? 0
    }

    @Test func `sessions, execs and processor time are counted once, whatever becomes of the daemon`() throws
    {
        let id = try shared.session(SharedDaemon.red)
        let busy = #"{"shell":"i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"}"#
        for _ in 0..<2 {
            #expect(try shared.call(SharedDaemon.red, "POST", "/v1/sessions/\(id)/exec", busy).status == 200)
        }
        #expect(try number("execs") == 2)
        let cpu = try number("cpu_milliseconds")
        #expect(cpu > 0)
        // Of a session that still runs as well, and more of it later.
        let running = try number("session_milliseconds")
        #expect(running > 0)
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try number("execs") == 2 && number("cpu_milliseconds") == cpu)
        #expect(try number("session_milliseconds") >= running)
        #expect(
            try shared.call(SharedDaemon.red, "POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#).status
                == 200)
        let session = try shared.call(SharedDaemon.red, "GET", "/v1/sessions/\(id)").json
        let started = try #require(session?["started"]?.text.flatMap { APITime($0) }?.milliseconds)
        let ended = try #require(session?["ended"]?.text.flatMap { APITime($0) }?.milliseconds)
        let counted = try number("session_milliseconds")
        // Both are of the machine's clock; the texts are of the one for people.
        #expect(abs(Int64(clamping: counted) - (ended - started)) <= 1000, "\(counted)")
        // It outlasts the session's record, and another death of the daemon.
        #expect(try shared.call(SharedDaemon.red, "DELETE", "/v1/sessions/\(id)").status == 204)
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try number("session_milliseconds") == counted && number("execs") == 2)
        #expect(try usage(nil, "tenant=blue")?["execs"]?.text == "0")
    }

    @Test func `volumes are counted by their limit for as long as they are kept`() throws {
        let size = 1 << 28
        let made = try shared.call(
            SharedDaemon.red, "POST", "/v1/workspaces", #"{"name":"w","bytes":\#(size)}"#)
        #expect(made.status == 201, "\(made.text)")
        #expect(try eventually { try number("byte_hours") > 0 })
        #expect(try shared.call(SharedDaemon.red, "DELETE", "/v1/workspaces/w").status == 204)
        let counted = try number("byte_hours")
        #expect(try number("byte_hours") == counted)
        // Less than if it had been there for an hour.
        #expect(counted < size)
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try number("byte_hours") == counted)
    }

    @Test func `others' is unknown, a bad month is refused, and one without anything is empty`() throws {
        let red = SharedDaemon.red
        #expect(try usage(red, "")?["tenant"]?.text == "red")
        #expect(try shared.call(red, "GET", "/v1/usage?all_tenants").status == 403)
        let foreign = try shared.call(red, "GET", "/v1/usage?tenant=blue")
        let unknown = try shared.call(red, "GET", "/v1/usage?tenant=pink")
        #expect(foreign.status == 404 && foreign.text.replacing("blue", with: "pink") == unknown.text)
        #expect(try shared.call(nil, "GET", "/v1/usage?tenant=pink").status == 404)
        #expect(
            try shared.call(nil, "GET", "/v1/usage?all_tenants").json?["tenants"]?.list.count == 3)
        for month in [
            "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-1", "x", "%2B026-11", "1969-12", "",
        ] {
            let refused = try shared.call(nil, "GET", "/v1/usage?tenant=red&month=\(month)")
            #expect(
                refused.status == 400 && refused.text.contains(#""field":"month""#),
                "\(month): \(refused.text)")
        }
        for month in ["1970-01", "2026-12", "2030-02"] {
            let none = try shared.call(nil, "GET", "/v1/usage?tenant=red&month=\(month)")
            #expect(none.json?["month"]?.text == month)
            #expect(none.json?["tenants"]?.list.first?["days"]?.list.isEmpty == true, "\(none.text)")
        }
    }

    @Test func `the command prints a table, lines of csv and JSON, and shows plans and quotas`() throws {
        func corral(_ words: String...) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral")] + words,
                environment: Program.environment.merging([
                    "CORRAL_SOCKET_PATH": shared.daemon.socket, "CORRAL_DATA": Repository.root,
                ]) { $1 })
        }
        let id = try shared.session(SharedDaemon.red)
        #expect(
            try shared.call(SharedDaemon.red, "POST", "/v1/sessions/\(id)/exec", #"{"shell":"true"}"#).status
                == 200)
        let table = try corral("usage", "--tenant", "red").output.split(separator: "\n")
        #expect(table.count == 2 && table[0].hasPrefix("TENANT") && table[1].contains("red"), "\(table)")
        let csv = try corral("usage", "--tenant", "red", "-o", "csv").output.split(separator: "\n")
        #expect(csv.first == "tenant,day,session_hours,execs,cpu_seconds,byte_hours")
        #expect(csv.dropFirst().allSatisfy { $0.split(separator: ",").count == 6 } && csv.count >= 2)
        let json = try JSONTree(parsing: Array(corral("usage", "-A", "-o", "json").output.utf8))
        #expect(json["tenants"]?.list.count == 3)
        for (words, part) in [
            (["usage", "--tenant", "pink"], "no tenant \"pink\""),
            (["usage", "--month", "november"], "is no month"),
        ] {
            let refused = try Program.run(
                [Product.path("corral")] + words,
                environment: Program.environment.merging(["CORRAL_SOCKET_PATH": shared.daemon.socket]) { $1 })
            #expect(refused.status == 1 && refused.errors.contains(part), "\(refused.errors)")
        }
        #expect(try corral("tenant", "create", "--plan", "free", "pink").output == "pink\n")
        #expect(try corral("tenant", "ls").output.contains("free"))
        #expect(try corral("quota", "show", "--tenant", "pink").output.contains("plan"))
        #expect(try corral("quota", "set", "pink", "sessions=2").status == 0)
        #expect(try corral("quota", "reset", "--to-plan", "pink").output == "pink\n")
        #expect(try corral("quota", "reset", "pink").status != 0)
        #expect(try corral("tenant", "set", "--plan", "pro", "pink").status == 0)
        #expect(try corral("tenant", "set", "--plan", "none", "pink").status == 0)
        #expect(try corral("tenant", "set", "--plan", "gold", "pink").status != 0)
        #expect(!(try corral("tenant", "inspect", "pink").output.contains("\"plan\"")))
    }
}
