import Testing

@testable import Store

/// What is recorded of sessions comes back as it was, and what may not be twice is not.
@Suite struct SessionTests {
    private let fixture: Fixture

    init() throws { fixture = try Fixture() }

    /// Every field has a value of its own, so that none can pass for another.
    private var full: SessionRecord {
        var standing = SessionStanding(state: "running", boot: "boot-7", lastUse: 77)
        standing.cause = "idle"
        standing.started = Moment(wall: 21, boot: 22)
        standing.ended = Moment(wall: 31, boot: 32)
        standing.warden = "warden-1"
        standing.ttlDeadline = 41
        standing.idleDeadline = 42
        standing.maxDeadline = 43
        standing.removals = 5
        standing.ttl = 44
        standing.idle = 45
        standing.leases = "exec"
        standing.killAt = 46
        standing.problem = "what there is to say"
        return SessionRecord(
            id: Fixture.id(1), name: "日志-not a name", tenant: "default", profile: "strict",
            image: "debian:12", spec: #"{"env":{"名":"值"}}"#, labels: ["team": "a b", "空": "", "x/y": "🦊"],
            request: .init(key: "key 1", digest: "digest 1"), created: Moment(wall: 11, boot: 12),
            standing: standing)
    }

    private func named(_ name: String?, _ session: SessionRecord) -> SessionRecord {
        SessionRecord(
            id: session.id, name: name, tenant: session.tenant, profile: session.profile,
            image: session.image, spec: session.spec, labels: session.labels, request: session.request,
            created: session.created, standing: session.standing)
    }

    @Test func `a session comes back with every field, after a restart too`() throws {
        let session = named("web-1", full)
        do {
            let store = try fixture.store()
            try store.add(session)
            #expect(try store.session(session.id) == session)
        }
        let store = try fixture.store()
        #expect(try store.session(session.id) == session)
        #expect(try store.session(named: "web-1", of: "default") == session)
        #expect(try store.session(requested: "key 1", by: "default") == session)
        #expect(try store.liveSessions() == [session])
        #expect(try store.session(Fixture.id(2)) == nil)
    }

    @Test func `a change of every field is recorded, and the history says from what to what`() throws {
        let session = Fixture.session(1)
        let store = try fixture.store()
        try store.add(session)
        let standing = full.standing.ended(9)
        try store.move(session, to: standing, at: 9)
        var expected = session
        expected.standing = standing
        #expect(try store.session(session.id) == expected)
        #expect(try store.liveSessions() == [])
        // No new state, no new entry.
        try store.move(session, to: standing, at: 10)
        let history = try store.history(of: session.id, limit: 10)
        #expect(history.map(\.entry.from) == [nil, "created"])
        #expect(history.map(\.entry.to) == ["created", "ended"])
        #expect(history.map(\.entry.at) == [session.created, Fixture.moment(9)])
        #expect(history.allSatisfy { $0.entry.why == "a test" && $0.entry.process == nil })
    }

    @Test func `what no signed number can count becomes the largest that one can`() throws {
        let session = Fixture.session(1)
        let store = try fixture.store()
        try store.add(session)
        try store.move(session, to: session.standing.with("running") { $0.maxDeadline = .max }, at: 1)
        #expect(try store.session(session.id)?.standing.maxDeadline == UInt64(Int64.max))
    }

    @Test func `a repeated request gets the session of the first, another one under its key is a conflict`()
        throws
    {
        let request = SessionRecord.Request(key: "k", digest: "d")
        let first = Fixture.session(1, request: request)
        do {
            try fixture.store().add(first)
        }
        let store = try fixture.store()
        #expect(
            try store.commit(.create(Fixture.session(2, request: request), why: "again")) == .existing(first))
        let other = SessionRecord.Request(key: "k", digest: "other")
        #expect(
            try store.commit(.create(Fixture.session(3, request: other), why: "other"))
                == .conflict(session: first.id))
        // Its answer stays the same when the session is over, and says so.
        try store.move(first, to: first.standing.ended(5), at: 5)
        guard
            case .existing(let found) = try store.commit(
                .create(Fixture.session(4, request: request), why: "again"))
        else {
            Issue.record("the session was forgotten")
            return
        }
        #expect(found.standing.state == "ended")
        #expect(try store.list(limit: 10).sessions.map(\.id) == [first.id])
        #expect(try store.history(limit: 10).count == 2)
    }

    @Test func `a name belongs to one live session, and is free when nothing is left of it`() throws {
        let store = try fixture.store()
        let first = Fixture.session(1, name: "a")
        try store.add(first)
        let second = Fixture.session(2, name: "a")
        #expect(try store.commit(.create(second, why: "")) == .nameTaken(by: first.id))
        // Over, but something of it could not be removed.
        try store.move(first, to: first.standing.with("ended") { $0.ended = Fixture.moment(3) }, at: 3)
        #expect(try store.commit(.create(second, why: "")) == .nameTaken(by: first.id))
        try store.move(first, to: first.standing.ended(4), at: 4)
        try store.add(second)
        #expect(try store.session(named: "a", of: "default")?.id == second.id)
    }

    @Test func `what is not there is said by its id`() throws {
        let store = try fixture.store()
        let standing = Fixture.session(1).standing
        #expect(
            try store.commit(.session(id: "nobody", standing, at: Fixture.moment(1), why: ""))
                == .missing(id: "nobody"))
        let stranger = SessionRecord(
            id: Fixture.id(1), tenant: "somebody", profile: "p", image: "i", spec: "{}",
            created: Fixture.moment(1), standing: standing)
        #expect(try store.commit(.create(stranger, why: "")) == .noTenant("somebody"))
        #expect(try store.tenants().map(\.name) == ["default"])
    }

    @Test(arguments: ["", "A", "-a", "a/b", "a b", "é", String(repeating: "a", count: 64)])
    func `a name that no session may have is refused`(name: String) throws {
        let store = try fixture.store()
        #expect(try store.commit(.create(Fixture.session(1, name: name), why: "")).isRefused)
        #expect(try store.list(limit: 10).sessions == [])
    }

    @Test func `a record that breaks a rule is refused without a trace`() throws {
        let store = try fixture.store()
        #expect(try store.commit(.create(named("Bad Name", full), why: "")).isRefused)
        let badID = SessionRecord(
            id: "../x", tenant: "default", profile: "p", image: "i", spec: "{}", labels: ["a": "b"],
            created: Fixture.moment(1), standing: Fixture.session(1).standing)
        #expect(try store.commit(.create(badID, why: "")).isRefused)
        let session = Fixture.session(2)
        try store.add(session)
        #expect(try store.commit(.create(session, why: "")).isRefused, "the id is taken")
        // Over, but without the time at which it ended, so that it would be kept for ever.
        let timeless = session.standing.with("ended") { $0.isLive = false }
        #expect(
            try store.commit(.session(id: session.id, timeless, at: Fixture.moment(3), why: "")).isRefused)
        #expect(try store.session(session.id) == session)
        #expect(try store.history(limit: 10).count == 1)
        #expect(try fixture.sqlite3("SELECT count(*) FROM labels") == "0\n")
    }
}
