import Testing

@testable import Store

@Suite struct TenantTests {
    private let red = TenantRecord(name: "red", description: "", created: 5, version: 1)

    @Test func `a tenant is what was recorded last, also after the next start`() throws {
        let fixture = try Fixture()
        var changed = red
        (changed.description, changed.version) = ("the red team", 2)
        do {
            let store = try fixture.store()
            #expect(try store.commit(.tenant(red)) == .done)
            #expect(try store.commit(.tenant(changed)) == .done)
        }
        #expect(try fixture.store().tenants().first { $0.name == "red" } == changed)
        #expect(try fixture.store().tenants().map(\.name) == ["default", "red"])
    }

    @Test func `it goes with the records of what has ended, and not while something is left`() throws {
        let store = try Fixture().store()
        #expect(try store.commit(.tenantGone("red")) == .noTenant("red"))
        #expect(try store.commit(.tenant(red)) == .done)
        var session = Fixture.session(1, tenant: "red")
        try store.add(session)
        guard case .refused = try store.commit(.tenantGone("red")) else {
            Issue.record("a tenant with a live session was dropped")
            return
        }
        #expect(try store.tenants().count == 2 && store.session(session.id) != nil)
        session.standing.isLive = false
        session.standing.ended = Moment(wall: 9, boot: 9)
        try store.move(session, to: session.standing, at: 9)
        #expect(try store.commit(.tenantGone("red")) == .done)
        #expect(try store.tenants().count == 1 && store.session(session.id) == nil)
    }

    @Test func `what was spent last is kept, and goes with its tenant`() throws {
        let fixture = try Fixture()
        do {
            let store = try fixture.store()
            var limited = red
            limited.quotas = #"{"sessions":2}"#
            #expect(try store.commit(.tenant(limited)) == .done)
            for amount: UInt64 in [1, 2] {
                let spent = SpentRecord(tenant: "red", quota: "execs_per_day", start: 86_400, amount: amount)
                #expect(try store.commit(.spent(spent)) == .done)
            }
            let nobodys = SpentRecord(tenant: "blue", quota: "execs_per_day", start: 0, amount: 1)
            #expect(try store.commit(.spent(nobodys)) == .noTenant("blue"))
        }
        let store = try fixture.store()
        #expect(try store.tenants().last?.quotas == #"{"sessions":2}"#)
        #expect(try store.spent().map(\.amount) == [2])
        #expect(try store.commit(.tenantGone("red")) == .done)
        #expect(try store.spent().isEmpty)
    }
}
