import API
import Testing

@testable import Store

/// Which audit records are found.
@Suite struct AuditFilterTests {
    private let store: StateStore

    init() throws {
        store = try Fixture().store()
        let entries = [
            AuditEntry(
                wall: 10, uid: 1, tenant: "red", what: "session.create", object: "a1", outcome: "accepted"),
            AuditEntry(wall: 20, uid: 2, tenant: "blue", what: "session.create", outcome: "limit"),
            AuditEntry(
                wall: 30, uid: 1, token: "ci", tenant: "red", what: "process.exec", object: "a1/p1",
                outcome: "accepted"),
            AuditEntry(wall: 40, uid: 1, tenant: "red", what: "session.kill", object: "a1", outcome: "done"),
            AuditEntry(
                wall: 50, uid: 3, what: "snapshot.create", object: "a1@s", outcome: "not-found", count: 9),
            AuditEntry(wall: 60, uid: 3, what: "session.kill", object: "a12", outcome: "not-found"),
        ]
        for entry in entries { #expect(try store.commit(.audit(entry)) == .done) }
    }

    private func numbers(_ change: (inout AuditFilter) -> Void) throws -> [Int64] {
        var filter = AuditFilter()
        change(&filter)
        let page = try store.audit(filter, after: 0, limit: 100)
        #expect(page.next == nil)
        #expect(try store.lastAudit(filter, limit: 100) == page.records)
        return page.records.map(\.number)
    }

    @Test func `each condition holds, and all of them together`() throws {
        #expect(try numbers { _ in } == [1, 2, 3, 4, 5, 6])
        #expect(try numbers { $0.since = 30 } == [3, 4, 5, 6])
        #expect(try numbers { $0.until = 30 } == [1, 2])
        #expect(try numbers { $0.tenant = "red" } == [1, 3, 4])
        #expect(try numbers { $0.uid = 1 } == [1, 3, 4])
        #expect(try numbers { $0.token = "ci" } == [3])
        #expect(try numbers { ($0.uid, $0.token) = (2, "ci") } == [2, 3])
        #expect(try numbers { $0.action = "session.create" } == [1, 2])
        #expect(try numbers { $0.action = "session.*" } == [1, 2, 4, 6])
        #expect(try numbers { $0.action = "*" } == [1, 2, 3, 4, 5, 6])
        // What is in it is found with it; what only begins so is not.
        #expect(try numbers { $0.objects = ["a1"] } == [1, 3, 4, 5])
        #expect(try numbers { $0.objects = ["name", "a1"] } == [1, 3, 4, 5])
        #expect(try numbers { $0.objects = ["a1/p1"] } == [3])
        #expect(try numbers { $0.outcome = "refused" } == [2, 5, 6])
        #expect(try numbers { $0.outcome = "limit" } == [2])
        #expect(
            try numbers { ($0.tenant, $0.action, $0.since) = ("red", "session.*", 20) } == [4])
        #expect(try numbers { $0.tenant = "' OR 1=1 --" } == [])
    }

    @Test func `pages go on where they ended, and the last ones are had at once`() throws {
        var filter = AuditFilter()
        filter.action = "session.*"
        let first = try store.audit(filter, after: 0, limit: 2)
        #expect(first.records.map(\.number) == [1, 2] && first.next == 2)
        let second = try store.audit(filter, after: first.next ?? 0, limit: 100)
        #expect(second.records.map(\.number) == [4, 6] && second.next == nil)
        #expect(try store.lastAudit(filter, limit: 1).map(\.number) == [6])
        #expect(try store.audit(filter, after: .max, limit: 1).records.isEmpty)
        #expect(try store.audit(filter, after: 6, limit: 1).next == nil)
    }

    @Test func `a count is part of the record, and its loss shows`() throws {
        let fixture = try Fixture()
        do {
            let store = try fixture.store()
            let entry = AuditEntry(wall: 1, what: "w", outcome: "limit", count: 3)
            #expect(try store.commit(.audit(entry)) == .done)
            #expect(try store.audit(limit: 1).first?.entry.count == 3)
        }
        try fixture.sqlite3("DROP TRIGGER audit_stays; UPDATE audit SET count = 2")
        #expect(
            try fixture.store().verifyAudit() == .broken(number: 1, problem: "it was changed"))
    }
}
