package import API
import Trees

/// What a check of the audit records found.
package enum AuditVerdict: Hashable, Sendable {
    /// All records from the mark on are as they were written; this is the last one.
    case intact(AuditMark)
    /// So far all are, and there are more: go on from here.
    case more(AuditMark)
    /// The first record that is not.
    case broken(number: Int64, problem: String)
}

/// What a check of a part of the audit records found, see ``StateStore/checkAudit(after:from:limit:)``.
package struct AuditFinding: Hashable, Sendable {
    package var verdict: AuditVerdict
    /// The last record that is as it was written.
    package var reached: AuditMark
    /// Of a broken one: the first record behind it.
    package var resume: Int64?
}

private enum AuditQueries {
    static let insert = Query(
        "append audit record",
        """
        INSERT INTO audit (seq, wall, uid, token, tenant, what, object, outcome, trace, previous, digest,
            count)
        VALUES (:seq, :wall, :uid, :token, :tenant, :what, :object, :outcome, :trace, :previous, :digest,
            :count)
        """)
    static let last = Query(
        "read last audit record", "SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1")
    static let after = Query(
        "read audit records", "SELECT * FROM audit WHERE seq > :number ORDER BY seq LIMIT :limit")
    static let one = Query("read audit record", "SELECT digest FROM audit WHERE seq = :number")
    static let drop = Query("drop audit records", "DELETE FROM audit WHERE seq <= :number")
    static let from = Query(
        "read audit record", "SELECT * FROM audit WHERE seq >= :number ORDER BY seq LIMIT 1")
    // The largest number that was ever given (AUTOINCREMENT), even if its record is gone.
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
            guard let digest = try auditDigest(of: mark.number) else {
                return .broken(number: mark.number, problem: AuditProblem.missing)
            }
            guard digest == mark.digest else {
                return .broken(number: mark.number, problem: "it is not the record that was marked")
            }
        }
        return try follow(mark.number < dropped.number ? dropped : mark, limit: limit).verdict
    }

    /// Checks a part of the audit records, so that everything that is wrong with them can be found.
    /// - Parameters:
    ///   - mark: that they have to follow.
    ///   - number: in place of a mark, the record to begin with, whose word is taken for the one before it.
    ///   - limit: the most records to look at in one call.
    package func checkAudit(
        after mark: AuditMark = .beginning, from number: Int64? = nil, limit: Int
    ) throws(StoreError) -> AuditFinding {
        var finding: AuditFinding
        if let number {
            let first = try database.first(AuditQueries.from, ["number": .integer(number)]) {
                (row) throws(StoreError) in try AuditRecord(row)
            }
            guard let first else {
                let last = try lastAuditMark()
                return AuditFinding(verdict: .intact(last), reached: last)
            }
            let before = AuditMark(number: first.number - 1, digest: first.previous)
            finding = try follow(before, limit: limit)
        } else {
            // A limit of one record is enough to know whether the mark is to be believed.
            let believed = try verifyAudit(after: mark, limit: 1)
            if case .broken(let number, _) = believed, number == mark.number, mark.number > 0 {
                finding = AuditFinding(verdict: believed, reached: .beginning)
            } else {
                let dropped = try lastDropped()
                finding = try follow(mark.number < dropped.number ? dropped : mark, limit: limit)
            }
        }
        if case .broken(let number, let problem) = finding.verdict {
            let next = problem == AuditProblem.missing ? number : number + 1
            finding.resume = try database.first(AuditQueries.from, ["number": .integer(next)]) {
                (row) throws(StoreError) in try row.integer("seq")
            }
        }
        return finding
    }

    private func follow(_ mark: AuditMark, limit: Int) throws(StoreError) -> AuditFinding {
        let limit = Self.bounded(limit)
        var reached = mark
        let records = try audit(after: reached.number, limit: limit)
        for record in records {
            if let (number, problem) = record.problem(after: reached, SHA256.of) {
                return AuditFinding(verdict: .broken(number: number, problem: problem), reached: reached)
            }
            reached = record.mark
        }
        if records.count == limit { return AuditFinding(verdict: .more(reached), reached: reached) }
        let highest = max(try highestAudit(), head.missing?.number ?? 0)
        let isWhole = highest == reached.number
        return AuditFinding(
            verdict: isWhole
                ? .intact(reached) : .broken(number: reached.number + 1, problem: AuditProblem.missing),
            reached: reached)
    }

    /// The number of the last record that was ever written here.
    func highestAudit() throws(StoreError) -> Int64 {
        try database.first(AuditQueries.highest) { (row) throws(StoreError) in try row.integer("seq") } ?? 0
    }

    func auditDigest(of number: Int64) throws(StoreError) -> String? {
        try database.first(AuditQueries.one, ["number": .integer(number)]) { (row) throws(StoreError) in
            try row.text("digest")
        }
    }

    /// The last record that there is, or was dropped because of its age.
    func lastAuditMark() throws(StoreError) -> AuditMark {
        let last = try database.first(AuditQueries.last) { (row) throws(StoreError) in
            AuditMark(number: try row.integer("seq"), digest: try row.text("digest"))
        }
        return if let last { last } else { try lastDropped() }
    }

    /// The last record that went because of its age; where none did, the place before the first.
    func lastDropped() throws(StoreError) -> AuditMark {
        guard let text = try value(of: .audit) else { return .beginning }
        let words = text.split(separator: " ")
        guard words.count == 2, let number = Int64(words[0]), number > 0, words[1].utf8.count == 64 else {
            throw .damaged(path: path, problem: "the mark of dropped audit records is \(text)")
        }
        return AuditMark(number: number, digest: String(words[1]))
    }

    /// Records that need not be kept in the table: the first ones, as far as they are too many, or written before
    /// a moment and no younger one is among them: the wall clock may have been set back in between.
    func oldAudit(_ retention: Retention, limit: Int) throws(StoreError) -> [AuditRecord] {
        let highest = try highestAudit()
        // Numbers that were lost count: they make a bound that is kept all the sooner.
        let tooMany =
            retention.auditRecords.map { highest.subtractingReportingOverflow($0).partialValue } ?? 0
        return Array(
            try audit(after: 0, limit: limit).prefix {
                $0.number <= tooMany || $0.entry.wall < retention.audit
            })
    }

    /// Drops the records up to one. The chain goes on from there.
    /// - Returns: how many.
    func dropAudit(through last: AuditMark) throws(StoreError) -> Int {
        try set(.audit, "\(last.number) \(last.digest)")
        return try database.run(AuditQueries.drop, ["number": .integer(last.number)])
    }

    func append(_ entry: AuditEntry) throws(StoreError) -> Outcome {
        var previous = try lastAuditMark()
        // What is gone leaves a hole, for good: nobody gets its numbers.
        if let missing = head.missing, missing.number > previous.number { previous = missing }
        let number = previous.number + 1
        let digest = SHA256.of(entry.digested(number: number, previous: previous.digest))
        try database.run(
            AuditQueries.insert,
            [
                "seq": .integer(number), "wall": .integer(entry.wall),
                "uid": .optional(entry.uid.map { Int64($0) }), "token": .optional(entry.token),
                "tenant": .optional(entry.tenant), "what": .text(entry.what),
                "object": .optional(entry.object), "outcome": .text(entry.outcome),
                "trace": .optional(entry.trace), "previous": .text(previous.digest),
                "digest": .text(digest), "count": .optional(entry.count),
            ])
        head.reached = AuditMark(number: number, digest: digest)
        return .done
    }
}

extension AuditRecord {
    init(_ row: Row) throws(StoreError) {
        let uid = try row.optionalInteger("uid")
        self.init(
            number: try row.integer("seq"),
            entry: AuditEntry(
                wall: try row.integer("wall"), uid: uid.map { UInt32(clamping: $0) },
                token: try row.optionalText("token"), tenant: try row.optionalText("tenant"),
                what: try row.text("what"), object: try row.optionalText("object"),
                outcome: try row.text("outcome"), count: try row.optionalInteger("count"),
                trace: try row.optionalText("trace")),
            previous: try row.text("previous"), digest: try row.text("digest"))
    }
}
