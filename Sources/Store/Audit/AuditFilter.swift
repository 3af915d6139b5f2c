package import API

/// Which audit records are asked for; what is nil is not looked at.
package struct AuditFilter: Hashable, Sendable {
    /// Milliseconds since 1970: from then on, and before then.
    package var since: Int64?
    package var until: Int64?
    package var tenant: String?
    /// Of these callers: a user, or the owner of a token.
    package var uid: UInt32?
    package var token: String?
    /// All of it, or its beginning where it ends in `*`.
    package var action: String?
    /// One thing under one or two names, and what is in it.
    package var objects: [String] = []
    /// A word, or `refused` for everything that is neither `done` nor `accepted`.
    package var outcome: String?

    package init() {}

    fileprivate var values: SQLValues {
        let isFamily = action?.hasSuffix("*") ?? false
        return [
            "since": .optional(since), "until": .optional(until), "tenant": .optional(tenant),
            "uid": .optional(uid.map { Int64($0) }), "token": .optional(token),
            "action": .optional(isFamily ? nil : action),
            "family": .optional(isFamily ? action.map { String($0.dropLast()) } : nil),
            "object": .optional(objects.first), "other": .optional(objects.last),
            "outcome": .optional(outcome == "refused" ? nil : outcome),
            "refused": .flag(outcome == "refused"),
        ]
    }
}

private enum FilterQueries {
    private static let filter = """
        (:since IS NULL OR wall >= :since) AND (:until IS NULL OR wall < :until)
        AND (:tenant IS NULL OR tenant = :tenant)
        AND ((:uid IS NULL AND :token IS NULL) OR uid = :uid OR token = :token)
        AND (:action IS NULL OR what = :action)
        AND (:family IS NULL OR substr(what, 1, length(:family)) = :family)
        AND (:object IS NULL OR object IN (:object, :other)
            OR substr(object, 1, length(:object) + 1) IN (:object || '/', :object || '@')
            OR substr(object, 1, length(:other) + 1) IN (:other || '/', :other || '@'))
        AND (:outcome IS NULL OR outcome = :outcome)
        AND (:refused = 0 OR outcome NOT IN ('done', 'accepted'))
        """
    static let after = Query(
        "read audit records of a kind",
        "SELECT * FROM audit WHERE seq > :after AND seq <= :end AND \(filter) ORDER BY seq LIMIT :limit")
    static let last = Query(
        "read the last audit records of a kind",
        "SELECT * FROM audit WHERE seq > :after AND \(filter) ORDER BY seq DESC LIMIT :limit")
}

extension StateStore {
    /// The most records that are looked at for one answer: whoever asks for what is rare goes on from there.
    private static let auditSpan: Int64 = 10_000

    /// Audit records that a filter lets pass, oldest first.
    /// - Parameters:
    ///   - number: where to go on.
    ///   - limit: the most records of the answer.
    /// - Returns: `next` is where to go on, nil where there are no more.
    package func audit(
        _ filter: AuditFilter, after number: Int64, limit: Int
    ) throws(StoreError) -> (records: [AuditRecord], next: Int64?) {
        let (first, highest) = (max(number, try lastDropped().number), try highestAudit())
        let limit = Self.bounded(limit)
        let end = min(highest, first.addingReportingOverflow(Self.auditSpan).partialValue)
        guard end > first else { return ([], nil) }
        let records = try database.rows(
            FilterQueries.after,
            filter.values + [
                "after": .integer(first), "end": .integer(end), "limit": .integer(Int64(limit)),
            ]
        ) { (row) throws(StoreError) in try AuditRecord(row) }
        let reached = records.count == limit ? records.last?.number ?? end : end
        return (records, reached < highest ? reached : nil)
    }

    /// The last audit records that a filter lets pass, oldest first, of those that were looked at.
    package func lastAudit(_ filter: AuditFilter, limit: Int) throws(StoreError) -> [AuditRecord] {
        let records = try database.rows(
            FilterQueries.last,
            filter.values + [
                "after": .integer(max(0, try highestAudit() - Self.auditSpan)),
                "limit": .integer(Int64(Self.bounded(limit))),
            ]
        ) { (row) throws(StoreError) in try AuditRecord(row) }
        return records.reversed()
    }
}
