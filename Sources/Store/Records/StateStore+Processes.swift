// Recording and reading processes, and what they wrote.

private enum ProcessQueries {
    static let insert = Query(
        "insert process",
        """
        INSERT INTO processes (
            id, session, name, kind, argv, created_wall, created_boot, state, live, cause, exit_code,
            exit_signal, started_wall, started_boot, ended_wall, ended_boot, peak_memory, cpu, stdout_bytes,
            stderr_bytes, stdout_cut, stderr_cut, restarts, problem, failures, next_at
        ) VALUES (
            :id, :session, :name, :kind, :argv, :created_wall, :created_boot, :state, :live, :cause,
            :exit_code, :exit_signal, :started_wall, :started_boot, :ended_wall, :ended_boot, :peak_memory,
            :cpu, :stdout_bytes, :stderr_bytes, :stdout_cut, :stderr_cut, :restarts, :problem, :failures,
            :next_at
        )
        """)
    static let update = Query(
        "update process",
        """
        UPDATE processes SET
            state = :state, live = :live, cause = :cause, exit_code = :exit_code,
            exit_signal = :exit_signal, started_wall = :started_wall, started_boot = :started_boot,
            ended_wall = :ended_wall, ended_boot = :ended_boot, peak_memory = :peak_memory, cpu = :cpu,
            stdout_bytes = :stdout_bytes, stderr_bytes = :stderr_bytes, stdout_cut = :stdout_cut,
            stderr_cut = :stderr_cut, restarts = :restarts, problem = :problem, failures = :failures,
            next_at = :next_at
        WHERE id = :id
        """)
    static let byID = Query("read process", "SELECT * FROM processes WHERE id = :id")
    static let byName = Query(
        "find process", "SELECT * FROM processes WHERE session = :session AND name = :name AND live = 1")
    static let ofSession = Query(
        "list processes",
        """
        SELECT * FROM processes WHERE session = :session AND (created_wall, id) > (:wall, :id)
        ORDER BY created_wall, id LIMIT :limit
        """)
    static let live = Query(
        "list live processes", "SELECT * FROM processes WHERE live = 1 ORDER BY session, created_wall, id")
    static let step = Query(
        "step process",
        """
        UPDATE processes SET
            state = :state, cause = :cause, exit_code = :exit_code, exit_signal = :exit_signal,
            started_wall = :started_wall, started_boot = :started_boot, peak_memory = :peak_memory,
            cpu = :cpu, stdout_bytes = :stdout_bytes, stderr_bytes = :stderr_bytes,
            stdout_cut = :stdout_cut, stderr_cut = :stderr_cut, restarts = :restarts, problem = :problem,
            failures = :failures, next_at = :next_at
        WHERE id = :id
        """)
    static let state = Query(
        "read process state",
        """
        SELECT session, state, live = 1 AND ended_wall IS NULL AS lives FROM processes WHERE id = :id
        """)
    static let hasSession = Query("look for session", "SELECT tenant FROM sessions WHERE id = :id")
    static let keep = Query(
        "keep result",
        """
        INSERT OR REPLACE INTO results (process, kept_wall, stdout, stderr)
        VALUES (:process, :kept, :stdout, :stderr)
        """)
    static let result = Query("read result", "SELECT * FROM results WHERE process = :process")
}

extension StateStore {
    package func process(_ id: String) throws(StoreError) -> ProcessRecord? {
        try processes(ProcessQueries.byID, ["id": .text(id)]).first
    }

    /// The live process of a session that has this name.
    package func process(named name: String, in session: String) throws(StoreError) -> ProcessRecord? {
        try processes(ProcessQueries.byName, ["session": .text(session), "name": .text(name)]).first
    }

    /// A session's processes, oldest first.
    /// - Parameters:
    ///   - last: the last one of the page before; nil for the first page.
    ///   - limit: the most to return.
    package func processes(
        of session: String, after last: PageMark? = nil, limit: Int
    ) throws(StoreError) -> [ProcessRecord] {
        try processes(
            ProcessQueries.ofSession,
            [
                "session": .text(session), "wall": .integer(last?.created ?? Int64.min),
                "id": .text(last?.id ?? ""), "limit": .integer(Int64(Self.bounded(limit))),
            ])
    }

    /// All processes that have not ended, those of one session together.
    package func liveProcesses() throws(StoreError) -> [ProcessRecord] {
        try processes(ProcessQueries.live)
    }

    /// What a process wrote, where it is still kept.
    package func result(of process: String) throws(StoreError) -> ResultRecord? {
        try database.first(ProcessQueries.result, ["process": .text(process)]) { (row) throws(StoreError) in
            ResultRecord(
                process: try row.text("process"), kept: try row.integer("kept_wall"),
                stdout: try row.blob("stdout"), stderr: try row.blob("stderr"))
        }
    }

    private func processes(
        _ query: Query, _ values: SQLValues = [:]
    ) throws(StoreError) -> [ProcessRecord] {
        try database.rows(query, values) { (row) throws(StoreError) in try ProcessRecord(row) }
    }

    func start(_ process: ProcessRecord, _ why: String) throws(StoreError) -> Outcome {
        let tenant = try database.first(ProcessQueries.hasSession, ["id": .text(process.session)]) {
            (row) throws(StoreError) in try row.text("tenant")
        }
        guard let tenant else { return .missing(id: process.session) }
        if let name = process.name, let other = try self.process(named: name, in: process.session) {
            return .nameTaken(by: other.id)
        }
        let own: SQLValues = [
            "session": .text(process.session), "name": .optional(process.name),
            "kind": .text(process.kind.rawValue), "argv": .text(process.argv),
            "created_wall": .integer(process.created.wall),
            "created_boot": .unsigned(process.created.boot),
        ]
        try database.run(
            ProcessQueries.insert, own + process.standing.step(process.id) + process.standing.end)
        try note(
            HistoryEntry(
                session: process.session, process: process.id, from: nil, to: process.standing.state,
                at: process.created, why: why))
        if process.kind == .exec { try countExec(of: tenant, at: process.created.wall) }
        return .done
    }

    func updateProcess(
        _ id: String, _ standing: ProcessStanding, _ moment: Moment, _ why: String
    ) throws(StoreError) -> Outcome {
        let earlier = try database.first(ProcessQueries.state, ["id": .text(id)]) {
            (row) throws(StoreError) in
            (session: try row.text("session"), state: try row.text("state"), lives: try row.flag("lives"))
        }
        guard let earlier else { return .missing(id: id) }
        try write(id, standing, lives: earlier.lives)
        if earlier.state != standing.state {
            try note(
                HistoryEntry(
                    session: earlier.session, process: id, from: earlier.state, to: standing.state,
                    at: moment,
                    why: why))
            // A record that comes twice finds the state that it brings.
            if let time = standing.usedCPU { try countCPU(time, session: earlier.session, at: moment.wall) }
        }
        return .done
    }

    func keep(_ result: ResultRecord) throws(StoreError) -> Outcome {
        let found = try database.first(ProcessQueries.state, ["id": .text(result.process)]) { _ in true }
        guard found == true else { return .missing(id: result.process) }
        try database.run(
            ProcessQueries.keep,
            [
                "process": .text(result.process), "kept": .integer(result.kept),
                "stdout": .blob(result.stdout), "stderr": .blob(result.stderr),
            ])
        return .done
    }

    /// - Parameter lives: whether its row says so.
    private func write(_ id: String, _ standing: ProcessStanding, lives: Bool) throws(StoreError) {
        // One that goes on living touches no index.
        if lives, standing.isLive, standing.ended == nil {
            try database.run(ProcessQueries.step, standing.step(id))
            return
        }
        try database.run(ProcessQueries.update, standing.step(id) + standing.end)
    }
}

extension ProcessStanding {
    /// By the names that all statements have for them; what changes while it lives.
    fileprivate func step(_ id: String) -> SQLValues {
        [
            "id": .text(id), "state": .text(state), "cause": .optional(cause),
            "exit_code": .optional(exitCode), "exit_signal": .optional(exitSignal),
            "started_wall": .optional(started?.wall), "started_boot": .optional(started?.boot),
            "peak_memory": .optional(peakMemory), "cpu": .optional(cpu),
            "stdout_bytes": .unsigned(stdout.written), "stderr_bytes": .unsigned(stderr.written),
            "stdout_cut": .unsigned(stdout.cut), "stderr_cut": .unsigned(stderr.cut),
            "restarts": .unsigned(restarts), "problem": .text(problem),
            "failures": .unsigned(failures), "next_at": .optional(nextAt),
        ]
    }

    /// The rest.
    fileprivate var end: SQLValues {
        [
            "live": .flag(isLive), "ended_wall": .optional(ended?.wall), "ended_boot": .optional(ended?.boot),
        ]
    }
}
