import API
import Testing

@testable import Store

/// Records of a Corral before this one.
@Suite struct UpgradeTests {
    private let fixture: Fixture

    /// What a daemon of version 1 wrote: by other words than ours, which know what came later.
    init() throws {
        fixture = try Fixture()
        _ = try fixture.open([.first])
        let digest = String(repeating: "d", count: 64)
        try fixture.sqlite3(
            """
            INSERT INTO sessions (id, tenant, profile, image, spec, created_wall, created_boot, state, live,
                boot, ttl_deadline, last_use, removals)
            VALUES ('\(Fixture.id(1))', 'default', 'strict', 'host', '{"ttl":5000}', 1, 2, 'stopping', 1,
                'boot-1', 9, 3, 0);
            INSERT INTO processes (id, session, kind, argv, created_wall, created_boot, state, live,
                stdout_bytes, stderr_bytes, stdout_cut, stderr_cut, restarts)
            VALUES ('\(Fixture.id(2))', '\(Fixture.id(1))', 'managed', '{}', 1, 2, 'restarting', 1, 0, 0, 0, 0, 4);
            INSERT INTO audit (wall, what, outcome, previous, digest)
            VALUES (1, 'session.create', 'done', '\(AuditMark.beginning.digest)', '\(digest)');
            """)
    }

    @Test func `records of version 1 are there, and what it did not tell is not made up`() throws {
        let opened = try fixture.open()
        #expect(opened.migratedFrom == 1 && opened.setAside == nil)
        let session = try #require(try opened.store.session(Fixture.id(1)))
        #expect(session.standing.state == "stopping" && session.standing.ttlDeadline == 9)
        #expect(session.standing.leases == nil && session.standing.ttl == nil)
        #expect(session.standing.killAt == nil && session.standing.problem.isEmpty)
        let process = try #require(try opened.store.process(Fixture.id(2)))
        #expect(process.standing.restarts == 4 && process.standing.failures == 0)
        #expect(process.standing.nextAt == nil && process.standing.problem.isEmpty)
    }

    @Test func `they can be gone on with, and the next start finds the new version`() throws {
        do {
            let store = try fixture.open().store
            var session = try #require(try store.session(Fixture.id(1)))
            session.standing.killAt = 12
            session.standing.leases = "all"
            try store.move(session, to: session.standing, at: 5)
        }
        let opened = try fixture.open()
        #expect(opened.migratedFrom == nil)
        #expect(try opened.store.session(Fixture.id(1))?.standing.killAt == 12)
        #expect(try fixture.sqlite3("PRAGMA user_version") == "\(Migration.latest(Migration.all))\n")
    }

    @Test func `audit records of version 1 are kept, and the chain goes on behind them`() throws {
        let store = try fixture.open().store
        let entry = AuditEntry(wall: 2, what: "session.kill", outcome: "done")
        #expect(try store.commit(.audit(entry)) == .done)
        let records = try store.audit(limit: 10)
        #expect(records.map(\.number) == [1, 2])
        #expect(records.last?.previous == records.first?.digest)
        #expect(throws: Unexpected.self) { try fixture.sqlite3("DELETE FROM audit WHERE seq = 1") }
    }
}
