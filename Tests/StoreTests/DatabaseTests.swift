import Testing

@testable import Store

/// What every statement is subject to.
@Suite struct DatabaseTests {
    private let fixture: Fixture
    private let database: Database

    init() throws {
        fixture = try Fixture()
        database = try fixture.store().database
    }

    private func text(_ statement: String, _ column: String) throws -> String? {
        try database.first(Query("test", statement)) { (row) throws(StoreError) in try row.text(column) }
    }

    private func number(_ statement: String, _ column: String) throws -> Int64? {
        try database.first(Query("test", statement)) { (row) throws(StoreError) in try row.integer(column) }
    }

    @Test(arguments: [
        ("synchronous", 2), ("foreign_keys", 1), ("temp_store", 2), ("secure_delete", 1),
        ("trusted_schema", 0),
        ("auto_vacuum", 2), ("cell_size_check", 1), ("writable_schema", 0), ("application_id", 0x4352_524C),
    ])
    func `what makes it durable and safe is in force`(setting: String, value: Int64) throws {
        #expect(try number("PRAGMA \(setting)", setting) == value)
        #expect(try text("PRAGMA journal_mode", "journal_mode") == "wal")
    }

    @Test func `the schema cannot be written to, no file added, no text be taken for a column`() throws {
        #expect(throws: StoreError.self) {
            try database.execute("test", "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema")
        }
        #expect(throws: StoreError.self) { try database.execute("test", "ATTACH ':memory:' AS other") }
        #expect(throws: StoreError.self) { try database.execute("test", #"SELECT "no such column""#) }
        #expect(throws: StoreError.self) { try database.execute("test", "SELECT load_extension('x')") }
    }

    @Test func `values come back as they were, of every kind`() throws {
        let query = Query("test", "SELECT :i AS i, :r AS r, :t AS t, :b AS b, :n AS n, :e AS e, :z AS z")
        let tricky = "nul \0, quote ', 名, \u{10FFFF}"
        let found = try database.first(
            query,
            [
                "i": .integer(.min), "r": .real(-0.1), "t": .text(tricky), "b": .blob([0, 255, 0]),
                "n": .null,
                "e": .text(""), "z": .blob([]),
            ]
        ) { (row) throws(StoreError) in
            #expect(try row.integer("i") == .min)
            #expect(try row.real("r") == -0.1)
            #expect(try row.text("t") == tricky)
            #expect(try row.blob("b") == [0, 255, 0])
            #expect(try row.isNull("n"))
            #expect(try row.text("e") == "")
            #expect(try row.blob("z") == [])
            #expect(throws: StoreError.self) { try row.text("i") }
            #expect(throws: StoreError.self) { try row.integer("t") }
            #expect(throws: StoreError.self) { try row.unsigned("i") }
            #expect(throws: StoreError.self) { try row.flag("i") }
            #expect(throws: StoreError.self) { try row.text("none such") }
            return true
        }
        #expect(found == true)
    }

    @Test func `text that is not UTF-8 is damage and not replaced`() throws {
        let error = #expect(throws: StoreError.self) { try text("SELECT CAST(x'ff41' AS TEXT) AS t", "t") }
        #expect(error == .damaged(path: fixture.file, problem: "test: t is not UTF-8"))
    }

    @Test func `a parameter that is forgotten or unknown is an error`() throws {
        let query = Query("two values", "SELECT :a AS a, :b AS b")
        let wrong: [SQLValues] = [["a": .null], ["a": .null, "c": .null], [:], ["a": .null, "a": .null]]
        for values in wrong {
            let error = #expect(throws: StoreError.self) { try database.run(query, values) }
            #expect(error?.description.contains("two values") == true)
        }
        try database.run(query, ["b": .null, "a": .null])
    }

    @Test func `errors name the statement and never a value`() throws {
        let secret = "hunter2"
        let store = try fixture.store()
        var session = Fixture.session(1, labels: ["a": secret], spec: "{\"\(secret)\":1}")
        try store.add(session)
        var errors = [try store.commit(.create(session, why: secret))]
        session.standing.state = secret
        errors.append(
            try store.commit(.session(id: session.id, session.standing, at: Fixture.moment(1), why: "")))
        errors.append(try store.commit(.create(Fixture.session(2, name: "!\(secret)"), why: secret)))
        #expect(errors.map(\.isRefused) == [true, true, true])
        let text = "\(errors)"
        #expect(text.contains("insert session") && text.contains("step session"))
        #expect(!text.contains(secret), "\(text)")
    }

    @Test func `a transaction that throws leaves nothing, and the next one works`() throws {
        struct Stop: Error {}
        let store = try fixture.store()
        let full = StoreError.full(path: "a test's")
        #expect(throws: full) {
            try store.database.transaction { () throws(StoreError) in
                _ = try store.create(Fixture.session(1), "")
                throw full
            }
        }
        #expect(!store.database.isInTransaction)
        #expect(try store.list(limit: 10).sessions == [])
        try store.add(Fixture.session(1))
    }

    @Test(
        arguments: [
            (0, "19700101T000000Z"), (999, "19700101T000000Z"), (-1, "19691231T235959Z"),
            (951_782_399_000, "20000228T235959Z"), (951_782_400_000, "20000229T000000Z"),
            (951_868_800_000, "20000301T000000Z"), (1_709_251_199_999, "20240229T235959Z"),
            (1_795_297_416_789, "20261121T214336Z"), (4_107_542_400_000, "21000301T000000Z"),
            (4_102_444_799_000, "20991231T235959Z"),
        ] as [(Int64, String)])
    func `the time in a file's name is the calendar's`(wall: Int64, text: String) {
        #expect(utc(wall) == text)
    }
}
