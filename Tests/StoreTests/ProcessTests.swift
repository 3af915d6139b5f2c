import Testing

@testable import Store

/// Processes of sessions, what they left, and how long that is kept.
@Suite struct ProcessTests {
    private let fixture: Fixture
    private let store: StateStore

    init() throws {
        fixture = try Fixture()
        store = try fixture.store()
        try store.add(Fixture.session(1))
        try store.add(Fixture.session(2))
    }

    private func start(_ process: ProcessRecord) throws {
        #expect(try store.commit(.start(process, why: "a test")) == .done)
    }

    private func end(_ process: ProcessRecord, at number: Int) throws {
        let change = Change.process(
            id: process.id, process.standing.ended(number), at: Fixture.moment(number), why: "it ended")
        #expect(try store.commit(change) == .done)
    }

    private func sessionEnds(_ number: Int, at end: Int) throws {
        let session = Fixture.session(number)
        try store.move(session, to: session.standing.ended(end), at: end)
    }

    @Test func `a process comes back with every field`() throws {
        var process = Fixture.process(10, in: 1, name: "web", kind: .managed)
        var standing = ProcessStanding(state: "ended")
        standing.isLive = false
        standing.cause = "memory"
        standing.exitSignal = 9
        standing.started = Moment(wall: 1, boot: 2)
        standing.ended = Moment(wall: 3, boot: 4)
        standing.peakMemory = 5
        standing.cpu = 6
        standing.stdout = .init(written: 7, cut: 8)
        standing.stderr = .init(written: 9, cut: 10)
        standing.restarts = 11
        standing.problem = "it was restarted 12 times"
        standing.failures = 12
        standing.nextAt = 13
        process.standing = standing
        try start(process)
        #expect(try store.process(process.id) == process)
        standing.exitSignal = nil
        standing.exitCode = 3
        standing.state = "failed"
        process.standing = standing
        #expect(
            try store.commit(.process(id: process.id, standing, at: Fixture.moment(1), why: "")) == .done)
        #expect(try store.process(process.id) == process)
        let history = try store.history(of: process.session, limit: 10)
        #expect(history.map(\.entry.process) == [nil, process.id, process.id])
        #expect(history.map(\.entry.from) == [nil, nil, "ended"])
    }

    @Test func `a name belongs to one live process of a session`() throws {
        let first = Fixture.process(10, in: 1, name: "web", kind: .managed)
        try start(first)
        let second = Fixture.process(11, in: 1, name: "web", kind: .managed)
        #expect(try store.commit(.start(second, why: "")) == .nameTaken(by: first.id))
        try start(Fixture.process(12, in: 2, name: "web", kind: .managed))
        try end(first, at: 5)
        try start(second)
        #expect(try store.process(named: "web", in: Fixture.id(1)) == second)
        #expect(try store.liveProcesses().map(\.id) == [Fixture.id(11), Fixture.id(12)])
    }

    @Test func `a session's processes come page by page`() throws {
        for number in 10..<20 { try start(Fixture.process(number, in: number % 2 + 1)) }
        let first = try store.processes(of: Fixture.id(1), limit: 3)
        #expect(first.map(\.id) == [10, 12, 14].map(Fixture.id))
        let last = try #require(first.last)
        let rest = try store.processes(
            of: Fixture.id(1), after: PageMark(created: last.created.wall, id: last.id), limit: 3)
        #expect(rest.map(\.id) == [16, 18].map(Fixture.id))
    }

    @Test func `a process needs its session, a result its process, an end only one of two`() throws {
        #expect(
            try store.commit(.start(Fixture.process(10, in: 9), why: "")) == .missing(id: Fixture.id(9)))
        let result = ResultRecord(process: Fixture.id(10), kept: 1, stdout: [], stderr: [])
        #expect(try store.commit(.result(result)) == .missing(id: Fixture.id(10)))
        var both = ProcessStanding(state: "ended")
        both.exitCode = 1
        both.exitSignal = 1
        #expect(
            try store.commit(.process(id: Fixture.id(10), both, at: Fixture.moment(1), why: ""))
                == .missing(id: Fixture.id(10)))
        try start(Fixture.process(10, in: 1))
        #expect(
            try store.commit(.process(id: Fixture.id(10), both, at: Fixture.moment(1), why: "")).isRefused)
    }

    @Test func `a result is bytes, any bytes and none`() throws {
        let process = Fixture.process(10, in: 1)
        try start(process)
        let result = ResultRecord(
            process: process.id, kept: 1, stdout: Array(0...255) + [0, 0xFF, 0], stderr: [])
        #expect(try store.commit(.result(result)) == .done)
        #expect(try store.result(of: process.id) == result)
        #expect(try store.result(of: Fixture.id(11)) == nil)
    }

    @Test func `what is kept long enough goes, in parts of the size that was asked for`() throws {
        for number in 10..<20 {
            let process = Fixture.process(number, in: 1)
            try start(process)
            let bytes = [UInt8](repeating: 7, count: 5000)
            let result = ResultRecord(
                process: process.id, kept: Fixture.moment(number).wall, stdout: bytes, stderr: bytes)
            #expect(try store.commit(.result(result)) == .done)
            try end(process, at: number)
        }
        try sessionEnds(1, at: 20)
        // Ten results, of which five are old; no record is.
        var retention = Retention(results: Fixture.moment(15).wall, records: Fixture.moment(5).wall)
        #expect(try store.prune(retention, limit: 3) == Pruned(results: 3, isComplete: false))
        #expect(try store.prune(retention, limit: 3) == Pruned(results: 2))
        #expect(try store.result(of: Fixture.id(14)) == nil)
        #expect(try store.result(of: Fixture.id(15)) != nil)
        #expect(try store.process(Fixture.id(14)) != nil)
        // A session stays until its processes are gone, and a live one stays with its live processes.
        try start(Fixture.process(30, in: 2))
        retention.records = Fixture.moment(1000).wall
        #expect(try store.prune(retention, limit: 7) == Pruned(processes: 7, isComplete: false))
        #expect(try store.prune(retention, limit: 7) == Pruned(processes: 3, sessions: 1))
        #expect(try store.prune(retention, limit: 7) == Pruned())
        #expect(try store.list(limit: 10).sessions.map(\.id) == [Fixture.id(2)])
        #expect(try store.liveProcesses().map(\.id) == [Fixture.id(30)])
        #expect(Set(try store.history(limit: 100).map(\.entry.session)) == [Fixture.id(2)])
        #expect(try fixture.sqlite3("SELECT count(*) FROM results") == "0\n")
    }

    @Test func `pages that nothing needs are given back, and what was on them is overwritten`() throws {
        let process = Fixture.process(10, in: 1)
        try start(process)
        let secret = Array("do not leave this lying about".utf8)
        let bytes = [UInt8]((0..<20_000).map { secret[$0 % secret.count] })
        let result = ResultRecord(process: process.id, kept: 1, stdout: bytes, stderr: bytes)
        #expect(try store.commit(.result(result)) == .done)
        let pages = try fixture.sqlite3("PRAGMA page_count")
        _ = try store.prune(Retention(results: 2, records: 0), limit: 10)
        #expect(try fixture.sqlite3("PRAGMA freelist_count") == "0\n")
        #expect(
            Int(try fixture.sqlite3("PRAGMA page_count").dropLast()) ?? 0 < Int(pages.dropLast()) ?? 0)
    }
}
