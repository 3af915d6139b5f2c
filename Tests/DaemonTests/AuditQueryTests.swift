import API
import Glibc
import TestSupport
import Testing
import Wire

/// The audit records as callers and operators get them.
@Suite(.serialized) struct AuditQueryTests {
    private func audit(_ daemon: TestDaemon, _ words: String..., more: [String] = []) throws
        -> Program.Outcome
    {
        try Program.run(
            [Product.path("corral"), "audit"] + words + more, environment: daemon.environment, timeout: 120)
    }

    private func records(_ daemon: TestDaemon, _ words: String...) throws -> [AuditRecord] {
        let outcome = try audit(daemon, "query", "-o", "jsonl", more: words)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try outcome.output.split(separator: "\n").compactMap {
            AuditRecord(try JSONTree(parsing: Array($0.utf8)))
        }
    }

    @Test func `what was done is asked for by who, what, on what, when and with what outcome`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        try daemon.exec(id, "true")
        #expect(try daemon.call("POST", "/v1/sessions/none/pause").status == 404)
        #expect(try daemon.call("GET", "/v1/sessions/none").status == 404)
        let all = try records(daemon)
        #expect(
            all.map(\.entry.what) == [
                "session.create", "process.exec", "session.pause", "read.inspectSession",
            ])
        #expect(all.map(\.number) == [1, 2, 3, 4])
        #expect(try records(daemon, "--action", "process.*").map(\.number) == [2])
        #expect(try records(daemon, "--outcome", "refused").map(\.number) == [3, 4])
        #expect(try records(daemon, "--object", id).map(\.number) == [1, 2])
        #expect(try records(daemon, "--object", "web").map(\.number) == [1, 2])
        #expect(try records(daemon, "--who", "\(geteuid())").count >= 4)
        #expect(try records(daemon, "--who", "4000000000").isEmpty)
        #expect(try records(daemon, "--until", "2020-01-01").isEmpty)
        #expect(try records(daemon, "--since", "1h").count >= 4)
        let table = try audit(daemon, "query", "--action", "session.create")
        #expect(table.output.contains("ACTION") && table.output.contains("session.create"))
        let tail = try audit(daemon, "tail", "-n", "1", "--action", "session.*")
        #expect(tail.output.hasPrefix("3 ") && tail.output.contains("session.pause none not-found"))
        // Bad input is one sentence, and changes nothing.
        for words in [["--since", "yesterday-ish"], ["--who", String(repeating: "x", count: 200)]] {
            let outcome = try audit(daemon, "query", more: words)
            #expect(outcome.status == 1 && !outcome.errors.isEmpty, "\(outcome.errors)")
        }
        #expect(try daemon.call("GET", "/v1/audit?last=1&after=1").field == "last")
        #expect(try daemon.call("GET", "/v1/audit/verify?after=1:xyz").field == "after")
    }

    @Test func `an export can be checked without a daemon, and goes on where the last one ended`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let first = daemon.directory("first.jsonl")
        let one = try audit(daemon, "export")
        try File.write(one.stdout, to: first)
        try daemon.exec(id, "true")
        let second = daemon.directory("second.jsonl")
        try File.write(try audit(daemon, "export", "--after", "1").stdout, to: second)
        let empty = daemon.directory("empty.jsonl")
        try File.write(try audit(daemon, "export", "--after", "2").stdout, to: empty)
        let whole = try audit(daemon, "verify", first, second, empty)
        #expect(whole.status == 0 && whole.output.hasPrefix("2 records, whole up to 2:"), "\(whole.output)")
        let live = try audit(daemon, "verify")
        #expect(live.status == 0 && live.output.hasPrefix("whole up to 2:"), "\(live.output)")
        let mark = live.output.split(separator: " ").last.map { String($0.dropLast()) } ?? ""
        #expect(try audit(daemon, "verify", "--after", mark).status == 0)
        var bytes = one.stdout
        bytes[20] ^= 1
        try File.write(bytes, to: first)
        let changed = try audit(daemon, "verify", first)
        #expect(changed.status == 3 && changed.output.hasPrefix("\(first):1: "), "\(changed.output)")
        #expect(try audit(daemon, "verify", daemon.directory("none")).status == 1)
        #expect(try audit(daemon, "verify", "--after", "1").status == 1)
    }

    @Test func `what somebody did to the records is found by the check and told at the start`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        for _ in 0..<4 { try daemon.exec(id, "true") }
        try daemon.kill()
        let file = "\(daemon.state)/daemon/corral.db"
        let outcome = try Program.run([
            "sqlite3", file,
            "DROP TRIGGER audit_stays; DROP TRIGGER audit_remains; "
                + "UPDATE audit SET outcome = 'done' WHERE seq = 2; DELETE FROM audit WHERE seq = 5; "
                + "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        _ = try Program.run(["sh", "-c", "chown --reference '\(daemon.state)/daemon' '\(file)'*"])
        try daemon.startAgain()
        #expect(try daemon.program.waitForText("records 5 to 5 are missing", within: 60))
        let found = try audit(daemon, "verify")
        #expect(found.status == 3)
        #expect(found.output == "record 2: it was changed\nrecord 5: it is missing\n", "\(found.output)")
        let told = try records(daemon, "--action", "audit.open")
        #expect(told.map(\.number) == [6] && told.first?.entry.outcome == "broken")
    }

    @Test func `sixteen clients at once leave one whole chain, and a kill takes nothing that was answered`()
        throws
    {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let clients = try (0..<16).map { number in
            try Program([
                "sh", "-c",
                "for i in 1 2 3 4 5 6 7 8 9 10; do curl -s --max-time 60 --unix-socket \(daemon.socket) "
                    + "-o /dev/null -w '%{http_code}\n' -X POST "
                    + "http://corral/v1/sessions/\(id)/renew -d '{\"ttl\":\(600_000 + number)}'; done",
            ]).start()
        }
        usleep(300_000)
        try daemon.kill()
        let answered = try clients.map { client in
            let outcome = try client.wait(timeout: 300)
            return outcome.output.split(separator: "\n").count { $0 != "000" }
        }.reduce(0, +)
        try daemon.startAgain()
        let renewed = try records(daemon, "--action", "session.renew").count {
            $0.entry.outcome == "accepted"
        }
        #expect(renewed >= answered, "\(renewed) records, \(answered) answers")
        #expect(answered > 0)
        let found = try audit(daemon, "verify")
        #expect(found.status == 0, "\(found.output)")
    }

    @Test func `a program is told what its request belongs to, unless the request says that itself`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let trace = "0af7651916cd43dd8448eb211c80319c"
        func run(_ body: String) throws -> String {
            let outcome = try Program.run(
                daemon.curl(
                    "POST", "/v1/sessions/\(id)/exec", body,
                    ["-H", "traceparent: 00-\(trace)-b7ad6b7169203331-01"]))
            let json = try JSONTree(parsing: outcome.stdout)
            return String(decoding: Base64.decode(json["stdout"]?.text ?? "") ?? [], as: UTF8.self)
        }
        let told = try run(#"{"shell":"echo $TRACEPARENT"}"#)
        #expect(told.hasPrefix("00-\(trace)-") && told.hasSuffix("-01\n") && told.utf8.count == 56, "\(told)")
        #expect(try run(#"{"shell":"echo $TRACEPARENT","env":{"TRACEPARENT":"own"}}"#) == "own\n")
        let record = try #require(try records(daemon, "--action", "process.exec").first)
        #expect(record.entry.trace == trace)
        // Without one in the request, one is made.
        let made = try daemon.exec(id, "echo $TRACEPARENT").decoded("stdout")
        #expect(made.utf8.count == 56 && !made.contains(trace))
    }

    @Test func `refusals without end have so many records and a count`() throws {
        let daemon = try TestDaemon()
        let line =
            "for i in $(seq 300); do printf 'url = http://corral/v1/sessions/none\\noutput = /dev/null\\n'; done"
        _ = try Program.run(
            ["bash", "-c", "curl -s --unix-socket \(daemon.socket) -K <(\(line))"], timeout: 300)
        #expect(try daemon.stop() == 0)
        try daemon.startAgain()
        let found = try records(daemon, "--outcome", "refused")
        #expect(found.count < 200)
        #expect(found.reduce(0) { $0 + ($1.entry.count ?? 1) } == 300)
        #expect(found.contains { $0.entry.count != nil })
        #expect(try audit(daemon, "verify").status == 0)
    }
}

@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct AuditTenantTests {
    @Test func `tenants see what their own callers did, and check nothing`() throws {
        let shared = try SharedDaemon()
        let (red, blue) = (SharedDaemon.red, SharedDaemon.blue)
        let id = try shared.session(red)
        _ = try shared.session(blue)
        // Another tenant's is a refusal like any other, and whose it is it does not say.
        #expect(try shared.call(blue, "POST", "/v1/sessions/\(id)/pause").status == 404)
        func tenants(_ uid: UInt32?, _ query: String = "") throws -> Set<String> {
            let answer = try shared.call(uid, "GET", "/v1/audit\(query)")
            #expect(answer.status == 200, "\(answer.text)")
            return Set(answer.json?["records"]?.list.map { $0["tenant"]?.text ?? "" } ?? [])
        }
        #expect(try tenants(red) == ["red"])
        #expect(try tenants(blue, "?tenant=blue") == ["blue"])
        #expect(try tenants(nil) == ["default", "red", "blue"])
        #expect(try tenants(nil, "?tenant=red") == ["red"])
        #expect(try tenants(red, "?object=\(id)") == ["red"])
        #expect(try tenants(blue, "?object=\(id)") == ["blue"])
        let foreign = try shared.call(red, "GET", "/v1/audit?tenant=blue")
        let unknown = try shared.call(red, "GET", "/v1/audit?tenant=pink")
        #expect(foreign.status == 404 && foreign.text.replacing("blue", with: "pink") == unknown.text)
        let refused = try shared.call(red, "GET", "/v1/audit/verify")
        #expect(refused.status == 403, "\(refused.text)")
        #expect(try shared.call(nil, "GET", "/v1/audit/verify").json?["complete"]?.text == "true")
        // That they were refused is on record.
        let refusals = try shared.call(nil, "GET", "/v1/audit?outcome=forbidden&who=\(red)")
        #expect(refusals.text.contains("read.verifyAudit"), "\(refusals.text)")
    }
}
