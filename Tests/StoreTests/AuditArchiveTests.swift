import API
import TestSupport
import Testing
import Trees
import Wire

@testable import Store

/// Old audit records in files: they and the table are one chain, whatever happens in between.
@Suite struct AuditArchiveTests {
    private let fixture: Fixture
    private let all: [AuditRecord]

    init() throws {
        fixture = try Fixture()
        let store = try fixture.store()
        for number in 1...10 { #expect(try store.commit(.audit(Self.entry(number))) == .done) }
        all = try store.audit(limit: 100)
    }

    private static func entry(_ number: Int) -> AuditEntry {
        AuditEntry(
            wall: Int64(number), uid: 7, what: "session.create", object: Fixture.id(number), outcome: "done")
    }

    private func file(_ number: Int64) -> String { "\(fixture.path)/audit/\(AuditArchive.name(number))" }

    private static func lines(_ records: some Sequence<AuditRecord>) -> [UInt8] {
        records.flatMap { $0.json.bytes + [UInt8(ascii: "\n")] }
    }

    @discardableResult
    private func archive(before wall: Int64, limit: Int = 100) throws -> Pruned {
        let retention = Retention(results: 0, records: 0, audit: wall, archivesAudit: true)
        return try fixture.store().prune(retention, limit: limit)
    }

    /// What `corral audit verify` finds: the first records that are wrong with what is, and the last one.
    private func check(
        _ store: StateStore, after mark: AuditMark = .beginning
    ) throws -> (problems: [String], end: AuditMark) {
        var problems: [String] = []
        var reached = mark
        var finding = try store.archivePlace(after: mark)
        var steps = 0
        while let found = finding {
            steps += 1
            try #require(steps < 1000)
            if let broken = found.broken { problems.append("\(broken): \(found.problem ?? "")") }
            reached = found.reached
            guard let next = found.next else { break }
            finding = try store.checkArchive(
                at: next, after: found.isFollowed && next.offset > 0 ? found.reached : nil)
        }
        let rest = try store.checkAudit(after: reached, limit: 1000)
        if case .broken(let number, let problem) = rest.verdict { problems.append("\(number): \(problem)") }
        return (problems, rest.reached)
    }

    private func expectWhole(_ store: StateStore, _ comment: Comment? = nil) throws {
        let found = try check(store)
        #expect(found.problems.isEmpty && found.end == all.last?.mark, comment)
    }

    @Test func `old records are in the file before they are gone from the table, and both are one chain`()
        throws
    {
        #expect(try archive(before: 5) == Pruned(audit: 4))
        #expect(try File.read(file(1)) == Self.lines(all[..<4]))
        #expect(try archive(before: 7) == Pruned(audit: 2))
        #expect(try File.read(file(1)) == Self.lines(all[..<6]))
        let store = try fixture.store()
        #expect(try store.audit(limit: 100) == Array(all[6...]))
        try expectWhole(store)
        // Marks from elsewhere, of what is in the file, at its end, and in the table.
        for record in all { #expect(try check(store, after: record.mark).problems == []) }
        for index in [2, 5, 8] {
            var other = all[index].mark
            other.digest = AuditMark.beginning.digest
            #expect(
                try check(store, after: other).problems.first
                    == "\(index + 1): it is not the record that was marked")
        }
    }

    @Test func `so many are kept, and the others go`() throws {
        let retention = Retention(results: 0, records: 0, auditRecords: 4)
        let store = try fixture.store()
        #expect(try store.prune(retention, limit: 5) == Pruned(audit: 5, isComplete: false))
        #expect(try store.prune(retention, limit: 5) == Pruned(audit: 1))
        #expect(try store.prune(retention, limit: 5) == Pruned())
        #expect(try store.audit(limit: 100) == Array(all[6...]))
        try expectWhole(store)
    }

    @Test func `a file that is large enough ends, and can be checked without the store`() throws {
        for last in [3, 6, 9] {
            let store = try fixture.store()
            let old = try store.oldAudit(
                Retention(results: 0, records: 0, audit: Int64(last) + 1), limit: 100)
            let archive = try store.archive(old, usualSize: 500)
            try store.database.transaction { () throws(StoreError) in
                _ = try store.dropAudit(through: archive.end)
                try store.record(archive)
            }
        }
        let store = try fixture.store()
        #expect(try store.archives().map(\.hasEnded) == [true, true, true])
        var check = AuditLineCheck(after: .beginning, hash: SHA256.of)
        for number in 1...3 {
            var lines = try File.read(file(Int64(number)))
                .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let rest = lines.removeLast()
            for line in lines { #expect(check.take(Array(line)) == nil) }
            #expect(check.end(Array(rest)) == nil)
        }
        #expect(check.count == 9 && check.reached == all[8].mark)
        try expectWhole(store)
        // Each of them missing is told by its name, and by nothing else.
        for number in 1...3 as ClosedRange<Int64> {
            let bytes = try File.read(file(number))
            _ = try Program.run(["rm", file(number)])
            let found = try self.check(store)
            #expect(found.problems.count == 1 && found.end == all.last?.mark)
            #expect(
                found.problems.first?.contains("\(file(number)) is not there, which records") == true,
                "\(found.problems)")
            try File.write(bytes, to: file(number), mode: 0o600)
        }
        try expectWhole(store)
    }

    @Test func `a cut at any byte and a bit that is turned anywhere in a file show`() throws {
        try archive(before: 4)
        let store = try fixture.store()
        let bytes = try File.read(file(1))
        for index in bytes.indices {
            try File.write(Array(bytes[..<index]), to: file(1), mode: 0o600)
            #expect(try !check(store).problems.isEmpty, "cut after \(index)")
            var other = bytes
            other[index] ^= 1 << UInt8(index % 8)
            try File.write(other, to: file(1), mode: 0o600)
            let found = try check(store)
            #expect(!found.problems.isEmpty && found.end == all.last?.mark, "byte \(index)")
        }
        try File.write(bytes + [UInt8(ascii: "x")], to: file(1), mode: 0o600)
        #expect(try check(store).problems == ["3: audit/000001.jsonl has 1 bytes more than were written"])
        try File.write(bytes, to: file(1), mode: 0o600)
        try expectWhole(store)
    }

    @Test func `a line of a file that ended is guarded as well, its last one too`() throws {
        let store = try fixture.store()
        let old = try store.oldAudit(Retention(results: 0, records: 0, audit: 4), limit: 100)
        let archive = try store.archive(old, usualSize: 1)
        try store.database.transaction { () throws(StoreError) in
            _ = try store.dropAudit(through: archive.end)
            try store.record(archive)
        }
        try expectWhole(store)
        let bytes = try File.read(file(1))
        #expect(bytes == Self.lines(all[..<3]) + archive.end.endLine.bytes + [UInt8(ascii: "\n")])
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1 << UInt8(index % 8)
            try File.write(other, to: file(1), mode: 0o600)
            #expect(try !check(store).problems.isEmpty, "byte \(index)")
        }
    }

    @Test func `killed after any byte of a file was written, nothing is lost and nothing is there twice`()
        throws
    {
        try archive(before: 4)
        let before = try File.read(file(1))
        let more = Self.lines(all[3..<6])
        for count in 0...more.count {
            // The file had got so far when the daemon died; the table knew nothing of it yet.
            try File.write(before + more[..<count], to: file(1), mode: 0o600)
            try expectWhole(try fixture.store(), "\(count) bytes")
            #expect(try File.read(file(1)) == before)
        }
        try File.write(before + more, to: file(1), mode: 0o600)
        #expect(try archive(before: 7) == Pruned(audit: 3))
        #expect(try File.read(file(1)) == before + more)
        // A new file, of which the table knows nothing at all.
        let other = try AuditArchiveTests()
        _ = try Program.run(["install", "-d", "-m", "700", "\(other.fixture.path)/audit"])
        try File.write(Array(Self.lines(other.all[..<2]).dropLast(9)), to: other.file(1), mode: 0o600)
        #expect(try other.archive(before: 4) == Pruned(audit: 3))
        #expect(try File.read(other.file(1)) == Self.lines(other.all[..<3]))
        try other.expectWhole(try other.fixture.store())
    }

    @Test func `what nobody archived is neither written over nor removed`() throws {
        try archive(before: 4)
        let before = try File.read(file(1))
        let foreign = AuditRecord(
            number: 4, entry: all[3].entry, previous: all[3].previous, digest: AuditMark.beginning.digest)
        let strange = before + Self.lines([foreign])
        try File.write(strange, to: file(1), mode: 0o600)
        #expect(try archive(before: 6) == Pruned(audit: 2))
        #expect(try File.read(file(1)) == strange && File.read(file(2)) == Self.lines(all[3..<5]))
        let found = try check(try fixture.store())
        #expect(found.problems.count == 1 && found.end == all.last?.mark)
        // The same under the name of the next one.
        try File.write(Self.lines([foreign]), to: file(3), mode: 0o600)
        _ = try Program.run(["rm", file(2)])
        #expect(try archive(before: 8) == Pruned(audit: 2))
        #expect(try File.read(file(3)) == Self.lines(all[5..<7]))
        #expect(
            File.names(in: "\(fixture.path)/audit").filter { $0.hasPrefix("000003.jsonl.found-") }.count == 1)
    }

    @Test func `a file that cannot be written to keeps all records where they are`() throws {
        try File.write([], to: "\(fixture.path)/audit", mode: 0o600)
        let pruned = try archive(before: 6)
        #expect(pruned.audit == 0 && pruned.archiveProblem != nil && pruned.isComplete)
        try expectWhole(try fixture.store())
        #expect(try fixture.store().audit(limit: 100) == all)
        _ = try Program.run(["rm", "\(fixture.path)/audit"])
        #expect(try archive(before: 6) == Pruned(audit: 5))
        try expectWhole(try fixture.store())
    }

    @Test func `what was dropped without a file is no hole, and what the table says of files is not altered`()
        throws
    {
        try archive(before: 4)
        let retention = Retention(results: 0, records: 0, audit: 6)
        #expect(try fixture.store().prune(retention, limit: 100) == Pruned(audit: 2))
        try expectWhole(try fixture.store())
        try archive(before: 8)
        #expect(try File.read(file(2)) == Self.lines(all[5..<7]))
        try expectWhole(try fixture.store())
        for statement in [
            "DELETE FROM archives WHERE number = 1", "UPDATE archives SET first = 2 WHERE number = 1",
            "INSERT INTO archives SELECT 9, first, previous, last, digest, bytes, ended FROM archives LIMIT 1",
        ] {
            #expect(throws: Unexpected.self) { try fixture.sqlite3(statement) }
        }
        try fixture.sqlite3("DROP TRIGGER archives_remain; DELETE FROM archives WHERE number = 1")
        let found = try check(try fixture.store())
        #expect(found.problems.first?.contains("does not know of 000001.jsonl") == true, "\(found.problems)")
    }
}
