/// How a sandbox is ended: its processes are asked, then everything in it is killed, then everything of it
/// is removed. Each step has a deadline; one that fails is tried again, later and later.
///
///     asking ──grace──▶ killing ──emptied──▶ removing ──removed──▶ done
///                          └──── failed ────────┴──▶ retrying ──▶ the step that failed
package struct StopSequence: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// TERM was sent.
        case asking
        /// The quota was lifted and everything killed; it is to become empty.
        case killing
        /// Nothing lives; the rest is to go.
        case removing
        /// A step failed and waits for its next try.
        case retrying(String)
        case done
    }

    package enum Event: Hashable, Sendable {
        /// There is nobody left to wait for.
        case nobodyLeft
        /// Nothing in the sandbox lives.
        case emptied
        case removed
        /// A step failed, for this reason.
        case failed(String)
        /// Somebody else wants it to end within this time.
        case hasten(BootTime)
        /// The deadline has come, or not.
        case tick
    }

    /// What is to be done.
    package enum Step: Hashable, Sendable {
        case ask, kill, remove
        case wait(String)
        case finish
    }

    package private(set) var phase: Phase
    /// Nil once it is done.
    package private(set) var deadline: BootTime?
    /// Failures in a row.
    package private(set) var failures = 0
    private var isEmpty: Bool
    private let patience: SessionPatience

    private init(_ phase: Phase, until deadline: BootTime, isEmpty: Bool, _ patience: SessionPatience) {
        self.phase = phase
        self.deadline = deadline
        self.isEmpty = isEmpty
        self.patience = patience
    }

    /// Begins with ``Step/ask``.
    package static func asking(until killAt: BootTime, _ patience: SessionPatience) -> StopSequence {
        StopSequence(.asking, until: killAt, isEmpty: false, patience)
    }

    /// Begins with ``Step/kill``.
    package static func killing(at now: BootTime, _ patience: SessionPatience) -> StopSequence {
        StopSequence(.killing, until: now.later(by: patience.kill), isEmpty: false, patience)
    }

    /// Begins with ``Step/remove``: nothing of it lives.
    package static func removing(at now: BootTime, _ patience: SessionPatience) -> StopSequence {
        StopSequence(.removing, until: now.later(by: patience.removal), isEmpty: true, patience)
    }

    /// As a record of a quarantined session has it: everything is tried again, soon.
    package static func retrying(_ problem: String, at now: BootTime, _ patience: SessionPatience)
        -> StopSequence
    {
        let soon = now.later(by: patience.retry.first)
        return StopSequence(.retrying(problem), until: soon, isEmpty: false, patience)
    }

    /// What is being done, for a warden that may not have been told.
    package var present: Step? {
        switch phase {
        case .asking: .ask
        case .killing: .kill
        case .removing: .remove
        case .retrying, .done: nil
        }
    }

    package mutating func handle(_ event: Event, at now: BootTime) -> Step? {
        if case .done = phase { return nil }
        switch event {
        case .nobodyLeft: return phase == .asking ? kill(at: now) : nil
        case .emptied: return emptied(at: now)
        case .removed: return removed()
        case .failed(let problem): return isTrying ? fail(problem, at: now) : nil
        case .hasten(let grace): return hasten(grace, at: now)
        case .tick: return tick(at: now)
        }
    }

    // MARK: Steps

    private mutating func kill(at now: BootTime) -> Step {
        phase = .killing
        deadline = now.later(by: patience.kill)
        return .kill
    }

    private mutating func remove(at now: BootTime) -> Step {
        phase = .removing
        deadline = now.later(by: patience.removal)
        return .remove
    }

    /// News of a step that had been given up comes late, and is as good.
    private mutating func emptied(at now: BootTime) -> Step? {
        guard !isEmpty else { return nil }
        isEmpty = true
        failures = 0
        return remove(at: now)
    }

    private mutating func removed() -> Step? {
        guard isEmpty else { return nil }
        phase = .done
        deadline = nil
        return .finish
    }

    /// Else a failure is told of a try that was given up before, and the next one has its date already.
    private var isTrying: Bool { phase == .killing || phase == .removing }

    private mutating func fail(_ problem: String, at now: BootTime) -> Step {
        failures += 1
        phase = .retrying(problem)
        deadline = now.later(by: patience.retry.wait(afterFailures: failures))
        return .wait(problem)
    }

    private mutating func hasten(_ grace: BootTime, at now: BootTime) -> Step? {
        switch phase {
        case .asking:
            deadline = min(deadline ?? .max, now.later(by: grace))
            return tick(at: now)
        case .retrying: return isEmpty ? remove(at: now) : kill(at: now)
        case .killing, .removing, .done: return nil
        }
    }

    private mutating func tick(at now: BootTime) -> Step? {
        guard let due = deadline, due <= now else { return nil }
        switch phase {
        case .asking: return kill(at: now)
        case .killing: return fail("something in it is still alive after it was killed", at: now)
        case .removing: return fail("what is left of it was not removed in time", at: now)
        case .retrying: return isEmpty ? remove(at: now) : kill(at: now)
        case .done: return nil
        }
    }
}
