/// What a check of the audit records found.
package enum AuditVerdict: Hashable, Sendable {
    /// All records from the mark on are as they were written; this is the last one.
    case intact(AuditMark)
    /// So far all are, and there are more: go on from here.
    case more(AuditMark)
    /// The first record that is not.
    case broken(number: Int64, problem: String)
}

private enum AuditQueries {
    static let insert = Query(
        "append audit record",
        """
        INSERT INTO audit (seq, wall, uid, token, tenant, what, object, outcome, trace, previous, digest)
        VALUES (:seq, :wall, :uid, :token, :tenant, :what, :object, :outcome, :trace, :previous, :digest)
        """)
    static let last = Query(
        "read last audit record", "SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1")
    static let after = Query(
        "read audit records", "SELECT * FROM audit WHERE seq > :number ORDER BY seq LIMIT :limit")
    static let one = Query("read audit record", "SELECT digest FROM audit WHERE seq = :number")
    // The largest number that was ever given (AUTOINCREMENT), even if its record is gone.
    static let oldest = Query(
        "read oldest audit records", "SELECT seq, wall, digest FROM audit ORDER BY seq LIMIT :limit")
    static let drop = Query("drop audit records", "DELETE FROM audit WHERE seq <= :number")
    static let highest = Query("read audit count", "SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
}

extension StateStore {
    /// Audit records, oldest first.
    /// - Parameter number: of the last record that is known already.
    package func audit(after number: Int64 = 0, limit: Int) throws(StoreError) -> [AuditRecord] {
        try database.rows(
            AuditQueries.after, ["number": .integer(number), "limit": .integer(Int64(Self.bounded(limit)))]
        ) { (row) throws(StoreError) in try AuditRecord(row) }
    }

    /// Checks whether the records after `mark` are those that were written, in their order and none missing.
    ///
    /// Each record's digest covers the one before. Somebody who can write to the file can make a whole new
    /// chain; against that helps a mark that is kept elsewhere.
    /// - Parameter limit: the most records to look at in one call.
    package func verifyAudit(
        after mark: AuditMark = .beginning, limit: Int = 10_000
    ) throws(StoreError) -> AuditVerdict {
        let dropped = try lastDropped()
        if mark.number > 0, mark.number < dropped.number {
            return .broken(number: mark.number, problem: "it is no longer kept")
        }
        if mark.number > 0, mark.number == dropped.number, mark.digest != dropped.digest {
            return .broken(number: mark.number, problem: "it is not the record that was marked")
        }
        if mark.number > dropped.number {
            let digest = try database.first(AuditQueries.one, ["number": .integer(mark.number)]) {
                (row) throws(StoreError) in try row.text("digest")
            }
            guard let digest else { return .broken(number: mark.number, problem: "it is missing") }
            guard digest == mark.digest else {
                return .broken(number: mark.number, problem: "it is not the record that was marked")
            }
        }
        let limit = Self.bounded(limit)
        var reached = mark.number < dropped.number ? dropped : mark
        let records = try audit(after: reached.number, limit: limit)
        for record in records {
            if let problem = record.problem(after: reached) { return problem }
            reached = AuditMark(number: record.number, digest: record.digest)
        }
        if records.count == limit { return .more(reached) }
        let highest = try database.first(AuditQueries.highest) { (row) throws(StoreError) in
            try row.integer("seq")
        }
        guard (highest ?? 0) == reached.number else {
            return .broken(number: reached.number + 1, problem: "it is missing")
        }
        return .intact(reached)
    }

    /// The last record that went because of its age; where none did, the place before the first.
    private func lastDropped() throws(StoreError) -> AuditMark {
        guard let text = try value(of: .audit) else { return .beginning }
        let words = text.split(separator: " ")
        guard words.count == 2, let number = Int64(words[0]), number > 0, words[1].utf8.count == 64 else {
            throw .damaged(path: path, problem: "the mark of dropped audit records is \(text)")
        }
        return AuditMark(number: number, digest: String(words[1]))
    }

    /// Drops records that were written before a moment, the first ones, as far as no younger one is among
    /// them: the wall clock may have been set back in between. The chain goes on from the last of them.
    /// - Returns: how many.
    func dropAudit(before wall: Int64, limit: Int) throws(StoreError) -> Int {
        let oldest = try database.rows(AuditQueries.oldest, ["limit": .integer(Int64(limit))]) {
            (row) throws(StoreError) in
            (
                mark: AuditMark(number: try row.integer("seq"), digest: try row.text("digest")),
                wall: try row.integer("wall")
            )
        }
        let old = oldest.prefix { $0.wall < wall }
        guard let last = old.last?.mark else { return 0 }
        try set(.audit, "\(last.number) \(last.digest)")
        return try database.run(AuditQueries.drop, ["number": .integer(last.number)])
    }

    func append(_ entry: AuditEntry) throws(StoreError) -> Outcome {
        var last = try database.first(AuditQueries.last) { (row) throws(StoreError) in
            AuditMark(number: try row.integer("seq"), digest: try row.text("digest"))
        }
        if last == nil { last = try lastDropped() }
        let previous = last ?? .beginning
        let number = previous.number + 1
        try database.run(
            AuditQueries.insert,
            [
                "seq": .integer(number), "wall": .integer(entry.wall),
                "uid": .optional(entry.uid.map { Int64($0) }), "token": .optional(entry.token),
                "tenant": .optional(entry.tenant), "what": .text(entry.what),
                "object": .optional(entry.object), "outcome": .text(entry.outcome),
                "trace": .optional(entry.trace), "previous": .text(previous.digest),
                "digest": .text(entry.digest(number: number, previous: previous.digest)),
            ])
        return .done
    }
}

extension AuditRecord {
    init(_ row: Row) throws(StoreError) {
        let uid = try row.optionalInteger("uid")
        number = try row.integer("seq")
        entry = AuditEntry(
            wall: try row.integer("wall"), uid: uid.map { UInt32(clamping: $0) },
            token: try row.optionalText("token"), tenant: try row.optionalText("tenant"),
            what: try row.text("what"), object: try row.optionalText("object"),
            outcome: try row.text("outcome"), trace: try row.optionalText("trace"))
        previous = try row.text("previous")
        digest = try row.text("digest")
    }

    /// What is wrong with it as the record after `mark`.
    fileprivate func problem(after mark: AuditMark) -> AuditVerdict? {
        guard number == mark.number + 1 else {
            return .broken(number: mark.number + 1, problem: "it is missing")
        }
        guard previous == mark.digest else {
            return .broken(number: number, problem: "it does not follow the record before")
        }
        guard digest == entry.digest(number: number, previous: previous) else {
            return .broken(number: number, problem: "it was changed")
        }
        return nil
    }
}
