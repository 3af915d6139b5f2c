package import Sandbox

/// Where a process is in its life.
package enum ProcessState: String, CaseIterable, Sendable {
    case requested, starting, running
    /// It ended by itself and waits to be started again.
    case restarting
    case stopping, ended
}

/// What the life of a process depends on. The program, its arguments and the like are no matter of it.
package struct ProcessSpec: Hashable, Sendable {
    package var kind: ProcessKind
    /// Of a managed one, unique in its session.
    package var name: Name?
    /// In milliseconds, from each start; nil for any.
    package var timeout: UInt64?
    /// In milliseconds, for the end it is asked for; nil for the usual.
    package var grace: UInt64?
    /// An exec is never started again.
    package var restart: RestartPolicy
    /// Whether it waits for serial ones that were asked for before it.
    package var isSerial: Bool

    package init(
        kind: ProcessKind, name: Name? = nil, timeout: UInt64? = nil, grace: UInt64? = nil,
        restart: RestartPolicy = .no, isSerial: Bool = false
    ) {
        self.kind = kind
        self.name = name
        self.timeout = timeout
        self.grace = grace
        self.restart = kind == .managed ? restart : .no
        self.isSerial = isSerial
    }
}

/// How a process ended, as the kernel says it.
package enum ProcessStatus: Hashable, Sendable {
    case exited(UInt8)
    /// By the number of a signal.
    case signalled(UInt8)
}

/// What the warden says about an exit.
package struct ProcessExit: Hashable, Sendable {
    package var status: ProcessStatus
    /// Where it knows more than the status says: memory, pids, seccomp.
    package var cause: Cause?
    /// When it happened, which may be long before it is told.
    package var at: BootTime

    package init(_ status: ProcessStatus, cause: Cause? = nil, at: BootTime) {
        self.status = status
        self.cause = cause
        self.at = at
    }
}

/// What became of a process.
package struct ProcessResult: Hashable, Sendable {
    /// Nil for one that never ran, or of which nobody knows.
    package var status: ProcessStatus?
    package var cause: Cause
    /// Of the last run; nil when there was none.
    package var startedAt: BootTime?
    package var endedAt: BootTime
    /// Bytes of output that were not kept, of both streams.
    package var cut: UInt64
    package var restarts: Int
    /// For people; empty where nothing went wrong.
    package var problem: String
}

/// What is kept of a process so that another daemon can go on with it.
package struct ProcessRecord: Hashable, Sendable {
    package var state: ProcessState
    package var since: BootTime
    /// From the first moment it was known to end for good.
    package var cause: Cause?
    package var problem: String
    package var status: ProcessStatus?
    package var startedAt: BootTime?
    package var cut: UInt64
    /// All of them.
    package var restarts: Int
    /// In a row without a healthy run.
    package var failures: Int
    /// When the next step is due: a restart, or the kill of what does not end.
    package var nextAt: BootTime?

    package init(
        state: ProcessState, since: BootTime, cause: Cause? = nil, problem: String = "",
        status: ProcessStatus? = nil, startedAt: BootTime? = nil, cut: UInt64 = 0, restarts: Int = 0,
        failures: Int = 0, nextAt: BootTime? = nil
    ) {
        self.state = state
        self.since = since
        self.cause = cause
        self.problem = problem
        self.status = status
        self.startedAt = startedAt
        self.cut = cut
        self.restarts = restarts
        self.failures = failures
        self.nextAt = nextAt
    }
}

/// How long the steps of a process's life may take.
package struct ProcessPatience: Hashable, Sendable {
    /// For a process to end itself where nobody says otherwise.
    package var grace: BootTime
    package var restart: BackOff
    /// A run that lasts this long wipes out the failures before it.
    package var health: BootTime

    package init(
        grace: BootTime = .seconds(10),
        restart: BackOff = BackOff(first: .milliseconds(100), most: .seconds(60)),
        health: BootTime = .seconds(10)
    ) {
        self.grace = grace
        self.restart = restart
        self.health = health
    }
}
