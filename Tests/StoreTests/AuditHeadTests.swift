import API
import TestSupport
import Testing

@testable import Store

/// Audit records that somebody or something took away, as the next opening finds them.
@Suite struct AuditHeadTests {
    private let fixture: Fixture
    private var head: String { fixture.directory("audit-head") }

    init() throws {
        fixture = try Fixture()
        try add(1...5)
    }

    private func entry(_ number: Int) -> AuditEntry {
        AuditEntry(
            wall: Int64(number), uid: 7, what: "session.create", object: Fixture.id(number), outcome: "done")
    }

    private func add(_ numbers: ClosedRange<Int>) throws {
        let store = try fixture.store()
        for number in numbers { #expect(try store.commit(.audit(entry(number))) == .done) }
    }

    private func verdict(_ store: StateStore) throws -> AuditVerdict {
        try store.checkAudit(limit: 1000).verdict
    }

    @Test func `a store that nobody touched has lost nothing`() throws {
        let opened = try fixture.open()
        #expect(opened.auditLoss == nil)
        guard case .intact(let mark) = try verdict(opened.store) else {
            Issue.record("the chain is whole")
            return
        }
        #expect(mark.number == 5)
        #expect(
            String(decoding: try File.read(head), as: UTF8.self) == "00000000000000000005:\(mark.digest)\n")
    }

    @Test func `an older copy of the database shows, and nobody gets the numbers that are gone`() throws {
        let older = try File.read(fixture.file)
        try add(6...8)
        try File.write(older, to: fixture.file, mode: 0o600)
        for round in 0..<2 {
            let opened = try fixture.open()
            #expect(opened.auditLoss == (round == 0 ? "records 6 to 8 are missing" : nil))
            #expect(try verdict(opened.store) == .broken(number: 6, problem: "it is missing"))
            if round == 0 { #expect(try opened.store.commit(.audit(entry(9))) == .done) }
            #expect(try opened.store.audit(limit: 100).map(\.number) == [1, 2, 3, 4, 5, 9])
        }
        // What comes behind the hole can be checked all the same.
        let store = try fixture.store()
        let finding = try store.checkAudit(limit: 1000)
        #expect(finding.reached.number == 5 && finding.resume == 9)
        let rest = try store.checkAudit(from: 9, limit: 1000)
        #expect(rest.verdict == .intact(rest.reached) && rest.reached.number == 9)
    }

    @Test func `records that were cut off with sqlite3 show, with or without their count`() throws {
        try fixture.sqlite3(
            "DROP TRIGGER audit_remains; DELETE FROM audit WHERE seq > 3; "
                + "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit'")
        let opened = try fixture.open()
        #expect(opened.auditLoss == "records 4 to 5 are missing")
        #expect(try verdict(opened.store) == .broken(number: 4, problem: "it is missing"))
    }

    @Test func `another chain of the same length shows`() throws {
        let forged = try Fixture()
        let forger = try forged.store()
        for number in 1...5 {
            let entry = AuditEntry(wall: Int64(number), what: "nothing", outcome: "done")
            #expect(try forger.commit(.audit(entry)) == .done)
        }
        try forged.sqlite3("PRAGMA wal_checkpoint(TRUNCATE)")
        try File.write(try File.read(forged.file), to: fixture.file, mode: 0o600)
        #expect(try fixture.open().auditLoss == "record 5 is not the one that was written")
    }

    @Test(arguments: ["", "nonsense\n", "00000000000000000099:abc\n"])
    func `a head that was removed or changed is told, and made anew`(text: String) throws {
        if text.isEmpty {
            _ = try Program.run(["rm", head])
        } else {
            try File.write(Array(text.utf8), to: head, mode: 0o600)
        }
        #expect(try fixture.open().auditLoss == "the file audit-head was removed or changed")
        #expect(try fixture.open().auditLoss == nil)
    }

    @Test func `a head that is behind is what a loss of power leaves, and no finding`() throws {
        let behind = try File.read(head)
        try add(6...6)
        try File.write(behind, to: head, mode: 0o600)
        #expect(try fixture.open().auditLoss == nil)
        try add(7...7)
        #expect(try fixture.open().auditLoss == nil)
    }

    @Test func `records of a database that was set aside leave a hole`() throws {
        try File.write(Array("no database".utf8), to: fixture.file, mode: 0o600)
        let opened = try fixture.open()
        #expect(opened.setAside != nil && opened.auditLoss == "records 1 to 5 are missing")
        #expect(try opened.store.commit(.audit(entry(6))) == .done)
        #expect(try opened.store.audit(limit: 10).map(\.number) == [6])
        #expect(try verdict(opened.store) == .broken(number: 1, problem: "it is missing"))
        #expect(try opened.store.checkAudit(from: 6, limit: 10).reached.number == 6)
    }

    /// Opens a copy with another log or database.
    /// - Returns: whether anything shows, and otherwise the records.
    private func look(_ database: [UInt8], _ log: [UInt8]?, _ head: [UInt8]) throws -> [AuditEntry]? {
        let copy = try Fixture()
        try File.write(database, to: copy.file, mode: 0o600)
        if let log { try File.write(log, to: copy.directory("corral.db-wal"), mode: 0o600) }
        try File.write(head, to: copy.directory("audit-head"), mode: 0o600)
        let opened = try copy.open()
        if opened.setAside != nil || opened.auditLoss != nil { return nil }
        do throws(StoreError) {
            guard case .intact = try opened.store.checkAudit(limit: 1000).verdict else { return nil }
            return try opened.store.audit(limit: 1000).map(\.entry)
        } catch {
            return nil
        }
    }

    @Test func `a log that is cut anywhere shows, unless no record is gone`() throws {
        let store = try fixture.store()
        for number in 6...9 { #expect(try store.commit(.audit(entry(number))) == .done) }
        let (database, log) = (try File.read(fixture.file), try File.read(fixture.directory("corral.db-wal")))
        let head = try File.read(head)
        let expected = (1...9).map(entry)
        // The control.
        #expect(try look(database, log, head) == expected)
        var random = Seeded(11)
        var cuts = [0, 1, 31, 32, log.count - 1, log.count - 4096]
        cuts += stride(from: 32, to: log.count, by: 4096 + 24).flatMap { [$0 - 1, $0, $0 + 1] }
        cuts += (0..<60).map { _ in Int.random(in: 0..<log.count, using: &random) }
        var found = 0
        for cut in Set(cuts.filter { log.indices.contains($0) }) {
            let seen = try look(database, Array(log[..<cut]), head)
            #expect(seen == nil || seen == expected, "cut at \(cut): \(seen?.count ?? 0) records")
            if seen == nil { found += 1 }
        }
        #expect(found > 60)
    }

    @Test func `a byte that is turned in the pages of the records shows, or changes none of them`() throws {
        let (database, head) = (try File.read(fixture.file), try File.read(head))
        let expected = (1...5).map(entry)
        #expect(try look(database, nil, head) == expected)
        let marks = database.indices.filter { database[$0...].starts(with: "session.create".utf8) }
        let pages = Set(marks.map { $0 / 4096 })
        #expect(pages.count == 1)
        var found = 0
        for page in pages {
            // What is nothing but zeros is free.
            for index in page * 4096..<(page + 1) * 4096 where database[index] != 0 {
                var other = database
                other[index] ^= 1 << UInt8(index % 8)
                let seen = try look(other, nil, head)
                #expect(seen == nil || seen == expected, "byte \(index)")
                if seen == nil { found += 1 }
            }
        }
        #expect(found > 500)
    }
}
