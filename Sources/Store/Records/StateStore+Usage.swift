// Counting what tenants use, in the transaction of the record that tells it: neither is ever there without the other.

private enum UsageQueries {
    static let add = Query(
        "count usage",
        """
        INSERT INTO usage (tenant, day, session_time, execs, cpu, disk)
        VALUES (:tenant, :day, :session_time, :execs, :cpu, :disk)
        ON CONFLICT (tenant, day) DO UPDATE SET session_time = session_time + excluded.session_time,
            execs = execs + excluded.execs, cpu = cpu + excluded.cpu, disk = disk + excluded.disk
        """)
    static let session = Query(
        "read session's time",
        "SELECT tenant, boot, last_use, started_wall, started_boot FROM sessions WHERE id = :id")
    static let list = Query(
        "list usage",
        "SELECT * FROM usage WHERE day >= :first AND day < :end ORDER BY tenant, day")
}

extension StateStore {
    /// What was recorded of days from `first` up to the one before `end`, by tenant and day. What still runs is not
    /// in it.
    package func usage(from first: Int64, to end: Int64) throws(StoreError) -> [UsageRecord] {
        try database.rows(UsageQueries.list, ["first": .integer(first), "end": .integer(end)]) {
            (row) throws(StoreError) in
            var record = UsageRecord(tenant: try row.text("tenant"), day: try row.integer("day"))
            record.sessionTime = try row.unsigned("session_time")
            record.execs = try row.unsigned("execs")
            record.cpu = try row.unsigned("cpu")
            record.disk = try row.unsigned("disk")
            return record
        }
    }

    private func add(_ record: UsageRecord) throws(StoreError) {
        try database.run(
            UsageQueries.add,
            [
                "tenant": .text(record.tenant), "day": .integer(record.day),
                "session_time": .unsigned(record.sessionTime), "execs": .unsigned(record.execs),
                "cpu": .unsigned(record.cpu), "disk": .unsigned(record.disk),
            ])
    }

    func countExec(of tenant: String, at wall: Int64) throws(StoreError) {
        var record = UsageRecord(tenant: tenant, day: DaySpan.day(of: wall))
        record.execs = 1
        try add(record)
    }

    /// - Parameter time: in nanoseconds.
    func countCPU(_ time: UInt64, session: String, at wall: Int64) throws(StoreError) {
        let tenant = try database.first(UsageQueries.session, ["id": .text(session)]) {
            (row) throws(StoreError) in try row.text("tenant")
        }
        guard let tenant else { return }
        var record = UsageRecord(tenant: tenant, day: DaySpan.day(of: wall))
        record.cpu = time
        try add(record)
    }

    /// Of a session whose row says that it lives.
    /// - Parameter standing: in which it does not any more.
    func countSession(_ id: String, _ standing: SessionStanding) throws(StoreError) {
        let earlier = try database.first(UsageQueries.session, ["id": .text(id)]) {
            (row) throws(StoreError) in
            (
                tenant: try row.text("tenant"), boot: try row.text("boot"),
                lastUse: try row.unsigned("last_use"),
                started: try Moment.optional(row, "started_wall", "started_boot")
            )
        }
        guard let earlier, let ended = standing.ended,
            let span = SessionTime.span(
                started: standing.started ?? earlier.started, ended: ended,
                isSameBoot: earlier.boot == standing.boot, lastUse: earlier.lastUse)
        else { return }
        for (day, time) in span.days {
            var record = UsageRecord(tenant: earlier.tenant, day: day)
            record.sessionTime = time
            try add(record)
        }
    }

    /// Tenants that are no more are left out.
    func count(_ disk: DiskRecord) throws(StoreError) -> Outcome {
        for record in disk.usage where try hasTenant(record.tenant) { try add(record) }
        try set(.disk, disk.until.description)
        return .done
    }
}
