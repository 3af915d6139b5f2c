import API
import TestSupport
import Testing

@testable import Store

/// Files that something other than the store has written to.
@Suite struct DamageTests {
    private let fixture: Fixture
    private let setAside = "corral.db.damaged-20261121T214336Z"

    init() throws { fixture = try Fixture() }

    /// A store with something on pages of every kind, closed.
    private func fill() throws {
        let store = try fixture.store()
        var changes: [Change] = []
        for number in 1...60 {
            let spec = "{\"text\":\"\(String(repeating: "x", count: number * 150))\"}"
            changes.append(
                .create(Fixture.session(number, name: "n\(number)", labels: ["a": "b"], spec: spec), why: ""))
            changes.append(.start(Fixture.process(1000 + number, in: number), why: ""))
            let result = ResultRecord(
                process: Fixture.id(1000 + number), kept: 1, stdout: [UInt8](repeating: 1, count: 3000),
                stderr: [])
            changes.append(.result(result))
            changes.append(.audit(AuditEntry(wall: 1, what: "session.create", outcome: "done")))
        }
        #expect(try store.commit(changes).allSatisfy { $0 == .done })
    }

    private func plant(_ bytes: [UInt8], as name: String = "corral.db") throws {
        try File.write(bytes, to: fixture.directory(name), mode: 0o600)
    }

    /// Opens the store, which must set aside exactly `bytes` and begin anew.
    private func expectSetAside(_ bytes: [UInt8], _ problem: String? = nil) throws {
        let opened = try fixture.open()
        let report = try #require(opened.setAside)
        #expect(report.path == fixture.directory(setAside))
        if let problem { #expect(report.problem == problem) }
        #expect(report.description.contains(report.path) && report.description.contains(report.problem))
        #expect(try File.read(report.path) == bytes)
        #expect(try opened.store.list(limit: 10).sessions == [])
        try opened.store.add(Fixture.session(1))
    }

    @Test(arguments: [
        ("", "it is empty"), ("# notes of somebody's\n", "it ends in the middle of a page"),
        (String(repeating: "text", count: 5120), "file is not a database"),
        ("SQLite format 3\0", "it ends in the middle of a page"),
    ])
    func `what is no database is set aside as it was`(text: String, problem: String) throws {
        try plant(Array(text.utf8))
        try expectSetAside(Array(text.utf8), problem)
    }

    @Test func `another program's database is set aside as it was`() throws {
        try plant([])
        try fixture.sqlite3("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
        try expectSetAside(try File.read(fixture.file), "it is not a database of Corral's")
    }

    @Test func `a file cut off anywhere is set aside as it was`() throws {
        try fill()
        let whole = try File.read(fixture.file)
        var random = Seeded(7)
        var sizes = [1, 100, 4095, 4096, 4097, 8192, whole.count - 4096, whole.count - 1]
        sizes += (0..<6).map { _ in Int.random(in: 1..<whole.count, using: &random) }
        for size in sizes {
            let other = try DamageTests()
            try other.plant(Array(whole[..<size]))
            try other.expectSetAside(Array(whole[..<size]))
        }
    }

    @Test func `what sqlite keeps beside a file goes with it, and a second one gets another name`() throws {
        let text = Array(String(repeating: "not a database, ", count: 512).utf8)
        try plant(text)
        for name in ["corral.db-wal", "corral.db-shm", "corral.db-journal"] { try plant([1, 2], as: name) }
        try expectSetAside(text)
        for suffix in ["-wal", "-shm", "-journal"] {
            #expect(try File.read(fixture.directory(setAside + suffix)) == [1, 2])
        }
        try plant(Array("again".utf8))
        let second = try #require(try fixture.open().setAside)
        #expect(second.path == fixture.directory(setAside + ".2"))
        #expect(try File.read(second.path) == Array("again".utf8))
    }

    @Test func `a log without its database is set aside and not taken for the new one's`() throws {
        try plant([1, 2, 3], as: "corral.db-wal")
        let report = try #require(try fixture.open().setAside)
        #expect(report.problem == "corral.db-wal has no database")
        #expect(fixture.names == ["corral.db", setAside + "-wal"])
    }

    /// Some bytes of a value have no other to be compared with, so a change of those passes unnoticed: then
    /// everything else must be there. Nothing may crash, and no row may appear.
    @Test(arguments: 0..<24)
    func `overwritten bytes are noticed, or do no harm`(seed: UInt64) throws {
        try fill()
        var bytes = try File.read(fixture.file)
        var random = Seeded(seed)
        let count = [1, 8, 300, 5000][Int(seed % 4)]
        // Each third time in the header and the schema.
        let end = seed % 3 == 0 ? 4096 : bytes.count - count
        let start = Int.random(in: 0..<end, using: &random)
        for place in start..<start + count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
        try plant(bytes)
        do throws(StoreError) {
            let opened = try fixture.open()
            if let report = opened.setAside {
                #expect((try? File.read(report.path)) == bytes)
                return
            }
            try read(opened.store)
        } catch {
            switch error {
            case .newer, .damaged: break
            default: Issue.record("\(error)")
            }
        }
    }

    private func read(_ store: StateStore) throws(StoreError) {
        let sessions = try store.list(limit: 1000).sessions
        #expect(sessions.count <= 60)
        for session in sessions {
            _ = try store.session(session.id)
            #expect(try store.processes(of: session.id, limit: 100).count <= 1)
            _ = try store.history(of: session.id, limit: 100)
        }
        _ = try store.verifyAudit()
        for process in try store.liveProcesses() { _ = try store.result(of: process.id) }
    }

    @Test(arguments: [18, 19], [3, 255] as [UInt8])
    func `a header that forbids writing is damage`(place: Int, value: UInt8) throws {
        try fill()
        var bytes = try File.read(fixture.file)
        bytes[place] = value
        try plant(bytes)
        try expectSetAside(bytes)
    }

    @Test func `an index that does not fit its table is damage`() throws {
        try fill()
        // Without foreign keys, and with the index hidden from the statement: as a lost write would leave it.
        try fixture.sqlite3(
            "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'sessions_by_request'; "
                + "UPDATE sqlite_schema SET sql = replace(sql, 'WHERE live = 1', 'WHERE live = 0') "
                + "WHERE name = 'sessions_live'")
        try expectSetAside(try File.read(fixture.file))
    }

    @Test func `a row that refers to one that is gone is damage`() throws {
        try fill()
        try fixture.sqlite3("PRAGMA foreign_keys = OFF; DELETE FROM sessions WHERE id = '\(Fixture.id(3))'")
        let report = try #require(try fixture.open().setAside)
        #expect(report.problem.hasPrefix("a row of "))
    }
}
