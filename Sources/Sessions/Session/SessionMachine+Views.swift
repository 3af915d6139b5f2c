import Sandbox

/// What can be asked of a session without changing it.
extension SessionMachine {
    package var step: SessionStep {
        switch stage {
        case .created: .created
        case .starting: .starting
        case .running: .running
        case .pausing: .pausing
        case .paused: .paused
        case .resuming: .resuming
        case .stopping: .stopping
        case .quarantined: .quarantined
        case .ended: .ended
        }
    }

    package var state: SessionState { step.state }

    package var hasEnded: Bool { stage == .ended }

    package var end: SessionEnd? {
        guard hasEnded, let cause else { return nil }
        return SessionEnd(cause: cause, at: since, problem: problem)
    }

    /// How many processes it has, restarting ones included.
    package var processCount: Int { processes.values.reduce(0, +) }

    package var record: SessionRecord {
        SessionRecord(
            step: step, since: since, cause: cause, problem: shownProblem, createdAt: lifespan.createdAt,
            ttl: lifespan.ttl, expiresAt: lifespan.expiresAt, idle: lifespan.idle,
            lastsUntil: lifespan.lastsUntil, killAt: killAt)
    }

    /// Why no process can be started in it; nil when one can.
    package var refusalOfProcesses: SessionRefusal? {
        switch stage {
        case .running: nil
        case .created, .starting: .notYetRunning(state)
        case .pausing, .paused, .resuming: .paused
        case .stopping, .quarantined, .ended: endRefusal
        }
    }

    /// Why nothing can be asked of one that ends or has ended; nil for one that lives.
    var endRefusal: SessionRefusal? {
        guard let cause else { return nil }
        switch stage {
        case .created, .starting, .running, .pausing, .paused, .resuming: return nil
        case .quarantined: return .quarantined(cause, problem: shownProblem)
        case .stopping: return cause == .launchFailed ? .launchFailed(problem) : .stopping(cause)
        case .ended: return cause == .launchFailed ? .launchFailed(problem) : .ended(cause, at: since)
        }
    }

    /// What somebody who waits is told now; nil while there is nothing to tell.
    func answer(to goal: Goal) -> SessionAnswer? {
        if goal == .ended {
            if let end { return .ended(end) }
            if case .quarantined = stage { return endRefusal.map(SessionAnswer.refused) }
            return nil
        }
        if let refusal = endRefusal { return .refused(refusal) }
        switch stage {
        case .created, .starting: return nil
        case .running, .pausing: return goal == .paused ? nil : .done
        case .paused: return goal == .resumed ? nil : .done
        case .resuming: return goal == .started ? .done : nil
        case .stopping, .quarantined, .ended: return nil
        }
    }

    var news: SessionNews { .state(state, cause, problem: shownProblem) }

    /// When it has to be looked at again.
    package var nextDeadline: BootTime? {
        switch stage {
        case .starting: min(startsBy, lifespan.deadline?.at ?? .max)
        case .created, .running, .pausing, .paused, .resuming: lifespan.deadline?.at
        case .stopping(let sequence), .quarantined(let sequence): sequence.deadline
        case .ended: nil
        }
    }

    var startsBy: BootTime { since.later(by: patience.start) }

    private var killAt: BootTime? {
        guard case .stopping(let sequence) = stage, sequence.phase == .asking else { return nil }
        return sequence.deadline
    }

    private var shownProblem: String {
        if case .quarantined(let sequence) = stage, case .retrying(let problem) = sequence.phase {
            return problem
        }
        return problem
    }
}
