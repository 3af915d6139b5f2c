import API
import TestSupport
import Testing

@testable import Store

/// Many changes in one transaction, and what may happen once they are on record.
@Suite struct JournalTests {
    private let fixture: Fixture
    private let store: StateStore

    init() throws {
        fixture = try Fixture()
        store = try fixture.store()
    }

    @Test func `effects come out in the order of their changes, each with what became of its own`() throws {
        var journal = Journal<String>()
        let session = Fixture.session(1, name: "a")
        journal.add(.create(session, why: ""), then: "answer the client")
        journal.add(.create(Fixture.session(2, name: "a"), why: ""), then: "refuse the other")
        journal.add(
            .session(id: session.id, session.standing.with("starting"), at: Fixture.moment(1), why: ""),
            then: "launch")
        journal.add(.create(Fixture.session(3, name: "Bad Name"), why: ""), then: "refuse the third")
        journal.add(.audit(AuditEntry(wall: 1, what: "x", outcome: "done")), then: "log")
        #expect(journal.count == 5)
        let recorded = try journal.commit(to: store)
        #expect(journal.isEmpty)
        #expect(
            recorded.map(\.effect) == [
                "answer the client", "refuse the other", "launch", "refuse the third", "log",
            ])
        #expect(recorded.map(\.outcome).filter { $0 == .done }.count == 3)
        #expect(recorded[1].outcome == .nameTaken(by: session.id))
        #expect(recorded[3].outcome.isRefused)
        #expect(try store.session(session.id)?.standing.state == "starting")
        #expect(try store.list(limit: 10).sessions.count == 1)
        // Nothing to record, nothing to wait for.
        #expect(try journal.commit(to: store).isEmpty)
    }

    @Test func `a change that is refused in its middle leaves nothing of itself, and the others stay`() throws
    {
        // The session can be inserted, its second label cannot.
        try fixture.sqlite3(
            "CREATE TRIGGER labels_fail BEFORE INSERT ON labels WHEN new.key = 'bad' "
                + "BEGIN SELECT RAISE(ABORT, 'no such label'); END")
        let bad = Fixture.session(2, labels: ["bad": "1", "good": "1"])
        let outcomes = try store.commit([
            .create(Fixture.session(1), why: ""), .create(bad, why: ""), .create(Fixture.session(3), why: ""),
        ])
        #expect(outcomes.map(\.isRefused) == [false, true, false])
        #expect(try store.list(limit: 10).sessions.map(\.id) == [1, 3].map(Fixture.id))
        #expect(try fixture.sqlite3("SELECT count(*) FROM labels") == "0\n")
        #expect(try store.history(limit: 10).count == 2)
    }

    @Test func `what stops all keeps the journal, to be tried again or given up`() throws {
        var journal = Journal<Int>()
        journal.add(.create(Fixture.session(1), why: ""), then: 1)
        journal.add(.create(Fixture.session(2), why: ""), then: 2)
        let other = try Database.open(fixture.file)
        try other.execute("lock", "BEGIN IMMEDIATE")
        #expect(throws: StoreError.busy(path: fixture.file)) { try journal.commit(to: store) }
        // Another program that writes keeps nobody from reading.
        #expect(try store.list(limit: 10).sessions == [])
        try other.execute("unlock", "ROLLBACK")
        #expect(try journal.commit(to: store).map(\.effect) == [1, 2])
        #expect(try store.list(limit: 10).sessions.count == 2)
        journal.add(.create(Fixture.session(3), why: ""), then: 3)
        #expect(journal.abandon() == [3])
        #expect(try journal.commit(to: store).isEmpty)
        #expect(try store.list(limit: 10).sessions.count == 2)
    }

    @Test func `what may wait is recorded with what may not, in its order, or when it is hurried`() throws {
        var journal = Journal<Int>()
        let session = Fixture.session(1)
        let step = { (state: String) in
            Change.session(id: session.id, session.standing.with(state), at: Fixture.moment(1), why: "")
        }
        journal.add(.create(session, why: ""), then: 1, mayWait: true)
        #expect(!journal.isEmpty && !journal.isUrgent)
        journal.hurry()
        #expect(journal.isUrgent)
        _ = journal.abandon()
        #expect(journal.isEmpty && !journal.isUrgent)
        journal.hurry()
        #expect(!journal.isUrgent)
        journal.add(.create(session, why: ""), then: 1)
        #expect(journal.isUrgent)
        journal.add(step("starting"), then: 2, mayWait: true)
        #expect(journal.isUrgent)
        #expect(try journal.commit(to: store, waits: false).map(\.effect) == [1, 2])
        #expect(!journal.isUrgent)
        #expect(try store.history(of: session.id, limit: 9).map(\.entry.to) == ["created", "starting"])
    }

    /// What sqlite does when a transaction ends: 1 is NORMAL, 2 is FULL.
    private func waits() throws -> Bool {
        let mode = try store.database.first(Query("test", "PRAGMA synchronous")) { (row) throws(StoreError) in
            try row.integer("synchronous")
        }
        return mode == 2
    }

    @Test func `what does not wait is in the log, and the device lacks it until it is waited for`() throws {
        let session = Fixture.session(1)
        #expect(!store.isBehind)
        #expect(try store.commit([.create(session, why: "")], waits: false) == [.done])
        #expect(try !waits())
        #expect(store.isBehind)
        // In the log all the same: whoever comes after a kill has it.
        #expect(try fixture.sqlite3("SELECT state FROM sessions") == "created\n")
        try store.sync()
        #expect(!store.isBehind)
        #expect(try store.commit([.create(Fixture.session(2), why: "")], waits: false) == [.done])
        // One that waits takes along what is before it.
        #expect(try store.commit([.create(Fixture.session(3), why: "")]) == [.done])
        #expect(try waits())
        #expect(!store.isBehind)
    }

    @Test func `steps of what lives need not be waited for, all else has to`() throws {
        let session = Fixture.session(1)
        let process = Fixture.process(1, in: 1)
        let step = { (standing: SessionStanding) in
            Change.session(id: session.id, standing, at: Fixture.moment(1), why: "")
        }
        let ofProcess = { (standing: ProcessStanding) in
            Change.process(id: process.id, standing, at: Fixture.moment(1), why: "")
        }
        let cases: [(Change, Bool)] = [
            (.create(session, why: ""), true), (step(session.standing.with("running")), false),
            (.start(process, why: ""), true), (ofProcess(ProcessStanding(state: "running")), false),
            (ofProcess(process.standing.ended(2)), true),
            (.result(ResultRecord(process: process.id, kept: 1, stdout: [], stderr: [])), true),
            (step(session.standing.ended(2)), true),
            (.audit(AuditEntry(wall: 1, what: "x", outcome: "done")), true),
        ]
        for (change, isBehind) in cases {
            #expect(try store.commit([change], waits: false) == [.done])
            #expect(store.isBehind == isBehind, "\(change)")
            // A step behind something else takes nothing of it back.
            _ = try store.commit([step(session.standing.with("stopping"))], waits: false)
            #expect(store.isBehind == isBehind, "\(change)")
            try store.sync()
        }
    }

    @Test func `a wait takes along what was recorded before it began, and nothing that came later`() throws {
        #expect(try store.beginSync() == nil, "nothing lacks")
        _ = try store.commit([.create(Fixture.session(1), why: "")], waits: false)
        let first = try #require(try store.beginSync())
        _ = try store.commit([.create(Fixture.session(2), why: "")], waits: false)
        try store.endSync(first, first.wait())
        #expect(store.isBehind)
        let second = try #require(try store.beginSync())
        // One that is waited for by who records it is over first, and has taken everything along.
        _ = try store.commit([.create(Fixture.session(3), why: "")])
        #expect(!store.isBehind)
        _ = try store.commit([.create(Fixture.session(4), why: "")], waits: false)
        try store.endSync(second, second.wait())
        #expect(store.isBehind)
        try store.sync()
        #expect(!store.isBehind)
    }

    @Test func `a transaction that waits takes along what is before it, though it has nothing to write`()
        throws
    {
        _ = try store.commit([.create(Fixture.session(1, name: "a"), why: "")], waits: false)
        #expect(store.isBehind)
        let outcomes = try store.commit([.create(Fixture.session(2, name: "a"), why: "")])
        #expect(outcomes == [.nameTaken(by: Fixture.id(1))])
        #expect(!store.isBehind && store.durable == store.recorded)
    }

    @Test func `after a wait in vain everything lacks until another has brought it there`() throws {
        _ = try store.commit([.create(Fixture.session(1), why: "")], waits: false)
        let wait = try #require(try store.beginSync())
        let problem = StoreError.full(path: "somewhere")
        #expect(throws: problem) { try store.endSync(wait, problem) }
        #expect(store.isBehind && store.hasFailed)
        try store.sync()
        #expect(!store.isBehind && !store.hasFailed)
    }

    @Test func `audit records that came while the device was waited for are not said to be on it`() throws {
        let entry = { Change.audit(AuditEntry(wall: $0, what: "x", outcome: "done")) }
        func head() throws -> String {
            String(decoding: try File.read(fixture.directory("audit-head")).prefix(20), as: UTF8.self)
        }
        _ = try store.commit([entry(1)], waits: false)
        let wait = try #require(try store.beginSync())
        _ = try store.commit([entry(2)], waits: false)
        try store.endSync(wait, wait.wait())
        #expect(try head().hasSuffix("01"))
        try store.sync()
        #expect(try head().hasSuffix("02"))
    }
}
