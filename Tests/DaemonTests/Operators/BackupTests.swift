import TestSupport
import Testing
import Wire

/// What docs/operators.md says about copies of the store, done with a daemon that runs.
@Suite(.serialized) struct BackupTests {
    private func shell(_ text: String) throws {
        let outcome = try Program.run(["sh", "-e", "-c", text], timeout: 120)
        #expect(outcome.status == 0, "\(text): \(outcome.errors)")
    }

    private func corral(_ daemon: TestDaemon, _ words: String...) throws -> Program.Outcome {
        try Program.run([Product.path("corral")] + words, environment: daemon.environment, timeout: 120)
    }

    /// A daemon with some history, and a copy of its store that was made while it ran.
    private func copied() throws -> (TestDaemon, backup: String) {
        let daemon = try TestDaemon()
        #expect(try daemon.call("POST", "/v1/tenants", #"{"name":"red"}"#).status == 201)
        let id = try daemon.session(#"{"name":"before"}"#)
        try daemon.exec(id, "echo kept")
        let (place, backup) = ("\(daemon.state)/daemon", daemon.directory("backup"))
        try shell(
            """
            mkdir -m 700 '\(backup)'; cd '\(place)'; cp -p audit-head '\(backup)'
            sqlite3 corral.db ".backup \(backup)/corral.db"
            """)
        #expect(try daemon.call("POST", "/v1/tenants", #"{"name":"later"}"#).status == 201)
        let stopped = try Program.run(
            [Product.path("corral"), "daemon", "stop", "--sessions", "--state", daemon.state]
                + ["--set", "runtime=\(daemon.directory("run"))"] + TestDaemon.user,
            timeout: 120)
        #expect(stopped.status == 0, "\(stopped.errors)")
        _ = try daemon.program.wait(timeout: 60)
        try shell("cd '\(place)'; rm -f corral.db-wal corral.db-shm")
        return (daemon, backup)
    }

    private func restore(_ names: String, from backup: String, to daemon: TestDaemon) throws {
        let place = "\(daemon.state)/daemon"
        try shell(
            "cd '\(backup)'; cp -p \(names) '\(place)'; cd '\(place)'; "
                + "chown --reference . corral.db audit-head; chmod 600 corral.db audit-head")
        try daemon.startAgain()
    }

    private func tenants(_ daemon: TestDaemon) throws -> [String] {
        (try daemon.call("GET", "/v1/tenants")["tenants"]?.list ?? []).compactMap { $0["name"]?.text }
    }

    @Test func `a store that is put back has what it had, and its audit is whole`() throws {
        let (daemon, backup) = try copied()
        try restore("corral.db audit-head", from: backup, to: daemon)
        #expect(try tenants(daemon) == ["default", "red"])
        let session = try daemon.call("GET", "/v1/sessions/before")
        #expect(session.text("state") == "ended" && session.text("cause") == "daemon-restart")
        let verdict = try corral(daemon, "audit", "verify")
        #expect(verdict.status == 0, "\(verdict.output)\(verdict.errors)")
        let told = try corral(daemon, "audit", "query", "--action", "audit.open", "-o", "jsonl")
        #expect(told.status == 0 && told.output.isEmpty, "\(told.output)")
        // It goes on from there.
        #expect(try daemon.call("POST", "/v1/tenants", #"{"name":"blue"}"#).status == 201)
        #expect(try corral(daemon, "audit", "verify").status == 0)
    }

    @Test func `a database that is put back alone shows as that`() throws {
        let (daemon, backup) = try copied()
        try restore("corral.db", from: backup, to: daemon)
        #expect(try daemon.program.waitForText("the audit records are not what they were", within: 60))
        #expect(try tenants(daemon) == ["default", "red"])
        #expect(try corral(daemon, "audit", "verify").status == 3)
        let told = try corral(daemon, "audit", "query", "--action", "audit.open", "-o", "jsonl")
        #expect(told.output.contains("are missing"), "\(told.output)")
    }
}
