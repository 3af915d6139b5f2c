/// One change of state of a session or a process. The history is only ever added to.
package struct HistoryEntry: Hashable, Sendable {
    package let session: String
    /// Nil for a change of the session itself.
    package let process: String?
    /// Nil for the first state.
    package let from: String?
    package let to: String
    package let at: Moment
    package let why: String
}

/// A ``HistoryEntry`` and its place among all others, which grows and is never used again.
package struct NumberedEntry: Hashable, Sendable {
    package let number: Int64
    package let entry: HistoryEntry
}

private enum HistoryQueries {
    static let insert = Query(
        "note change",
        """
        INSERT INTO changes (session, process, from_state, to_state, wall, boot, why)
        VALUES (:session, :process, :from, :to, :wall, :boot, :why)
        """)
    static let ofSession = Query(
        "read history",
        "SELECT * FROM changes WHERE session = :session AND seq > :number ORDER BY seq LIMIT :limit")
    static let all = Query(
        "read changes", "SELECT * FROM changes WHERE seq > :number ORDER BY seq LIMIT :limit")
}

extension StateStore {
    /// What happened to a session and its processes, oldest first.
    /// - Parameter number: of the last entry that is known already.
    package func history(
        of session: String, after number: Int64 = 0, limit: Int
    ) throws(StoreError) -> [NumberedEntry] {
        try entries(
            HistoryQueries.ofSession,
            [
                "session": .text(session), "number": .integer(number),
                "limit": .integer(Int64(Self.bounded(limit))),
            ])
    }

    /// What happened to all sessions, oldest first.
    package func history(after number: Int64 = 0, limit: Int) throws(StoreError) -> [NumberedEntry] {
        try entries(
            HistoryQueries.all, ["number": .integer(number), "limit": .integer(Int64(Self.bounded(limit)))])
    }

    private func entries(_ query: Query, _ values: SQLValues) throws(StoreError) -> [NumberedEntry] {
        try database.rows(query, values) { (row) throws(StoreError) in
            NumberedEntry(
                number: try row.integer("seq"),
                entry: HistoryEntry(
                    session: try row.text("session"), process: try row.optionalText("process"),
                    from: try row.optionalText("from_state"), to: try row.text("to_state"),
                    at: try Moment(row, "wall", "boot"), why: try row.text("why")))
        }
    }

    func note(_ entry: HistoryEntry) throws(StoreError) {
        try database.run(
            HistoryQueries.insert,
            [
                "session": .text(entry.session), "process": .optional(entry.process),
                "from": .optional(entry.from), "to": .text(entry.to), "wall": .integer(entry.at.wall),
                "boot": .unsigned(entry.at.boot), "why": .text(entry.why),
            ])
    }
}
