import API

/// A file of audit records that are not in the table any more, as the store knows of it.
package struct AuditArchive: Hashable, Sendable {
    /// 1, 2, 3 and so on.
    let number: Int64
    /// What its first record follows.
    let before: AuditMark
    /// The last record in it.
    var end: AuditMark
    /// How long it is.
    var bytes: Int64
    /// Whether its last line says how far it got, and nothing more comes.
    var hasEnded: Bool

    /// From so many bytes on the next records get a file of their own.
    static let usualSize: Int64 = 16 << 20

    /// In the directory of the archives.
    var name: String { Self.name(number) }
    /// As people are told of it.
    var path: String { "\(StorePlace.archives)/\(name)" }

    static func name(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits + ".jsonl"
    }
}

private enum ArchiveQueries {
    static let all = Query("list archives", "SELECT * FROM archives ORDER BY number")
    static let last = Query("read last archive", "SELECT * FROM archives ORDER BY number DESC LIMIT 1")
    static let put = Query(
        "put archive",
        """
        INSERT INTO archives (number, first, previous, last, digest, bytes, ended)
        VALUES (:number, :first, :previous, :last, :digest, :bytes, :ended)
        """)
    static let grow = Query(
        "archive more",
        """
        UPDATE archives SET last = :last, digest = :digest, bytes = :bytes, ended = :ended
        WHERE number = :number
        """)
}

extension StateStore {
    /// Every file that audit records were put into, whether it is still there or not.
    package func archives() throws(StoreError) -> [AuditArchive] {
        try database.rows(ArchiveQueries.all) { (row) throws(StoreError) in try AuditArchive(row) }
    }

    func lastArchive() throws(StoreError) -> AuditArchive? {
        try database.first(ArchiveQueries.last) { (row) throws(StoreError) in try AuditArchive(row) }
    }

    /// Records that a file is there, or has grown.
    func record(_ archive: AuditArchive) throws(StoreError) {
        let standing: SQLValues = [
            "number": .integer(archive.number), "last": .integer(archive.end.number),
            "digest": .text(archive.end.digest), "bytes": .integer(archive.bytes),
            "ended": .flag(archive.hasEnded),
        ]
        if try lastArchive()?.number == archive.number {
            try database.run(ArchiveQueries.grow, standing)
        } else {
            let beginning: SQLValues = [
                "first": .integer(archive.before.number + 1), "previous": .text(archive.before.digest),
            ]
            try database.run(ArchiveQueries.put, standing + beginning)
        }
    }
}

extension AuditArchive {
    init(_ row: Row) throws(StoreError) {
        self.init(
            number: try row.integer("number"),
            before: AuditMark(number: try row.integer("first") - 1, digest: try row.text("previous")),
            end: AuditMark(number: try row.integer("last"), digest: try row.text("digest")),
            bytes: try row.integer("bytes"), hasEnded: try row.integer("ended") == 1)
    }
}
