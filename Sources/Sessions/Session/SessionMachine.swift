package import Sandbox

/// The life of one session: events go in, what is to be done comes out.
///
///     created ──▶ starting ──▶ running ◀──▶ paused
///        │            └───────────┴───────────┴──▶ stopping ──▶ ended
///        └──────────────────────────────────────────────────────▲ ▲
///                                                 quarantined ◀─┘─┘
///
/// It has no clock and asks no kernel. Every event has a meaning in every state: what does not fit is
/// answered with a reason, or ignored with one, because events race. What it says of itself is what the
/// last ``SessionAction/record(_:)`` said.
package struct SessionMachine: Sendable {
    enum Stage: Hashable, Sendable {
        case created, starting, running, pausing, paused, resuming
        case stopping(StopSequence)
        case quarantined(StopSequence)
        case ended
    }

    struct Waiter: Hashable, Sendable {
        let goal: Goal
        let ticket: Ticket
    }

    package let leases: LeasePolicy
    package let patience: SessionPatience
    package internal(set) var lifespan: Lifespan
    /// Why it ends; set once.
    package private(set) var cause: Cause?
    /// Since when it is in its present step.
    package private(set) var since: BootTime
    var stage: Stage
    /// Of the cause.
    var problem = ""
    var waiters: [Waiter] = []
    /// Processes by kind, restarting ones included.
    var processes: [ProcessKind: Int] = [:]
    /// The deadline that was told last.
    private var armed: BootTime?

    package init(_ lifespan: Lifespan, leases: LeasePolicy = .all, patience: SessionPatience = .init()) {
        self.lifespan = lifespan
        self.leases = leases
        self.patience = patience
        since = lifespan.createdAt
        stage = .created
    }

    /// As it was recorded, by another daemon perhaps. What has become of the sandbox since says the next
    /// event, which is ``SessionEvent/adopted(_:)`` or ``SessionEvent/lost(_:)``.
    package init(
        restoring record: SessionRecord, leases: LeasePolicy = .all, patience: SessionPatience = .init(),
        at now: BootTime
    ) {
        self.init(
            Lifespan(
                createdAt: record.createdAt, ttl: record.ttl, expiresAt: record.expiresAt, idle: record.idle,
                lastsUntil: record.lastsUntil, now: now),
            leases: leases, patience: patience)
        let isOver = [.stopping, .quarantined, .ended].contains(record.step)
        cause = record.cause ?? (isOver ? .daemonRestart : nil)
        problem = record.problem
        since = record.since
        stage = SessionMachine.stage(of: record, patience, at: now)
    }

    private static func stage(of record: SessionRecord, _ patience: SessionPatience, at now: BootTime)
        -> Stage
    {
        switch record.step {
        case .created: .created
        case .starting: .starting
        case .running: .running
        case .pausing: .pausing
        case .paused: .paused
        case .resuming: .resuming
        case .stopping:
            .stopping(
                record.killAt.map { .asking(until: $0, patience) } ?? .killing(at: now, patience))
        case .quarantined: .quarantined(.retrying(record.problem, at: now, patience))
        case .ended: .ended
        }
    }

    // MARK: Events

    /// What is to be done about a session that has just been made, before its first event.
    package mutating func opening() -> [SessionAction] {
        var out: [SessionAction] = [.record(record), .publish(news)]
        arm(&out)
        return out
    }

    package mutating func handle(_ event: SessionEvent, at now: BootTime) -> [SessionAction] {
        var out: [SessionAction] = []
        switch event {
        case .start: start(at: now, &out)
        case .deadline: deadline(at: now, &out)
        case .launched: launched(at: now, &out)
        case .launchFailed(let problem): launchFailed(problem, at: now, &out)
        case .initGone(let cause): initGone(cause, at: now, &out)
        case .killed: advance(.emptied, at: now, &out)
        case .removed: advance(.removed, at: now, &out)
        case .removalFailed(let problem): advance(.failed(problem), at: now, &out)
        case .pauseDone: move(from: .pausing, to: .paused, at: now, &out)
        case .resumeDone: move(from: .resuming, to: .running, at: now, &out)
        case .pauseFailed(let problem):
            giveUp(.pausing, for: .running, .paused, .pauseFailed(problem), at: now, &out)
        case .resumeFailed(let problem):
            giveUp(.resuming, for: .paused, .resumed, .resumeFailed(problem), at: now, &out)
        case .adopted(let holding): adopted(holding, at: now, &out)
        case .lost(let loss): lost(loss, at: now, &out)
        case .processStarted(let kind): processStarted(kind, at: now, &out)
        case .processEnded(let kind): processEnded(kind, at: now, &out)
        case .used: used(at: now, &out)
        case .stop(let stop): self.stop(stop, at: now, &out)
        case .renew(let ttl, let ticket): renew(ttl, ticket, at: now, &out)
        case .pause(let ticket): pause(ticket, at: now, &out)
        case .resume(let ticket): resume(ticket, at: now, &out)
        case .wait(let goal, let ticket): wait(goal, ticket, &out)
        case .abandoned(let ticket): abandoned(ticket, &out)
        }
        arm(&out)
        return out
    }

    // MARK: What the extensions build on

    /// Goes to a stage: this is recorded and told before anything else is done about it.
    mutating func enter(_ next: Stage, at now: BootTime, _ out: inout [SessionAction]) {
        let before = (step, state)
        stage = next
        // A launch that is tried again has its time anew.
        if step != before.0 || next == .starting { since = now }
        out.append(.record(record))
        if state != before.1 || state == .quarantined { out.append(.publish(news)) }
        settle(&out)
    }

    /// The cause stays what it was first.
    mutating func setCause(_ cause: Cause, problem: String = "") {
        guard self.cause == nil else { return }
        self.cause = cause
        self.problem = problem
    }

    /// Answers those whose wait is over.
    private mutating func settle(_ out: inout [SessionAction]) {
        let waiting = waiters
        waiters = []
        for waiter in waiting {
            guard let answer = answer(to: waiter.goal) else {
                waiters.append(waiter)
                continue
            }
            out.append(.answer(waiter.ticket, answer))
        }
    }

    /// A deadline that has come has to be set again, be it the same.
    mutating func disarm() { armed = nil }

    private mutating func arm(_ out: inout [SessionAction]) {
        guard nextDeadline != armed else { return }
        armed = nextDeadline
        out.append(.deadline(armed))
    }
}
