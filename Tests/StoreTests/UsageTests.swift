import Testing

@testable import Store

/// What tenants used, as the store counts it.
@Suite struct UsageTests {
    private let fixture: Fixture
    private static let day = DaySpan.day
    /// 2026-12-01T00:00:00Z.
    private static let december: Int64 = 1_796_083_200_000

    init() throws { fixture = try Fixture() }

    private func ran(
        _ number: Int, from: Moment, to: Moment, in store: StateStore, boot: String = "boot-1"
    ) throws {
        let session = Fixture.session(number)
        try store.add(session)
        var running = session.standing.with("running") { $0.started = from }
        running.lastUse = from.boot + 5_000_000_000
        try store.move(session, to: running, at: 1)
        var ended = running
        (ended.state, ended.isLive, ended.ended, ended.boot) = ("ended", false, to, boot)
        // Twice, as when the same end is recorded again, and once more when it is removed.
        try store.move(session, to: ended, at: 2)
        try store.move(session, to: ended, at: 3)
        try store.move(session, to: ended.with("removed"), at: 4)
    }

    private func hours(_ count: Int64, after wall: Int64, boot: UInt64 = 0) -> Moment {
        Moment(wall: wall + count * 3_600_000, boot: boot + UInt64(count) * 3_600_000_000_000)
    }

    private func times(_ store: StateStore) throws -> [Int64: UInt64] {
        let all = try store.usage(from: -1_000_000, to: 1_000_000)
        return Dictionary(uniqueKeysWithValues: all.map { ($0.day, $0.sessionTime / 3_600_000) })
    }

    @Test func `a session that runs over midnight and the end of the month is of each day its part`() throws {
        let store = try fixture.store()
        let start = Self.december - 2 * 3_600_000
        try ran(1, from: hours(0, after: start), to: hours(30, after: start), in: store)
        let first = Self.december / Self.day
        #expect(try times(store) == [first - 1: 2, first: 24, first + 1: 4])
        // November ends where December begins.
        #expect(try store.usage(from: first - 30, to: first).map(\.sessionTime) == [2 * 3_600_000])
        #expect(try store.usage(from: first, to: first + 31).count == 2)
    }

    @Test func `a clock that is set back makes no time longer, and none negative`() throws {
        let store = try fixture.store()
        let start = Moment(wall: Self.december + 3_600_000, boot: 1_000_000_000)
        // Three hours went by, and the clock for people shows a day before.
        let end = Moment(
            wall: Self.december - Self.day, boot: 1_000_000_000 + 3 * 3_600_000_000_000)
        try ran(1, from: start, to: end, in: store)
        #expect(try times(store) == [Self.december / Self.day: 3])
    }

    @Test func `of a session that a loss of power ended as much is counted as is known`() throws {
        let store = try fixture.store()
        let start = Moment(wall: Self.december, boot: 900_000_000_000)
        try ran(
            1, from: start, to: Moment(wall: Self.december + Self.day, boot: 5), in: store, boot: "boot-2")
        let used = try store.usage(from: 0, to: 1_000_000)
        #expect(used.map(\.sessionTime) == [5000])
    }

    @Test func `one that never ran is not counted`() throws {
        let store = try fixture.store()
        let session = Fixture.session(1)
        try store.add(session)
        try store.move(session, to: session.standing.ended(2), at: 2)
        #expect(try store.usage(from: 0, to: 1_000_000).isEmpty)
    }

    @Test func `execs are counted when they are taken in, and processor time once for each run`() throws {
        do {
            let store = try fixture.store()
            try store.add(Fixture.session(1))
            for number in 2...3 {
                let exec = Fixture.process(number, in: 1)
                #expect(try store.commit(.start(exec, why: "a test")) == .done)
                var ended = exec.standing.ended(number)
                ended.usedCPU = 7_000_000
                for _ in 0..<2 {
                    #expect(
                        try store.commit(
                            .process(id: exec.id, ended, at: Fixture.moment(number), why: "a test")) == .done)
                }
            }
            let managed = Fixture.process(4, in: 1, name: "m", kind: .managed)
            #expect(try store.commit(.start(managed, why: "a test")) == .done)
            for state in ["restarting", "starting", "restarting", "starting"] {
                var standing = managed.standing
                standing.state = state
                if state == "restarting" { standing.usedCPU = 1_000_000 }
                #expect(
                    try store.commit(.process(id: managed.id, standing, at: Fixture.moment(5), why: "a test"))
                        == .done)
            }
        }
        // As the next daemon finds it.
        let used = try fixture.store().usage(from: 0, to: 1_000_000)
        #expect(used.map(\.execs) == [2] && used.map(\.cpu) == [16_000_000])
        #expect(used.map(\.day) == [Fixture.wall / Self.day])
    }

    @Test func `what a transaction did not record was not counted`() throws {
        let store = try fixture.store()
        try store.add(Fixture.session(1))
        let process = Fixture.process(2, in: 1)
        let unknown = ProcessRecord(
            id: process.id, session: Fixture.id(9), kind: .exec, argv: "{}", created: process.created,
            standing: process.standing)
        #expect(try store.commit(.start(unknown, why: "a test")) == .missing(id: Fixture.id(9)))
        #expect(try store.commit(.start(process, why: "a test")) == .done)
        guard case .refused = try store.commit(.start(process, why: "again")) else {
            Issue.record("the same process was taken in twice")
            return
        }
        #expect(try store.usage(from: 0, to: 1_000_000).map(\.execs) == [1])
    }

    @Test func `disks are counted up to a mark that is recorded with them, and go with their tenant`() throws
    {
        let red = TenantRecord(name: "red", description: "", created: 5, version: 1, plan: "free")
        let mark = DiskMark(boot: "b", moment: Moment(wall: 9, boot: 7))
        do {
            let store = try fixture.store()
            #expect(try store.commit(.tenant(red)) == .done)
            var mine = UsageRecord(tenant: "red", day: 3)
            mine.disk = 5
            let nobodys = UsageRecord(tenant: "blue", day: 3)
            for _ in 0..<2 {
                #expect(try store.commit(.disk(DiskRecord(usage: [mine, nobodys], until: mark))) == .done)
            }
        }
        let store = try fixture.store()
        #expect(try store.usage(from: 3, to: 4).map(\.disk) == [10])
        #expect(try store.value(of: .disk).flatMap { DiskMark($0) } == mark)
        #expect(try store.tenants().last?.plan == "free")
        #expect(try store.commit(.tenantGone("red")) == .done)
        #expect(try store.usage(from: 3, to: 4).isEmpty)
    }

    @Test func `time between two marks is that of the machine's clock, over a boot that of the calendar`() {
        func mark(_ boot: String, _ wall: Int64, _ time: UInt64) -> DiskMark {
            DiskMark(boot: boot, moment: Moment(wall: wall, boot: time * 1_000_000))
        }
        #expect(mark("a", 100, 5).span(to: mark("a", 50, 25)) == DaySpan(start: 30, length: 20))
        #expect(mark("a", 100, 5).span(to: mark("b", 160, 1)) == DaySpan(start: 100, length: 60))
        #expect(mark("a", 100, 5).span(to: mark("b", 60, 1)).length == 0)
        #expect(DiskMark("") == nil && DiskMark("a b c") == nil)
        #expect(DaySpan.day(of: -1) == -1 && DaySpan.day(of: 0) == 0 && DaySpan.day(of: Self.day) == 1)
        let days = DaySpan(start: -5, length: 10).days
        #expect(days.map(\.day) == [-1, 0] && days.map(\.milliseconds) == [5, 5])
        #expect(DaySpan(start: .max, length: .max).days.count == 36_525)
    }
}
