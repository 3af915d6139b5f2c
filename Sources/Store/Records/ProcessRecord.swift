/// What is kept of a process: a command that was executed once, or one that is managed.
package struct ProcessRecord: Hashable, Sendable {
    /// 16 lower-case hexadecimal digits.
    package let id: String
    /// The session that it runs in.
    package let session: String
    /// Unique among the session's live processes; nil for none.
    package let name: String?
    package let kind: Kind
    /// The command, as a JSON array.
    package let argv: String
    package let created: Moment
    package var standing: ProcessStanding

    package enum Kind: String, Hashable, Sendable {
        case exec
        case managed
    }

    package init(
        id: String, session: String, name: String? = nil, kind: Kind, argv: String, created: Moment,
        standing: ProcessStanding
    ) {
        self.id = id
        self.session = session
        self.name = name
        self.kind = kind
        self.argv = argv
        self.created = created
        self.standing = standing
    }
}

/// What changes in a process's record.
package struct ProcessStanding: Hashable, Sendable {
    package var state: String
    /// Until it has ended for good.
    package var isLive = true
    package var cause: String?
    /// Its exit status; nil when a signal ended it.
    package var exitCode: Int64?
    package var exitSignal: Int64?
    package var started: Moment?
    package var ended: Moment?
    /// In bytes.
    package var peakMemory: UInt64?
    /// Processor time, in nanoseconds.
    package var cpu: UInt64?
    /// The same of a run whose end is told here first, in nanoseconds: it is counted as the tenant's, and is no part
    /// of the record.
    package var usedCPU: UInt64?
    package var stdout = Output()
    package var stderr = Output()
    package var restarts: UInt64 = 0
    /// What went wrong, for people; empty where nothing did.
    package var problem = ""
    /// Runs that failed, in a row without a healthy one.
    package var failures: UInt64 = 0
    /// When it is started again, or killed because it did not end when asked; in nanoseconds of
    /// CLOCK_BOOTTIME.
    package var nextAt: UInt64?

    package init(state: String) { self.state = state }

    /// One of its two streams, in bytes.
    package struct Output: Hashable, Sendable {
        package var written: UInt64 = 0
        /// How many of those were not kept.
        package var cut: UInt64 = 0

        package init(written: UInt64 = 0, cut: UInt64 = 0) {
            self.written = written
            self.cut = cut
        }
    }
}

/// What a process wrote, kept for a while after its end.
package struct ResultRecord: Hashable, Sendable {
    package let process: String
    /// Since when it is kept, in milliseconds since 1970.
    package let kept: Int64
    package let stdout: [UInt8]
    package let stderr: [UInt8]

    package init(process: String, kept: Int64, stdout: [UInt8], stderr: [UInt8]) {
        self.process = process
        self.kept = kept
        self.stdout = stdout
        self.stderr = stderr
    }
}

extension ProcessRecord {
    init(_ row: Row) throws(StoreError) {
        let word = try row.text("kind")
        guard let kind = Kind(rawValue: word) else { throw row.damage("kind", "is neither exec nor managed") }
        self.init(
            id: try row.text("id"), session: try row.text("session"), name: try row.optionalText("name"),
            kind: kind, argv: try row.text("argv"),
            created: try Moment(row, "created_wall", "created_boot"), standing: try ProcessStanding(row))
    }
}

extension ProcessStanding {
    init(_ row: Row) throws(StoreError) {
        self.init(state: try row.text("state"))
        isLive = try row.flag("live")
        cause = try row.optionalText("cause")
        exitCode = try row.optionalInteger("exit_code")
        exitSignal = try row.optionalInteger("exit_signal")
        started = try Moment.optional(row, "started_wall", "started_boot")
        ended = try Moment.optional(row, "ended_wall", "ended_boot")
        peakMemory = try row.optionalUnsigned("peak_memory")
        cpu = try row.optionalUnsigned("cpu")
        stdout = Output(written: try row.unsigned("stdout_bytes"), cut: try row.unsigned("stdout_cut"))
        stderr = Output(written: try row.unsigned("stderr_bytes"), cut: try row.unsigned("stderr_cut"))
        restarts = try row.unsigned("restarts")
        problem = try row.text("problem")
        failures = try row.unsigned("failures")
        nextAt = try row.optionalUnsigned("next_at")
    }
}
