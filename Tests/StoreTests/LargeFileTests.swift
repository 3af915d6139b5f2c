import Linux
import Synchronization
import TestSupport
import Testing

@testable import Store

/// Files that are too large to be looked at as a whole before they are used.
@Suite struct LargeFileTests {
    private let fixture: Fixture
    private let order = "corral.db-check"
    private let setAside = "corral.db.damaged-20261121T214336Z"

    init() throws { fixture = try Fixture() }

    /// A closed store with some sessions and more than 32 MiB of results, or hardly any.
    private func fill(results: Int = 40) throws {
        let store = try fixture.store()
        var changes: [Change] = []
        for number in 1...200 {
            changes.append(.create(Fixture.session(number, labels: ["a": "b"]), why: "a test"))
            changes.append(.start(Fixture.process(1000 + number, in: number), why: "a test"))
        }
        #expect(try store.commit(changes).allSatisfy { $0 == .done })
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        for number in 1...results {
            let process = Fixture.id(1000 + number)
            let result = ResultRecord(process: process, kept: 1, stdout: bytes, stderr: [])
            #expect(try store.commit(.result(result)) == .done)
        }
    }

    /// Overwrites the first page of a table, as a device that confuses two blocks would.
    private func damage(_ table: String) throws {
        let root = try fixture.sqlite3("SELECT rootpage FROM sqlite_schema WHERE name = '\(table)'")
        try damage(page: try #require(Int(root.filter(\.isNumber))))
    }

    private func damage(page: Int) throws {
        var bytes = try File.read(fixture.file)
        let start = (page - 1) * Int(Database.pageSize)
        for place in start..<start + Int(Database.pageSize) { bytes[place] = 0xFF }
        try File.write(bytes, to: fixture.file, mode: 0o600)
    }

    /// Opens the store without a look at its history, which then must be damaged, and orders a whole check.
    private func expectLaterDamage() throws {
        let opened = try fixture.open()
        #expect(opened.setAside == nil)
        let history = try #require(opened.unchecked)
        let error = #expect(throws: StoreError.self) { try history.check(until: StopMark()) }
        guard case .damaged = error else { return #expect(Bool(false), "\(String(describing: error))") }
        try opened.store.orderCheck()
        try opened.store.orderCheck()
        #expect(fixture.names == ["corral.db", order])
    }

    private func expectSetAside() throws {
        let opened = try fixture.open()
        #expect(opened.setAside?.path == fixture.directory(setAside))
        #expect(opened.unchecked == nil)
        #expect(try opened.store.list(limit: 10).sessions == [])
        // With its log, where it was found damaged after sqlite had begun one.
        #expect(fixture.names.filter { !$0.hasPrefix(setAside + "-") } == ["corral.db", setAside])
    }

    @Test(arguments: ["changes", "processes", "results", "audit"])
    func `damage in the history is found beside, and set aside at the next opening`(table: String) throws {
        try fill()
        do {
            // It is the damage that is found.
            let opened = try fixture.open()
            #expect(try #require(opened.unchecked).check(until: StopMark()))
        }
        try damage(table)
        try expectLaterDamage()
        try expectSetAside()
    }

    @Test func `a damaged list of free pages is found at once, and pages that it lacks beside`() throws {
        try fill(results: 80)
        try fixture.sqlite3("DELETE FROM results WHERE process > '\(Fixture.id(1040))'")
        // The file's header has the list's first page at byte 32, and behind it how many pages are in the list
        // (sqlite.org/fileformat.html).
        let whole = try File.read(fixture.file)
        let page = whole[32..<36].reduce(0) { $0 << 8 | Int($1) }
        try #require(page > 1)
        let other = try LargeFileTests()
        try File.write(whole, to: other.fixture.file, mode: 0o600)
        try other.damage(page: page)
        try other.expectSetAside()
        var bytes = whole
        for place in 32..<40 { bytes[place] = 0 }
        try File.write(bytes, to: fixture.file, mode: 0o600)
        try expectLaterDamage()
        try expectSetAside()
    }

    @Test(arguments: ["meta", "tenants", "sessions", "labels", "workspaces", "snapshots", "spent"])
    func `damage in what the daemon acts on is found at once`(table: String) throws {
        try fill()
        #expect(try fixture.open().unchecked != nil)
        try damage(table)
        try expectSetAside()
    }

    @Test func `a reference to a session that is gone is found, at once or beside`() throws {
        try fill()
        let gone = "PRAGMA foreign_keys = OFF; DELETE FROM sessions WHERE id = '\(Fixture.id(3))'"
        try fixture.sqlite3("\(gone); DELETE FROM labels WHERE session = '\(Fixture.id(3))'")
        try expectLaterDamage()
        try expectSetAside()
        let other = try LargeFileTests()
        try other.fill()
        try other.fixture.sqlite3(gone)
        try other.expectSetAside()
    }

    @Test func `a small file is checked whole, and so is any that it was ordered for`() throws {
        try fill(results: 1)
        #expect(try fixture.open().unchecked == nil)
        try damage("changes")
        try expectSetAside()
        let large = try LargeFileTests()
        try large.fill()
        try large.fixture.directory.write(order, "", mode: 0o600)
        do {
            let opened = try large.fixture.open()
            #expect(opened.setAside == nil && opened.unchecked == nil)
            // The check found nothing, so the order is over.
            #expect(large.fixture.names == ["corral.db"])
        }
        #expect(try large.fixture.open().unchecked != nil)
    }

    @Test func `a statement that meets damage leaves a note of it`() throws {
        try fill()
        try damage("changes")
        let store = try fixture.store()
        #expect(try store.list(limit: 10).sessions.count == 10)
        #expect(store.damage == nil)
        #expect(throws: StoreError.self) { try store.history(of: Fixture.id(1), limit: 10) }
        #expect(store.damage != nil)
    }

    @Test func `the store is written to during the check, and the check can be ended`() throws {
        try fill()
        let opened = try fixture.open()
        let history = try #require(opened.unchecked)
        let stop = StopMark()
        let outcome = Mutex<Result<Bool, StoreError>?>(nil)
        let thread = try Thread.start {
            let result: Result<Bool, StoreError>
            do throws(StoreError) {
                result = .success(try history.check(until: stop))
            } catch {
                result = .failure(error)
            }
            outcome.withLock { $0 = result }
        }
        for number in 2000..<2200 { try opened.store.add(Fixture.session(number)) }
        thread.join()
        #expect(outcome.withLock { $0 } == .success(true))
        stop.set()
        #expect(try history.check(until: stop) == false)
        #expect(try opened.store.list(limit: 1000).sessions.count == 400)
    }
}
