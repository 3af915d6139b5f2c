import Access
import Sessions
import Testing

struct TenantTableTests {
    private func table() throws -> TenantTable {
        TenantTable([Tenant(.defaultTenant, created: 1), Tenant(try Name("red"), created: 2)])
    }

    @Test func `a name is one tenant's, and that of all others stays`() throws {
        var table = try table()
        let blue = try table.create(try Name("blue"), description: "b", at: 3)
        #expect(blue.version == 1 && table.all.map(\.name.description) == ["blue", "default", "red"])
        #expect(throws: TenantRefusal.exists(blue.name)) {
            try table.create(blue.name, description: "", at: 4)
        }
        #expect(throws: TenantRefusal.builtIn(.defaultTenant)) {
            try table.remove(.defaultTenant, sessions: 0, workspaces: 0)
        }
        #expect(throws: TenantRefusal.unknown("RED")) { try table.find("RED") }
    }

    @Test func `of two changes that were meant for one version one is refused`() throws {
        var table = try table()
        let red = try Name("red")
        #expect(try table.change(red, ifVersion: 1) { $0.description = "a" }.version == 2)
        #expect(throws: TenantRefusal.changed(red, version: 2, seen: 1)) {
            try table.change(red, ifVersion: 1) { $0.description = "b" }
        }
        #expect(table[red]?.description == "a")
        #expect(try table.change(red, ifVersion: nil) { $0.description = "b" }.version == 3)
    }

    @Test(arguments: [(1, 0), (0, 1)])
    func `one that has something stays`(sessions: Int, workspaces: Int) throws {
        var table = try table()
        let red = try Name("red")
        #expect(throws: TenantRefusal.inUse(red, sessions: sessions, workspaces: workspaces)) {
            try table.remove(red, sessions: sessions, workspaces: workspaces)
        }
        _ = try table.remove(red, sessions: 0, workspaces: 0)
        #expect(table[red] == nil)
    }

    @Test func `there are so many and no more`() throws {
        var table = TenantTable()
        for number in 0..<TenantTable.limit {
            _ = try table.create(try Name("t\(number)"), description: "", at: 0)
        }
        #expect(throws: TenantRefusal.tooMany(limit: TenantTable.limit)) {
            try table.create(try Name("more"), description: "", at: 0)
        }
    }
}
