import API
import Testing

@testable import Store

/// Audit records: a chain in which every change shows.
@Suite struct AuditTests {
    private let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        let store = try fixture.store()
        for number in 1...10 { #expect(try store.commit(.audit(entry(number))) == .done) }
    }

    private func entry(_ number: Int) -> AuditEntry {
        AuditEntry(
            wall: Int64(number), uid: number % 2 == 0 ? UInt32.max : nil, token: "token \(number)",
            tenant: nil, what: "session.create", object: Fixture.id(number), outcome: "done",
            trace: number % 3 == 0 ? "" : nil)
    }

    @Test func `records come back in order, and the chain goes on after a restart`() throws {
        let store = try fixture.store()
        #expect(try store.commit(.audit(entry(11))) == .done)
        let records = try store.audit(limit: 100)
        #expect(records.map(\.entry) == (1...11).map(entry))
        #expect(records.map(\.number) == Array(1...11))
        #expect(records.first?.previous == AuditMark.beginning.digest)
        let last = try #require(records.last)
        #expect(try store.verifyAudit() == .intact(AuditMark(number: 11, digest: last.digest)))
        #expect(try store.audit(after: 9, limit: 1).map(\.number) == [10])
    }

    @Test func `a check goes on where it stopped`() throws {
        let store = try fixture.store()
        guard case .more(let mark) = try store.verifyAudit(limit: 4) else {
            Issue.record("four of ten records are not all")
            return
        }
        #expect(mark.number == 4)
        guard case .intact(let end) = try store.verifyAudit(after: mark, limit: 100) else {
            Issue.record("the chain is whole")
            return
        }
        #expect(end.number == 10)
    }

    @Test func `without records the chain is whole`() throws {
        #expect(try Fixture().store().verifyAudit() == .intact(.beginning))
    }

    @Test func `two records that differ only in where a field ends have different digests`() {
        let first = AuditEntry(wall: 1, token: "a", tenant: "b", what: "w", outcome: "o")
        var second = first
        (second.token, second.tenant) = ("a1:b", nil)
        var third = first
        (third.token, third.tenant) = (nil, "b")
        var fourth = third
        fourth.token = ""
        let digests = [first, second, third, fourth].map { $0.digested(number: 1, previous: "") }
        #expect(Set(digests).count == 4)
    }

    @Test func `nothing alters or removes a record by accident`() throws {
        try fixture.store().add(Fixture.session(1))
        let statements = [
            "UPDATE audit SET what = 'x' WHERE seq = 3", "DELETE FROM audit WHERE seq = 10",
            "UPDATE changes SET why = 'x'",
        ]
        for statement in statements {
            #expect(throws: Unexpected.self) { try fixture.sqlite3(statement) }
        }
        guard case .intact = try fixture.store().verifyAudit() else {
            Issue.record("the chain is whole")
            return
        }
    }

    @Test(arguments: [
        ("UPDATE audit SET outcome = 'refused' WHERE seq = 4", 4, "it was changed"),
        ("UPDATE audit SET uid = 0 WHERE seq = 4", 4, "it was changed"),
        ("UPDATE audit SET trace = NULL WHERE seq = 3", 3, "it was changed"),
        ("UPDATE audit SET digest = previous WHERE seq = 10", 10, "it was changed"),
        ("UPDATE audit SET previous = digest WHERE seq = 5", 5, "it does not follow the record before"),
        ("DELETE FROM audit WHERE seq = 1", 1, "it is missing"),
        ("DELETE FROM audit WHERE seq = 6", 6, "it is missing"),
        ("DELETE FROM audit WHERE seq = 10", 10, "it is missing"),
        ("DELETE FROM audit", 1, "it is missing"),
        (
            "UPDATE audit SET seq = -seq WHERE seq IN (7, 8); UPDATE audit SET seq = 15 + seq WHERE seq < 0",
            7,
            "it does not follow the record before"
        ),
    ])
    func `a record that was changed is found, and one that is gone`(
        statements: String, number: Int64, problem: String
    ) throws {
        try fixture.sqlite3("DROP TRIGGER audit_stays; DROP TRIGGER audit_remains; \(statements)")
        #expect(try fixture.store().verifyAudit() == .broken(number: number, problem: problem))
    }

    @Test func `a mark that was kept elsewhere shows that all was written anew`() throws {
        let store = try fixture.store()
        guard case .intact(let mark) = try store.verifyAudit() else {
            Issue.record("the chain is whole")
            return
        }
        #expect(try store.verifyAudit(after: mark) == .intact(mark))
        var other = mark
        other.digest = AuditMark.beginning.digest
        #expect(
            try store.verifyAudit(after: other)
                == .broken(number: 10, problem: "it is not the record that was marked"))
        other.number = 11
        #expect(try store.verifyAudit(after: other) == .broken(number: 11, problem: "it is missing"))
    }

    @Test func `records of a transaction that failed leave no hole`() throws {
        let store = try fixture.store()
        let outcomes = try store.commit([
            .audit(entry(11)), .create(Fixture.session(1, name: "Bad"), why: ""), .audit(entry(12)),
        ])
        #expect(outcomes.first == .done && outcomes.last == .done && outcomes[1].isRefused)
        guard case .intact(let mark) = try store.verifyAudit() else {
            Issue.record("the chain is whole")
            return
        }
        #expect(mark.number == 12)
    }

    // MARK: Age

    private func drop(before wall: Int64, limit: Int = 100) throws -> Pruned {
        try fixture.store().prune(Retention(results: 0, records: 0, audit: wall), limit: limit)
    }

    @Test func `old records go from the beginning on, in parts, and the chain goes on from there`() throws {
        let store = try fixture.store()
        let all = try store.audit(limit: 100)
        #expect(try drop(before: 6, limit: 3) == Pruned(audit: 3, isComplete: false))
        #expect(try drop(before: 6, limit: 3) == Pruned(audit: 2))
        #expect(try drop(before: 6) == Pruned())
        #expect(try store.audit(limit: 100) == Array(all.dropFirst(5)))
        guard case .intact(let mark) = try store.verifyAudit() else {
            Issue.record("what is left is whole")
            return
        }
        #expect(mark.number == 10)
        let kept = AuditMark(number: 5, digest: all[4].digest)
        #expect(try store.verifyAudit(after: kept) == .intact(mark))
        let gone = AuditMark(number: 4, digest: all[3].digest)
        #expect(try store.verifyAudit(after: gone) == .broken(number: 4, problem: "it is no longer kept"))
        var other = kept
        other.digest = gone.digest
        #expect(
            try store.verifyAudit(after: other)
                == .broken(number: 5, problem: "it is not the record that was marked"))
    }

    @Test func `when all are old the next one follows the last of them`() throws {
        let last = try #require(try fixture.store().audit(limit: 100).last)
        #expect(try drop(before: 1000) == Pruned(audit: 10))
        let store = try fixture.store()
        #expect(try store.verifyAudit() == .intact(AuditMark(number: 10, digest: last.digest)))
        #expect(try store.commit(.audit(entry(11))) == .done)
        let records = try store.audit(limit: 100)
        #expect(records.map(\.number) == [11] && records.first?.previous == last.digest)
        try fixture.sqlite3("DROP TRIGGER audit_remains; DELETE FROM audit")
        #expect(try store.verifyAudit() == .broken(number: 11, problem: "it is missing"))
    }

    @Test func `an old record behind a young one stays: the clock was set back`() throws {
        let store = try fixture.store()
        var young = entry(11)
        young.wall = 5000
        #expect(try store.commit([.audit(young), .audit(entry(12))]) == [.done, .done])
        #expect(try drop(before: 1000) == Pruned(audit: 10))
        #expect(try store.audit(limit: 100).map(\.number) == [11, 12])
    }

    @Test func `nothing but its age lets a record go`() throws {
        #expect(try drop(before: 4) == Pruned(audit: 3))
        #expect(throws: Unexpected.self) { try fixture.sqlite3("DELETE FROM audit WHERE seq = 4") }
        #expect(try fixture.sqlite3("SELECT count(*) FROM audit") == "7\n")
    }
}
