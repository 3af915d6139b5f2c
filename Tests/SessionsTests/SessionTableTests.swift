import Sandbox
import Testing

@testable import Sessions

@Suite struct SessionTableTests {
    private func spec(
        _ name: String? = nil, tenant: String = "default", profile: String = "default",
        labels: [String] = [], key: String? = nil
    ) throws -> SessionSpec {
        try SessionSpec(
            profile: profile, name: name.map { try Name($0) }, tenant: Name(tenant),
            labels: Labels(labels.map { try Label($0) }), idempotencyKey: key.map { try IdempotencyKey($0) })
    }

    private func end(_ id: SessionID, in table: inout SessionTable, at now: BootTime = 50) {
        _ = table.handle(.stop(Stop()), for: id, at: now)
    }

    @Test func `a session is found by its id, its name and the beginning of its id`() throws {
        var table = SessionTable(limit: 10)
        let id = SessionID(value: 0xABCD_0000_0000_0001)
        #expect(try table.add(spec("web"), id: id, at: 1) == .new(id))
        #expect(table.opening(id).first?.record?.step == .created)
        for text in ["abcd000000000001", "web", "a", "abcd"] { #expect(try table.find(text) == id) }
        for text in ["", "we", "b", "abcd000000000002", "../x"] {
            #expect(throws: TableError.unknown(text)) { try table.find(text) }
        }
    }

    @Test func `a new limit holds for what is asked for from then on`() throws {
        var table = SessionTable(limit: 3)
        for number in 1...3 { _ = try table.add(spec(), id: SessionID(value: UInt64(number)), at: 1) }
        table.setLimit(2)
        #expect(throws: TableError.full(limit: 2)) { try table.add(spec(), at: 1) }
        #expect(table.liveCount == 3)
        for number in 1...2 { end(SessionID(value: UInt64(number)), in: &table) }
        _ = try table.add(spec(), at: 60)
        #expect(throws: TableError.full(limit: 2)) { try table.add(spec(), at: 60) }
        table.setLimit(4)
        _ = try table.add(spec(), at: 60)
        table.setLimit(0)
        #expect(table.limit == 1)
    }

    @Test func `a session lives by what it is given, and else by its request alone`() throws {
        var table = SessionTable(limit: 3)
        let (first, second) = (SessionID(value: 1), SessionID(value: 2))
        _ = try table.add(spec(), id: first, lifetimes: Lifetimes(ttl: 5, leases: .managed), at: 1)
        _ = try table.add(spec(), id: second, at: 1)
        #expect(table[first]?.machine.lifespan.expiresAt == 5_000_001)
        #expect(table[first]?.machine.leases == .managed)
        #expect(table[second]?.machine.lifespan.expiresAt == nil)
        #expect(table[second]?.machine.leases == .all)
    }

    @Test func `the beginning of several ids is refused with all of them`() throws {
        var table = SessionTable(limit: 20)
        let ids = (1...10).map { SessionID(value: 0xAB00 << 48 | $0) }
        for id in ids { _ = try table.add(spec(), id: id, at: 1) }
        let error = #expect(throws: TableError.self) { try table.find("ab") }
        #expect(error == .ambiguous("ab", candidates: ids))
        #expect(error?.description.hasPrefix(#""ab" may be any of ab00000000000001, ab0000000000"#) == true)
        #expect(error?.description.hasSuffix(", ab00000000000008 and 2 more") == true)
        // A name is never a beginning.
        _ = try table.add(spec("ab"), id: SessionID(value: 5), at: 1)
        #expect(try table.find("ab") == SessionID(value: 5))
    }

    @Test func `a whole id comes before a name that looks like one`() throws {
        var table = SessionTable(limit: 3)
        let (first, second) = (SessionID(value: 1), SessionID(value: 2))
        _ = try table.add(spec(), id: first, at: 1)
        _ = try table.add(spec("0000000000000001"), id: second, at: 1)
        #expect(try table.find("0000000000000001") == first)
    }

    @Test func `a tenant finds and lists its own alone`() throws {
        var table = SessionTable(limit: 3)
        let (red, blue) = (SessionID(value: 1), SessionID(value: 2))
        _ = try table.add(spec("web", tenant: "red"), id: red, at: 1)
        _ = try table.add(spec("web", tenant: "blue"), id: blue, at: 1)
        #expect(try table.find("web", tenant: Name("red")) == red)
        #expect(try table.find("0", tenant: Name("blue")) == blue)
        #expect(throws: TableError.unknown("0000000000000001")) {
            try table.find("0000000000000001", tenant: Name("blue"))
        }
        #expect(throws: TableError.ambiguous("web", candidates: [red, blue])) { try table.find("web") }
        #expect(try table.list(tenant: Name("red")).map(\.id) == [red])
    }

    @Test func `a name is free again when its session has ended, and finds it until then`() throws {
        var table = SessionTable(limit: 3)
        let (first, second) = (SessionID(value: 1), SessionID(value: 2))
        _ = try table.add(spec("web"), id: first, at: 1)
        #expect(throws: try TableError.nameTaken(Name("web"), by: first)) {
            try table.add(spec("web"), id: second, at: 1)
        }
        end(first, in: &table)
        #expect(try table.find("web") == first)
        _ = try table.add(spec("web"), id: second, at: 2)
        #expect(try table.find("web") == second)
        try table.remove(first)
        #expect(try table.find("web") == second)
        end(second, in: &table)
        try table.remove(second)
        #expect(throws: TableError.unknown("web")) { try table.find("web") }
        #expect(table.count == 0 && table.liveCount == 0)
    }

    @Test func `a quarantined session keeps its name`() throws {
        var table = SessionTable(limit: 3)
        let id = SessionID(value: 1)
        _ = try table.add(spec("web"), id: id, at: 1)
        for event in [SessionEvent.start, .stop(Stop()), .removalFailed("busy")] {
            _ = table.handle(event, for: id, at: 2)
        }
        #expect(table[id]?.machine.state == .quarantined)
        #expect(throws: TableError.self) { try table.add(spec("web"), at: 3) }
        #expect(throws: TableError.notEnded(id, .quarantined)) { try table.remove(id) }
    }

    @Test func `the same request twice makes one session, and another one is refused`() throws {
        var table = SessionTable(limit: 1)
        let id = SessionID(value: 1)
        _ = try table.add(spec("web", key: "k"), id: id, at: 1)
        // Before names and room are looked at: it is the same session.
        #expect(try table.add(spec("web", key: "k"), at: 2) == .existing(id))
        let error = #expect(throws: TableError.self) {
            try table.add(spec("web", profile: "strict", key: "k"), at: 3)
        }
        #expect(
            error?.description
                == "the idempotency key \"k\" made session 0000000000000001 with another profile")
        end(id, in: &table)
        #expect(try table.add(spec("web", key: "k"), at: 4) == .existing(id))
        #expect(try table.add(spec(tenant: "red", key: "k"), at: 5) != .existing(id))
        try table.remove(id)
    }

    @Test func `there are at most so many sessions, and those that ended do not count`() throws {
        var table = SessionTable(limit: 2)
        let first = SessionID(value: 1)
        _ = try table.add(spec(), id: first, at: 1)
        _ = try table.add(spec(), id: SessionID(value: 2), at: 1)
        #expect(throws: TableError.full(limit: 2)) { try table.add(spec(), at: 1) }
        end(first, in: &table)
        _ = try table.add(spec(), id: SessionID(value: 3), at: 1)
        #expect(table.count == 3 && table.liveCount == 2)
        #expect(throws: TableError.idTaken(first)) { try table.restore(#require(table[first])) }
        table.withdraw(SessionID(value: 3))
        #expect(table.count == 2 && table.liveCount == 1)
        #expect(throws: TableError.unknown("0000000000000003")) { try table.remove(SessionID(value: 3)) }
    }

    @Test func `an event that could not be recorded is taken back`() throws {
        var table = SessionTable(limit: 1)
        let id = SessionID(value: 1)
        _ = try table.add(spec(), id: id, at: 1)
        let before = try #require(table[id]?.machine)
        end(id, in: &table)
        #expect(table.liveCount == 0)
        table.revert(id, to: before)
        #expect(table.liveCount == 1 && table[id]?.machine.state == .created)
        #expect(table.handle(.start, for: SessionID(value: 9), at: 1) == nil)
    }

    @Test func `sessions of an earlier daemon come back, above the limit if need be`() throws {
        var old = SessionTable(limit: 5)
        for value in 1...4 as ClosedRange<UInt64> {
            _ = try old.add(spec("n\(value)", key: "k\(value)"), id: SessionID(value: 100 - value), at: value)
        }
        end(SessionID(value: 99), in: &old)
        var new = SessionTable(limit: 1)
        for session in old.list().shuffled() {
            let machine = SessionMachine(restoring: session.machine.record, at: 500)
            try new.restore(Session(session.id, session.spec, number: session.number, machine))
        }
        #expect(new.list().map(\.id) == old.list().map(\.id))
        #expect(new.liveCount == 3)
        #expect(throws: TableError.full(limit: 1)) { try new.add(spec(), at: 600) }
        #expect(try new.find("n1") == SessionID(value: 99))
        #expect(try new.add(spec("n2", key: "k2"), at: 600) == .existing(SessionID(value: 98)))
    }

    @Test func `of several that ended, a name finds the last, in whatever order they come back`() throws {
        var old = SessionTable(limit: 5)
        for value in 1...3 as ClosedRange<UInt64> {
            _ = try old.add(spec("web"), id: SessionID(value: value), at: value)
            if value < 3 { end(SessionID(value: value), in: &old) }
        }
        for live in [true, false] {
            if !live { end(SessionID(value: 3), in: &old) }
            for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                var new = SessionTable(limit: 5)
                for place in order { try new.restore(old.list()[place]) }
                #expect(try new.find("web") == SessionID(value: 3))
            }
        }
    }

    @Test func `what ended long ago may be forgotten, the first first`() throws {
        var table = SessionTable(limit: 5)
        for value in 1...4 as ClosedRange<UInt64> {
            _ = try table.add(spec(), id: SessionID(value: value), at: 1)
            if value < 4 { end(SessionID(value: value), in: &table, at: 100 - 10 * value) }
        }
        #expect(table.ended(before: 90).map(\.value) == [3, 2])
        #expect(table.ended(before: .max).map(\.value) == [3, 2, 1])
        #expect(table.ended(before: 0, keeping: 3) == [])
        #expect(table.ended(before: 0, keeping: 1).map(\.value) == [3, 2])
        #expect(table.ended(before: 75, keeping: 2).map(\.value) == [3])
        #expect(table.ended(before: 85, keeping: 0).map(\.value) == [3, 2, 1])
    }

    // MARK: Filters

    @Test(
        arguments: [
            ([], [1, 2, 3, 4]), (["label=team"], [1, 2]), (["label=team=red"], [1]),
            (["label=team=red", "label=team=blue"], []), (["label=team", "label=x="], [2]),
            (["state=created"], [1, 2, 4]), (["state=ended", "state=running"], [3]),
            (["name=web", "name=db"], [1, 2]), (["name=web", "state=ended"], []),
            (["profile=strict"], [4]), (["tenant=red"], [3]), (["image=alpine"], []),
            (["id=000000000000000", "tenant=default"], [1, 2, 4]), (["id=0000000000000002"], [2]),
        ] as [([String], [UInt64])])
    func `a filter lets through what fits`(conditions: [String], ids: [UInt64]) throws {
        var table = SessionTable(limit: 5)
        _ = try table.add(spec("web", labels: ["team=red"]), id: SessionID(value: 1), at: 1)
        _ = try table.add(spec("db", labels: ["team=blue", "x="]), id: SessionID(value: 2), at: 1)
        _ = try table.add(spec(tenant: "red"), id: SessionID(value: 3), at: 1)
        _ = try table.add(spec(profile: "strict"), id: SessionID(value: 4), at: 1)
        end(SessionID(value: 3), in: &table)
        #expect(try table.list(SessionFilter(conditions)).map(\.id.value) == ids)
    }

    @Test(
        arguments: [
            ("running", "\"running\" has no =; expected key=value, such as state=running"),
            ("stat=running", "\"stat\" is not a key of a filter; did you mean state?"),
            ("state=runing", "\"runing\" is not a state; did you mean running?"),
            ("id=xyz", "\"xyz\" begins no id; expected 1 to 16 of 0-9 and a-f"),
        ])
    func `a filter that is none is refused`(condition: String, problem: String) {
        #expect(throws: ValueError(problem)) { try SessionFilter([condition]) }
        #expect(throws: ValueError.self) { try SessionFilter(["label=a b"]) }
    }
}
