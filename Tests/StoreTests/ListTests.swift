import API
import Testing

@testable import Store

/// A query and the sessions that it finds.
struct Choice: Sendable {
    var query = SessionQuery()
    var expected: [Int]

    init(_ expected: [Int], _ change: (inout SessionQuery) -> Void) {
        self.expected = expected
        change(&query)
    }
}

/// Lists: which sessions, in which order, page by page.
@Suite struct ListTests {
    private let store: StateStore
    private let fixture: Fixture

    /// Sessions 1 to 20: odd ones are named, each third is over, labels and profiles vary.
    init() throws {
        fixture = try Fixture()
        store = try fixture.store()
        for number in 1...20 {
            var labels = ["number": "\(number)"]
            if number % 4 == 0 { labels["four"] = "yes" }
            let session = Fixture.session(
                number, name: number % 2 == 1 ? "n\(number)" : nil, labels: labels,
                profile: number <= 10 ? "low" : "high")
            try store.add(session)
            if number % 3 == 0 { try store.move(session, to: session.standing.ended(100), at: 100) }
        }
    }

    @Test(arguments: [
        Choice([3, 6, 9, 12, 15, 18]) { $0.isLive = false },
        Choice([3, 6, 9, 12, 15, 18]) { $0.states = ["ended", "nonsense"] },
        Choice([]) { $0.states = [] },
        Choice([5]) { $0.name = "n5" },
        Choice(Array(1...15)) { $0.idPrefix = "000000000000000" },
        Choice([]) { $0.idPrefix = "00000000000000_" },
        Choice([]) { $0.idPrefix = "%" },
        Choice([4, 8, 12, 16, 20]) { $0.labels = ["four": nil] },
        Choice([8]) { $0.labels = ["four": "yes", "number": "8"] },
        Choice([]) { $0.labels = ["four": "no"] },
        Choice([]) { $0.labels = ["number\"": "8"] },
        Choice([11, 13, 14, 16, 17, 19, 20]) { ($0.profile, $0.isLive) = ("high", true) },
        Choice(Array(1...20)) { ($0.image, $0.tenant) = ("host", "default") },
        Choice([]) { $0.tenant = "other" },
    ])
    func `filters choose, all of them together`(choice: Choice) throws {
        let found = try store.list(choice.query, limit: 100).sessions
        #expect(found.map(\.id) == choice.expected.map(Fixture.id))
    }

    @Test(arguments: [false, true], [1, 3, 7, 19, 20, 21])
    func `pages make the whole list, none twice`(newestFirst: Bool, size: Int) throws {
        var seen: [String] = []
        var mark: PageMark?
        repeat {
            let page = try store.list(newestFirst: newestFirst, after: mark, limit: size)
            #expect(page.sessions.count <= size)
            seen += page.sessions.map(\.id)
            mark = page.next
        } while mark != nil
        let all = (1...20).map(Fixture.id)
        #expect(seen == (newestFirst ? all.reversed() : all))
    }

    @Test func `sessions of the same millisecond are in the order of their ids, on any page`() throws {
        let twins = (30...33).map { number in
            SessionRecord(
                id: Fixture.id(63 - number), tenant: "default", profile: "p", image: "i", spec: "{}",
                created: Fixture.moment(30), standing: Fixture.session(30).standing)
        }
        for twin in twins { try store.add(twin) }
        let last = PageMark(created: Fixture.moment(20).wall, id: Fixture.id(20))
        let first = try store.list(after: last, limit: 2)
        let second = try store.list(after: first.next, limit: 2)
        #expect(first.sessions.map(\.id) == [30, 31].map(Fixture.id))
        #expect(second.sessions.map(\.id) == [32, 33].map(Fixture.id))
        #expect(second.next == nil)
    }

    @Test(arguments: [Int.min, -1, 0])
    func `a page has one session at least`(limit: Int) throws {
        let page = try store.list(limit: limit)
        #expect(page.sessions.map(\.id) == [Fixture.id(1)])
        #expect(page.next == PageMark(created: Fixture.moment(1).wall, id: Fixture.id(1)))
        #expect(try store.history(limit: limit).count == 1)
    }

    @Test func `no limit is too large to be asked for`() throws {
        #expect(try store.list(limit: .max).sessions.count == 20)
        #expect(try store.history(limit: .max).count == 26)
        #expect(try store.audit(limit: .max) == [])
        #expect(try store.verifyAudit(limit: .max) == .intact(.beginning))
        #expect(try store.processes(of: Fixture.id(1), limit: .max) == [])
        #expect(try store.prune(Retention(results: 0, records: 0), limit: .max) == Pruned())
    }

    @Test func `a session that ends between two pages makes none come twice`() throws {
        let first = try store.list(limit: 10)
        let fifth = Fixture.session(5)
        try store.move(fifth, to: fifth.standing.ended(200), at: 200)
        let rest = try store.list(after: first.next, limit: 10)
        #expect(rest.sessions.map(\.id) == (11...20).map(Fixture.id))
    }
}
