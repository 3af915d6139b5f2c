package import Sandbox

/// The life of one process of a session, with its restarts: events go in, what is to be done comes out.
///
///     requested ──▶ starting ──▶ running ──▶ stopping ──▶ ended
///                       ▲           └──▶ restarting ─────────▲
///                       └────────────────────┘
///
/// What ends a process from outside (a stop, its timeout, too much output, its session's end) ends it for
/// good; only what ends by itself is started again.
package struct ProcessMachine: Sendable {
    enum Stage: Hashable, Sendable {
        case requested, starting, running
        case restarting(at: BootTime)
        case stopping(Ending)
        case ended
    }

    /// What makes a stopping one end.
    enum Ending: Hashable, Sendable {
        /// It was asked to, and is killed at that moment.
        case asked(killAt: BootTime)
        case killed(at: BootTime)
        /// Its session ends, which sees to it.
        case session
    }

    package let spec: ProcessSpec
    package let patience: ProcessPatience
    /// Why it ends for good; set once.
    package private(set) var cause: Cause?
    package private(set) var since: BootTime
    package internal(set) var status: ProcessStatus?
    package internal(set) var startedAt: BootTime?
    package internal(set) var cut: UInt64 = 0
    package internal(set) var restarts = 0
    /// In a row without a healthy run.
    var failures = 0
    private var problem = ""
    private(set) var stage = Stage.requested
    private var waiters: [Ticket] = []
    private var armed: BootTime?

    package init(_ spec: ProcessSpec, patience: ProcessPatience = .init(), at now: BootTime) {
        self.spec = spec
        self.patience = patience
        since = now
    }

    /// As it was recorded. What has become of it since says the next event: ``ProcessEvent/adopted``,
    /// ``ProcessEvent/exited(_:)`` or ``ProcessEvent/lost(_:)``.
    package init(restoring record: ProcessRecord, _ spec: ProcessSpec, patience: ProcessPatience = .init()) {
        self.init(spec, patience: patience, at: record.since)
        cause = record.cause
        problem = record.problem
        status = record.status
        startedAt = record.startedAt
        cut = record.cut
        restarts = record.restarts
        failures = record.failures
        stage =
            switch record.state {
            case .requested: .requested
            case .starting: .starting
            case .running: .running
            case .restarting: .restarting(at: record.nextAt ?? record.since)
            case .stopping: .stopping(record.nextAt.map { .asked(killAt: $0) } ?? .session)
            case .ended: .ended
            }
    }

    // MARK: Views

    package var state: ProcessState {
        switch stage {
        case .requested: .requested
        case .starting: .starting
        case .running: .running
        case .restarting: .restarting
        case .stopping: .stopping
        case .ended: .ended
        }
    }

    package var hasEnded: Bool { stage == .ended }

    package var result: ProcessResult? {
        guard hasEnded, let cause else { return nil }
        return ProcessResult(
            status: status, cause: cause, startedAt: startedAt, endedAt: since, cut: cut, restarts: restarts,
            problem: problem)
    }

    package var record: ProcessRecord {
        ProcessRecord(
            state: state, since: since, cause: cause, problem: problem, status: status, startedAt: startedAt,
            cut: cut, restarts: restarts, failures: failures, nextAt: nextAt)
    }

    /// When it has to be looked at again.
    package var nextDeadline: BootTime? {
        switch stage {
        case .running: timesOutAt
        case .restarting(let moment), .stopping(.asked(let moment)): moment
        case .requested, .starting, .stopping(.killed), .stopping(.session), .ended: nil
        }
    }

    private var nextAt: BootTime? {
        // A kill that was recorded may not have been sent: it stays due.
        if case .stopping(.killed(let moment)) = stage { return moment }
        return stage == .running ? nil : nextDeadline
    }

    private var timesOutAt: BootTime? {
        guard let startedAt, let timeout = spec.timeout else { return nil }
        let end = startedAt.later(by: .milliseconds(timeout))
        return end < .max ? end : nil
    }

    // MARK: Events

    /// What is to be done about a process that has just been asked for, before its first event.
    package mutating func opening() -> [ProcessAction] { [.record(record), .publish(.state(state))] }

    package mutating func handle(_ event: ProcessEvent, at now: BootTime) -> [ProcessAction] {
        var out: [ProcessAction] = []
        switch event {
        case .start: start(at: now, &out)
        case .deadline: deadline(at: now, &out)
        case .outputCut(let total): outputCut(total, &out)
        case .outputExceeded: end(Stop(.output, grace: 0), at: now, &out)
        case .sessionStopping(let cause): sessionStopping(cause, at: now, &out)
        case .sessionEnded(let cause): finish(cause, at: now, &out)
        case .started: started(at: now, &out)
        case .startFailed(let problem): startFailed(problem, at: now, &out)
        case .exited(let exit): exited(exit, at: now, &out)
        case .adopted: adopted(at: now, &out)
        case .lost(let loss): lost(loss, at: now, &out)
        case .stop(let stop): end(stop, at: now, &out)
        case .wait(let ticket): wait(ticket, &out)
        case .abandoned(let ticket): abandoned(ticket, &out)
        }
        if nextDeadline != armed {
            armed = nextDeadline
            out.append(.deadline(armed))
        }
        return out
    }

    // MARK: What the extension builds on

    mutating func enter(_ next: Stage, at now: BootTime, _ out: inout [ProcessAction]) {
        stage = next
        since = now
        out.append(.record(record))
        guard let result else { return out.append(.publish(.state(state))) }
        out.append(.publish(.ended(result)))
        out += waiters.map { .answer($0, result) }
        waiters = []
    }

    /// The cause stays what it was first.
    mutating func setCause(_ cause: Cause, problem: String = "") {
        guard self.cause == nil else { return }
        self.cause = cause
        if !problem.isEmpty { self.problem = problem }
    }

    mutating func disarm() { armed = nil }

    mutating func wait(_ ticket: Ticket, _ out: inout [ProcessAction]) {
        if let result { out.append(.answer(ticket, result)) } else { waiters.append(ticket) }
    }

    mutating func abandoned(_ ticket: Ticket, _ out: inout [ProcessAction]) {
        guard let place = waiters.firstIndex(of: ticket) else { return ignore(.late, &out) }
        waiters.remove(at: place)
    }

    func ignore(_ reason: IgnoredEvent, _ out: inout [ProcessAction]) {
        out.append(.ignored(hasEnded ? .ended : reason))
    }
}
