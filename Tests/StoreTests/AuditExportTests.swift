import API
import Testing
import Trees
import Wire

@testable import Store

/// Audit records as lines in a file: every byte that is another shows, and every cut.
@Suite struct AuditExportTests {
    private static func records(_ count: Int = 3) throws -> [AuditRecord] {
        let store = try Fixture().store()
        for number in 1...count {
            let entry = AuditEntry(
                wall: Fixture.wall + Int64(number), uid: UInt32(number), token: number == 2 ? "ci" : nil,
                tenant: "red", what: "session.create", object: Fixture.id(number), outcome: "done",
                count: number == 3 ? 7 : nil, trace: String(repeating: "a", count: 32))
            #expect(try store.commit(.audit(entry)) == .done)
        }
        return try store.audit(limit: 100)
    }

    private static func file(_ records: [AuditRecord]) -> [UInt8] {
        let end = records.last?.mark ?? .beginning
        return (records.map(\.json) + [end.endLine]).flatMap { $0.bytes + [UInt8(ascii: "\n")] }
    }

    /// What is wrong with a file; nil where nothing is.
    private static func problem(_ file: [UInt8], _ check: inout AuditLineCheck) -> String? {
        var lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let rest = lines.removeLast()
        for line in lines { if let problem = check.take(Array(line)) { return problem } }
        return check.end(Array(rest))
    }

    private static func problem(_ file: [UInt8], after mark: AuditMark? = nil) -> String? {
        var check = AuditLineCheck(after: mark, hash: SHA256.of)
        return problem(file, &check)
    }

    @Test func `a file is whole as it was written, and is not with any bit of it turned`() throws {
        let file = Self.file(try Self.records())
        #expect(Self.problem(file) == nil)
        for index in file.indices {
            for bit in 0..<8 {
                var other = file
                other[index] ^= 1 << UInt8(bit)
                #expect(Self.problem(other) != nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func `a cut after any byte shows`() throws {
        let file = Self.file(try Self.records())
        for size in file.indices { #expect(Self.problem(Array(file[..<size])) != nil, "\(size) bytes") }
    }

    @Test func `a line that is gone, comes twice or stands elsewhere shows`() throws {
        let records = try Self.records(5)
        for index in 1..<4 {
            var gone = records
            gone.remove(at: index)
            #expect(Self.problem(Self.file(gone)) == "record \(index + 1): it is missing")
            var doubled = records
            doubled.insert(records[index], at: index)
            #expect(Self.problem(Self.file(doubled)) != nil)
            var moved = records
            moved.swapAt(index - 1, index)
            #expect(Self.problem(Self.file(moved)) != nil)
        }
        // The end of the chain without its last records is a file that ends too early.
        let bytes = Self.file(Array(records.dropLast()))
        #expect(Self.problem(bytes) == nil)
        let end = records[4].mark.endLine.bytes + [UInt8(ascii: "\n")]
        let cut = records.dropLast().flatMap { $0.json.bytes + [UInt8(ascii: "\n")] } + end
        #expect(Self.problem(cut) == "the export ends with record 5, and before it comes 4")
    }

    @Test func `files follow each other, and a mark from elsewhere is held against them`() throws {
        let records = try Self.records(6)
        let first = Self.file(Array(records[..<3]))
        let second = Self.file(Array(records[3...]))
        var check = AuditLineCheck(hash: SHA256.of)
        #expect(Self.problem(first, &check) == nil && Self.problem(second, &check) == nil)
        #expect(check.count == 6 && check.reached == records[5].mark)
        var other = AuditLineCheck(hash: SHA256.of)
        #expect(Self.problem(second, &other) == nil)
        #expect(Self.problem(first, &other) != nil)
        #expect(Self.problem(second, after: records[2].mark) == nil)
        #expect(Self.problem(second, after: records[1].mark) == "record 3: it is missing")
        var wrong = records[2].mark
        wrong.digest = AuditMark.beginning.digest
        #expect(Self.problem(second, after: wrong) == "record 4: it does not follow the record before")
    }

    @Test func `a whole new chain is told from the old one by a mark`() throws {
        let mark = try Self.records()[1].mark
        let store = try Fixture().store()
        for number in 1...3 {
            #expect(
                try store.commit(.audit(AuditEntry(wall: Int64(number), what: "x", outcome: "done"))) == .done
            )
        }
        let forged = try store.audit(limit: 10)
        #expect(Self.problem(Self.file(forged)) == nil)
        #expect(Self.problem(Self.file(Array(forged[2...])), after: mark) != nil)
    }

    @Test(arguments: [
        "a\nb", "a\r\n{\"seq\":9}", "\u{1B}[2Jgone", "\u{202E}txt.exe", "\u{2028}\u{85}\u{7F}\u{0}",
        "quote \" and \\ ", "\u{1F600}\u{200D}", "ümläut", "",
    ])
    func `whatever is in a name, its record is one line of ASCII that reads back`(name: String) throws {
        let store = try Fixture().store()
        let entry = AuditEntry(
            wall: 5, token: name, tenant: name, what: "session.create", object: name, outcome: "not-found")
        #expect(try store.commit(.audit(entry)) == .done)
        let record = try #require(try store.audit(limit: 1).first)
        let line = record.json.bytes
        #expect(line.allSatisfy { (0x20..<0x7F).contains($0) }, "\(record.json)")
        #expect(AuditRecord(try JSONTree(parsing: line)) == record)
        #expect(Self.problem(Self.file([record])) == nil)
    }

    @Test func `lines of other things are no records`() {
        var check = AuditLineCheck(hash: SHA256.of)
        for line in ["", "{}", "null", "[1]", "{\"seq\":1}", String(repeating: "[", count: 100_000)] {
            #expect(check.take(Array(line.utf8)) == "it is no record")
        }
        #expect(check.count == 0)
    }
}
