import API

/// How far back records are kept, in milliseconds since 1970.
package struct Retention: Hashable, Sendable {
    /// What processes wrote before this is dropped.
    package var results: Int64
    /// Processes and sessions that ended before this are dropped.
    package var records: Int64
    /// Audit records that were written before this are dropped, from the first one on; none by themselves.
    package var audit: Int64
    /// The most audit records that are kept; nil for any number.
    package var auditRecords: Int64?
    /// Whether audit records are put into files before they are dropped.
    package var archivesAudit: Bool

    package init(
        results: Int64, records: Int64, audit: Int64 = .min, auditRecords: Int64? = nil,
        archivesAudit: Bool = false
    ) {
        self.results = results
        self.records = records
        self.audit = audit
        self.auditRecords = auditRecords
        self.archivesAudit = archivesAudit
    }
}

/// How many rows were dropped.
package struct Pruned: Hashable, Sendable {
    package var results = 0
    package var processes = 0
    package var sessions = 0
    package var audit = 0
    /// Whether nothing more was old enough.
    package var isComplete = true
    /// Why old audit records were not put into a file; all of them are kept.
    package var archiveProblem: StoreError?
}

private enum PruneQueries {
    static let results = Query(
        "prune results",
        """
        DELETE FROM results WHERE process IN (
            SELECT process FROM results WHERE kept_wall < :before ORDER BY kept_wall LIMIT :limit)
        """)
    static let processes = Query(
        "prune processes",
        """
        DELETE FROM processes WHERE id IN (
            SELECT id FROM processes WHERE live = 0 AND ended_wall < :before ORDER BY ended_wall LIMIT :limit)
        """)
    // One with processes goes when they have gone, so that one deletion is never that of thousands of rows.
    static let sessions = Query(
        "prune sessions",
        """
        DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions s WHERE live = 0 AND ended_wall < :before
                AND NOT EXISTS (SELECT 1 FROM processes p WHERE p.session = s.id)
            ORDER BY ended_wall LIMIT :limit)
        """)
    static let giveBack = Query("give pages back", "PRAGMA incremental_vacuum(256)")
}

extension StateStore {
    /// Drops what is older than it is kept for, a bounded part of it: the loop calls this again, at another
    /// turn, until it is complete. What was written is overwritten, and free pages are given back.
    /// - Parameter limit: the most rows of each kind.
    package func prune(_ retention: Retention, limit: Int) throws(StoreError) -> Pruned {
        let limit = Self.bounded(limit)
        var pruned = Pruned()
        let old = try oldAudit(retention, limit: limit)
        var dropped = old.last?.mark
        var archive: AuditArchive?
        if retention.archivesAudit, !old.isEmpty {
            do throws(StoreError) {
                archive = try self.archive(old)
            } catch {
                // Nothing of them goes. What is dropped besides may make the room that is missing.
                (dropped, pruned.archiveProblem) = (nil, error)
            }
        }
        return try database.transaction { () throws(StoreError) in
            let most = SQLValue.integer(Int64(limit))
            pruned.results = try database.run(
                PruneQueries.results, ["before": .integer(retention.results), "limit": most])
            let before = SQLValue.integer(retention.records)
            pruned.processes = try database.run(PruneQueries.processes, ["before": before, "limit": most])
            pruned.sessions = try database.run(PruneQueries.sessions, ["before": before, "limit": most])
            if let dropped { pruned.audit = try dropAudit(through: dropped) }
            if let archive { try record(archive) }
            pruned.isComplete =
                max(pruned.results, pruned.processes, pruned.sessions, pruned.audit) < limit
            try database.run(PruneQueries.giveBack)
            return pruned
        }
    }
}
