import TestSupport
import Testing

@testable import Store

/// docs/store.md has the tables and columns that there are.
@Suite struct DocumentTests {
    @Test func `the page has every table and column, in their order, and no other`() throws {
        let text = try #require(File.text(Repository.path("docs/store.md")))
        var documented: [String] = []
        var table: Substring?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: "`")
            if line.hasPrefix("### `") { table = words[1] }
            if let table, line.hasPrefix("| `") { documented.append("\(table).\(words[1])") }
        }
        let columns = try Fixture().store().database.rows(
            Query(
                "columns",
                """
                SELECT t.name || '.' || c.name AS name FROM sqlite_schema t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.rowid, c.cid
                """)
        ) { (row) throws(StoreError) in try row.text("name") }
        #expect(columns.count > 60)
        #expect(documented == columns)
        #expect(text.contains("Version \(Migration.latest(Migration.all))."))
    }

    @Test func `what it says can be typed is right`() throws {
        let fixture = try Fixture()
        let store = try fixture.store()
        try store.add(Fixture.session(1, name: "a"))
        let text = try #require(File.text(Repository.path("docs/store.md")))
        let commands = text.split(separator: "\n").filter { $0.hasPrefix("    sqlite3 -readonly") }
        #expect(commands.count == 2)
        for command in commands {
            let line = command.replacing("/var/lib/corral/daemon/corral.db", with: fixture.file)
                .replacing("'ID'", with: "'\(Fixture.id(1))'")
            let outcome = try Program.run(["sh", "-c", String(line)])
            #expect(outcome.status == 0 && outcome.output.contains("created"), "\(outcome.errors)")
        }
    }
}
