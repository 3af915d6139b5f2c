import API
import Glibc
import TestSupport
import Testing

@testable import Daemon

/// Who did what, as the store has it, and how a request is found again in the log.
@Suite(.serialized) struct AuditTests {
    private func rows(_ daemon: TestDaemon, _ columns: String) throws -> [String] {
        let outcome = try Program.run([
            "sqlite3", "-readonly", "\(daemon.state)/daemon/corral.db",
            "SELECT \(columns) FROM audit ORDER BY seq",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    @Test func `every operation that changes something is answered for, or exempt by name`() {
        let changing = APIRoute.all.filter { $0.method != .get }.map(\.name)
        #expect(Set(changing) == Set(Audited.names.keys).union(Audited.exempt))
        #expect(Set(Audited.names.values).count == Audited.names.count)
        #expect(Audited.acting.isSubset(of: Audited.names.keys))
        // Whatever there is has a word of its own for when it is refused.
        let all = APIRoute.all.map(\.name)
        #expect(Set(all.map(Audited.word)).count == all.count)
    }

    @Test
    func `deeds and refusals are on record with who, what, on what and the trace, and without contents`()
        throws
    {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web","env":{"TOKEN":"s3cret-value"}}"#)
        try daemon.exec(id, "echo s3cret-value", #""env":{"A":"s3cret-value"}"#)
        let trace = "0af7651916cd43dd8448eb211c80319c"
        let header = ["-H", "traceparent: 00-\(trace)-b7ad6b7169203331-01", "-D", "-"]
        let traced = try Program.run(
            daemon.curl("POST", "/v1/sessions/web/kill", #"{"grace":0,"reason":"s3cret-value"}"#, header))
        #expect(traced.output.lowercased().contains("traceresponse: 00-\(trace)-"))
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/pause").status == 410)
        #expect(try daemon.call("POST", "/v1/sessions/none/exec", #"{"argv":["x"]}"#).status == 404)
        #expect(try daemon.call("POST", "/v1/sessions", #"{"profile":"no-such"}"#).status == 404)
        #expect(try daemon.call("GET", "/v1/sessions").status == 200)
        let object = "\(id)|"
        let all = try rows(daemon, "what, object, outcome, uid, tenant")
        let uid = "\(geteuid())|default"
        #expect(all.contains("session.create|\(object)accepted|\(uid)"))
        #expect(all.contains { $0.hasPrefix("process.exec|\(id)/") && $0.hasSuffix("|accepted|\(uid)") })
        #expect(all.contains("session.kill|\(object)accepted|\(uid)"))
        #expect(all.contains("session.pause|\(object)gone|\(uid)"), "\(all)")
        #expect(all.contains("process.exec|none|not-found|\(uid)"))
        #expect(all.contains("session.create||not-found|\(uid)"))
        let traces = try rows(daemon, "what, trace")
        #expect(traces.contains("session.kill|\(trace)"))
        let ids = try rows(daemon, "trace")
        #expect(ids.allSatisfy { $0.utf8.count == 32 } && Set(ids).count >= ids.count - 1)
        // The same id is in the log, at the line that says what became of the session.
        #expect(
            try daemon.program.waitForText(#""trace":"\#(trace)","text":"ended (operator)""#, within: 60),
            "\(daemon.program.errorsSoFar)")
        for row in try rows(daemon, "*") { #expect(!row.contains("s3cret"), "\(row)") }
    }

    @Test func `a record is there as soon as its change is, whatever becomes of the daemon`() throws {
        let daemon = try TestDaemon()
        for round in 0..<4 {
            let client = try Program(daemon.curl("POST", "/v1/sessions", #"{"name":"s\#(round)"}"#)).start()
            usleep(.random(in: 5_000...60_000))
            try daemon.kill()
            _ = try client.wait(timeout: 60)
            try daemon.startAgain()
            let made = try Program.run([
                "sqlite3", "-readonly", "\(daemon.state)/daemon/corral.db", "SELECT id FROM sessions",
            ])
            let recorded = Set(try rows(daemon, "object"))
            for id in made.output.split(separator: "\n") { #expect(recorded.contains(String(id))) }
        }
    }

    @Test func `old audit records are archived, and the check has them and the others as one chain`() throws {
        let daemon = try TestDaemon(["--set", "audit.retention=1s", "--set", "audit.old=archived"])
        func verify(_ more: String...) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral"), "audit", "verify"] + more, environment: daemon.environment,
                timeout: 120)
        }
        let id = try daemon.session()
        for _ in 0..<3 { try daemon.exec(id, "true") }
        // Pruning comes by twice a minute.
        #expect(try eventually(within: 120) { try rows(daemon, "seq").isEmpty })
        let file = "\(daemon.state)/daemon/audit/000001.jsonl"
        let archived = try File.read(file)
        #expect(archived.split(separator: UInt8(ascii: "\n")).count == 4)
        let marked = try verify()
        #expect(marked.status == 0 && marked.output.hasPrefix("whole up to 4:"), "\(marked.output)")
        // A daemon that was killed goes on with it.
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#).status == 200)
        let whole = try verify()
        #expect(whole.status == 0 && whole.output.hasPrefix("whole up to 5:"), "\(whole.output)")
        var changed = archived
        changed[40] ^= 1
        try File.write(changed, to: file, mode: 0o600)
        let found = try verify()
        #expect(found.status == 3 && found.output.contains("audit/000001.jsonl, byte 0"), "\(found.output)")
        _ = try Program.run(["mv", file, daemon.directory("elsewhere.jsonl")])
        let absent = try verify()
        #expect(absent.status == 3, "\(absent.output)")
        #expect(absent.output == "record 1: \(file) is not there, which records 1 to 4 were put into\n")
        // Whoever keeps it elsewhere says up to where.
        let mark = marked.output.split(separator: " ").last.map { String($0.dropLast()) } ?? ""
        #expect(try verify("--after", mark).status == 0)
    }

    @Test func `audit records go when they are old enough`() throws {
        let daemon = try TestDaemon(["--set", "audit.retention=1s"])
        let id = try daemon.session()
        #expect(try rows(daemon, "object") == [id])
        // Pruning comes by twice a minute.
        #expect(try eventually(within: 90) { try rows(daemon, "object").isEmpty })
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#).status == 200)
        #expect(try rows(daemon, "what").last == "session.kill")
    }
}
