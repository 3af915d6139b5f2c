// Recording and reading sessions; lists of them are in StateStore+List.swift.

private enum SessionQueries {
    static let insert = Query(
        "insert session",
        """
        INSERT INTO sessions (
            id, name, tenant, profile, image, spec, request_key, request_digest, created_wall, created_boot,
            state, live, cause, started_wall, started_boot, ended_wall, ended_boot, boot, warden,
            ttl_deadline, idle_deadline, max_deadline, last_use, removals, ttl, idle, leases, kill_at, problem
        ) VALUES (
            :id, :name, :tenant, :profile, :image, :spec, :request_key, :request_digest, :created_wall,
            :created_boot, :state, :live, :cause, :started_wall, :started_boot, :ended_wall, :ended_boot,
            :boot, :warden, :ttl_deadline, :idle_deadline, :max_deadline, :last_use, :removals, :ttl, :idle,
            :leases, :kill_at, :problem
        )
        """)
    static let update = Query(
        "update session",
        """
        UPDATE sessions SET
            state = :state, live = :live, cause = :cause, started_wall = :started_wall,
            started_boot = :started_boot, ended_wall = :ended_wall, ended_boot = :ended_boot, boot = :boot,
            warden = :warden, ttl_deadline = :ttl_deadline, idle_deadline = :idle_deadline,
            max_deadline = :max_deadline, last_use = :last_use, removals = :removals, ttl = :ttl,
            idle = :idle, leases = :leases, kill_at = :kill_at, problem = :problem
        WHERE id = :id
        """)
    /// Of one that lives and goes on living: no index is touched.
    static let step = Query(
        "step session",
        """
        UPDATE sessions SET
            state = :state, cause = :cause, started_wall = :started_wall, started_boot = :started_boot,
            boot = :boot, warden = :warden, ttl_deadline = :ttl_deadline, idle_deadline = :idle_deadline,
            max_deadline = :max_deadline, last_use = :last_use, removals = :removals, ttl = :ttl,
            idle = :idle, leases = :leases, kill_at = :kill_at, problem = :problem
        WHERE id = :id
        """)
    static let addLabel = Query(
        "insert label", "INSERT INTO labels (session, key, value) VALUES (:session, :key, :value)")
    static let labels = Query("read labels", "SELECT key, value FROM labels WHERE session = :session")
    static let byID = Query("read session", "SELECT * FROM sessions WHERE id = :id")
    static let byName = Query(
        "find session", "SELECT * FROM sessions WHERE tenant = :tenant AND name = :name AND live = 1")
    static let byRequest = Query(
        "find request", "SELECT * FROM sessions WHERE tenant = :tenant AND request_key = :key")
    static let state = Query(
        "read session state",
        "SELECT state, live = 1 AND ended_wall IS NULL AS lives FROM sessions WHERE id = :id")
    static let live = Query(
        "list live sessions", "SELECT * FROM sessions WHERE live = 1 ORDER BY created_wall, id")
}

extension StateStore {
    package func session(_ id: String) throws(StoreError) -> SessionRecord? {
        try sessions(SessionQueries.byID, ["id": .text(id)]).first
    }

    /// The live session that has this name.
    package func session(named name: String, of tenant: String) throws(StoreError) -> SessionRecord? {
        try sessions(SessionQueries.byName, ["tenant": .text(tenant), "name": .text(name)]).first
    }

    /// The session that was made for a request with this idempotency key.
    package func session(
        requested key: String, by tenant: String
    ) throws(StoreError) -> SessionRecord? {
        try sessions(SessionQueries.byRequest, ["tenant": .text(tenant), "key": .text(key)]).first
    }

    /// All sessions of which something may be left outside, oldest first: what the reconciler begins with.
    package func liveSessions() throws(StoreError) -> [SessionRecord] { try sessions(SessionQueries.live) }

    /// The sessions whose rows a statement gives, with their labels.
    func sessions(_ query: Query, _ values: SQLValues = [:]) throws(StoreError) -> [SessionRecord] {
        try database.rows(query, values) { (row) throws(StoreError) in
            try SessionRecord(row, labels: try labels(of: try row.text("id")))
        }
    }

    private func labels(of session: String) throws(StoreError) -> [String: String] {
        let pairs = try database.rows(SessionQueries.labels, ["session": .text(session)]) {
            (row) throws(StoreError) in (try row.text("key"), try row.text("value"))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    func create(_ session: SessionRecord, _ why: String) throws(StoreError) -> Outcome {
        if let request = session.request,
            let earlier = try self.session(requested: request.key, by: session.tenant)
        {
            return earlier.request == request ? .existing(earlier) : .conflict(session: earlier.id)
        }
        guard try hasTenant(session.tenant) else { return .noTenant(session.tenant) }
        if let name = session.name, let other = try self.session(named: name, of: session.tenant) {
            return .nameTaken(by: other.id)
        }
        try insert(session)
        for (key, value) in session.labels {
            try database.run(
                SessionQueries.addLabel,
                ["session": .text(session.id), "key": .text(key), "value": .text(value)])
        }
        try note(
            HistoryEntry(
                session: session.id, process: nil, from: nil, to: session.standing.state, at: session.created,
                why: why))
        return .done
    }

    func update(
        _ id: String, _ standing: SessionStanding, _ moment: Moment, _ why: String
    ) throws(StoreError) -> Outcome {
        let earlier = try database.first(SessionQueries.state, ["id": .text(id)]) {
            (row) throws(StoreError) in
            (state: try row.text("state"), lives: try row.flag("lives"))
        }
        guard let earlier else { return .missing(id: id) }
        let key: SQLValues = ["id": .text(id)]
        if earlier.lives, standing.isLive, standing.ended == nil {
            try database.run(SessionQueries.step, key + standing.step)
        } else {
            if earlier.lives { try countSession(id, standing) }
            try database.run(SessionQueries.update, key + standing.step + standing.end)
        }
        if earlier.state != standing.state {
            try note(
                HistoryEntry(
                    session: id, process: nil, from: earlier.state, to: standing.state, at: moment, why: why))
        }
        return .done
    }

    private func insert(_ session: SessionRecord) throws(StoreError) {
        let own: SQLValues = [
            "id": .text(session.id), "name": .optional(session.name), "tenant": .text(session.tenant),
            "profile": .text(session.profile), "image": .text(session.image), "spec": .text(session.spec),
            "request_key": .optional(session.request?.key),
            "request_digest": .optional(session.request?.digest),
            "created_wall": .integer(session.created.wall), "created_boot": .unsigned(session.created.boot),
        ]
        try database.run(SessionQueries.insert, own + session.standing.step + session.standing.end)
    }
}

extension SessionStanding {
    /// By the names that all statements have for them; what changes while it lives.
    fileprivate var step: SQLValues {
        [
            "state": .text(state), "cause": .optional(cause), "started_wall": .optional(started?.wall),
            "started_boot": .optional(started?.boot), "boot": .text(boot), "warden": .optional(warden),
            "ttl_deadline": .optional(ttlDeadline), "idle_deadline": .optional(idleDeadline),
            "max_deadline": .optional(maxDeadline), "last_use": .unsigned(lastUse),
            "removals": .unsigned(removals), "ttl": .optional(ttl), "idle": .optional(idle),
            "leases": .optional(leases), "kill_at": .optional(killAt), "problem": .text(problem),
        ]
    }

    /// The rest.
    fileprivate var end: SQLValues {
        [
            "live": .flag(isLive), "ended_wall": .optional(ended?.wall), "ended_boot": .optional(ended?.boot),
        ]
    }
}
