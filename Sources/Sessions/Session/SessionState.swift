package import Sandbox

/// Where a session is in its life, as people see it.
package enum SessionState: String, CaseIterable, Sendable {
    case created, starting, running, paused, stopping
    /// It is over, and something of it could not be removed. That is tried again and again; its name and
    /// uid stay taken.
    case quarantined
    case ended
}

/// The same with the steps between, as it is recorded.
package enum SessionStep: String, CaseIterable, Sendable {
    case created, starting, running, pausing, paused, resuming, stopping, quarantined, ended

    package var state: SessionState {
        switch self {
        case .created: .created
        case .starting: .starting
        case .running, .pausing: .running
        case .paused, .resuming: .paused
        case .stopping: .stopping
        case .quarantined: .quarantined
        case .ended: .ended
        }
    }
}

/// What is kept of a session so that another daemon can go on with it. Moments are of the boot they were
/// recorded in.
package struct SessionRecord: Hashable, Sendable {
    package var step: SessionStep
    /// Since when.
    package var since: BootTime
    /// From the first moment it was known to end.
    package var cause: Cause?
    /// What went wrong, for people; empty where nothing did.
    package var problem: String
    package var createdAt: BootTime
    /// A length.
    package var ttl: BootTime?
    package var expiresAt: BootTime?
    /// A length.
    package var idle: BootTime?
    package var lastsUntil: BootTime?
    /// When what has not ended by itself is killed; while stopping.
    package var killAt: BootTime?

    package init(
        step: SessionStep, since: BootTime, cause: Cause? = nil, problem: String = "", createdAt: BootTime,
        ttl: BootTime? = nil, expiresAt: BootTime? = nil, idle: BootTime? = nil,
        lastsUntil: BootTime? = nil, killAt: BootTime? = nil
    ) {
        self.step = step
        self.since = since
        self.cause = cause
        self.problem = problem
        self.createdAt = createdAt
        self.ttl = ttl
        self.expiresAt = expiresAt
        self.idle = idle
        self.lastsUntil = lastsUntil
        self.killAt = killAt
    }
}

/// How long the steps of a session's life may take.
package struct SessionPatience: Hashable, Sendable {
    /// For a sandbox to be ready.
    package var start: BootTime
    /// For processes to end themselves where nobody says otherwise.
    package var grace: BootTime
    /// For everything in a sandbox to be dead once it is killed.
    package var kill: BootTime
    /// For cgroups, volumes and the like to be gone.
    package var removal: BootTime
    /// Between tries to remove what could not be.
    package var retry: BackOff

    package init(
        start: BootTime = .seconds(30), grace: BootTime = .seconds(10), kill: BootTime = .seconds(10),
        removal: BootTime = .seconds(30),
        retry: BackOff = BackOff(first: .seconds(1), most: .seconds(300))
    ) {
        self.start = start
        self.grace = grace
        self.kill = kill
        self.removal = removal
        self.retry = retry
    }
}
