import Sandbox

/// What the daemon, the warden and processes tell of a session.
extension SessionMachine {
    mutating func start(at now: BootTime, _ out: inout [SessionAction]) {
        guard stage == .created else { return out.append(.ignored(hasEnded ? .ended : .already)) }
        enter(.starting, at: now, &out)
        out.append(.launch)
    }

    mutating func launched(at now: BootTime, _ out: inout [SessionAction]) {
        move(from: .starting, to: .running, at: now, &out)
    }

    mutating func launchFailed(_ problem: String, at now: BootTime, _ out: inout [SessionAction]) {
        // Asked to end while it was launched: then nothing of it lives.
        guard stage == .starting else { return advance(.emptied, at: now, &out) }
        begin(.removing(at: now, patience), .launchFailed, problem, at: now, &out)
    }

    mutating func initGone(_ cause: Cause, at now: BootTime, _ out: inout [SessionAction]) {
        switch stage {
        case .starting, .running, .pausing, .paused, .resuming:
            begin(.killing(at: now, patience), cause, at: now, &out)
        case .stopping, .quarantined: advance(.nobodyLeft, at: now, &out)
        case .created: out.append(.ignored(.late))
        case .ended: out.append(.ignored(.ended))
        }
    }

    mutating func deadline(at now: BootTime, _ out: inout [SessionAction]) {
        disarm()
        switch stage {
        case .created, .starting, .running, .pausing, .paused, .resuming: timeIsUp(at: now, &out)
        case .stopping, .quarantined: advance(.tick, at: now, otherwise: .notDue, &out)
        case .ended: out.append(.ignored(.ended))
        }
    }

    private mutating func timeIsUp(at now: BootTime, _ out: inout [SessionAction]) {
        let due = lifespan.deadline.flatMap { $0.at <= now ? $0 : nil }
        if stage == .starting, startsBy <= now, startsBy < due?.at ?? .max {
            let problem = "the sandbox was not ready in time"
            begin(.killing(at: now, patience), .launchFailed, problem, at: now, &out)
        } else if let due {
            stop(Stop(due.limit.cause), at: now, &out)
        } else {
            out.append(.ignored(.notDue))
        }
    }

    // MARK: Processes and use

    mutating func processStarted(_ kind: ProcessKind, at now: BootTime, _ out: inout [SessionAction]) {
        switch stage {
        case .running, .pausing, .paused, .resuming:
            processes[kind, default: 0] += 1
            if leases.holds(for: kind) { lifespan.takeLease(at: now) } else { lifespan.use(at: now) }
        case .created, .starting, .stopping, .quarantined: out.append(.ignored(.late))
        case .ended: out.append(.ignored(.ended))
        }
    }

    mutating func processEnded(_ kind: ProcessKind, at now: BootTime, _ out: inout [SessionAction]) {
        guard let count = processes[kind], count > 0 else {
            return out.append(.ignored(hasEnded ? .ended : .late))
        }
        processes[kind] = count - 1
        if leases.holds(for: kind) { lifespan.returnLease(at: now) } else { lifespan.use(at: now) }
        // What has nobody left to end itself need not be given the time.
        if processCount == 0, case .stopping(let sequence) = stage, sequence.phase == .asking {
            advance(.nobodyLeft, at: now, &out)
        }
    }

    mutating func used(at now: BootTime, _ out: inout [SessionAction]) {
        switch stage {
        case .created, .starting, .running, .pausing, .paused, .resuming: lifespan.use(at: now)
        case .stopping, .quarantined: out.append(.ignored(.late))
        case .ended: out.append(.ignored(.ended))
        }
    }

    // MARK: Moves

    mutating func move(
        from expected: Stage, to next: Stage, at now: BootTime, _ out: inout [SessionAction]
    ) {
        guard stage == expected else { return out.append(.ignored(hasEnded ? .ended : .late)) }
        enter(next, at: now, &out)
    }

    /// A pause or its end did not come about: back to where it was, and those who wait for it are told.
    mutating func giveUp(
        _ expected: Stage, for next: Stage, _ goal: Goal, _ refusal: SessionRefusal, at now: BootTime,
        _ out: inout [SessionAction]
    ) {
        guard stage == expected else { return out.append(.ignored(hasEnded ? .ended : .late)) }
        let failed = waiters.filter { $0.goal == goal }
        waiters.removeAll { $0.goal == goal }
        enter(next, at: now, &out)
        out += failed.map { .answer($0.ticket, .refused(refusal)) }
    }

    // MARK: The end

    /// Begins to end it, with the first step of `sequence`.
    mutating func begin(
        _ sequence: StopSequence, _ cause: Cause, _ problem: String = "", at now: BootTime,
        _ out: inout [SessionAction]
    ) {
        // What is frozen takes no signal but KILL.
        let mayBeFrozen = [.pausing, .paused, .resuming].contains(step)
        setCause(cause, problem: problem)
        enter(.stopping(sequence), at: now, &out)
        if mayBeFrozen, sequence.phase == .asking { out.append(.thaw) }
        perform(sequence.present, &out)
    }

    mutating func advance(
        _ event: StopSequence.Event, at now: BootTime, otherwise reason: IgnoredEvent = .late,
        _ out: inout [SessionAction]
    ) {
        var sequence: StopSequence
        switch stage {
        case .stopping(let present), .quarantined(let present): sequence = present
        case .ended: return out.append(.ignored(.ended))
        case .created, .starting, .running, .pausing, .paused, .resuming: return out.append(.ignored(.late))
        }
        guard let next = sequence.handle(event, at: now) else {
            replace(sequence)
            if !event.isWish { out.append(.ignored(reason)) }
            return
        }
        switch next {
        case .finish: enter(.ended, at: now, &out)
        case .wait: enter(.quarantined(sequence), at: now, &out)
        case .ask, .kill, .remove:
            replace(sequence)
            perform(next, &out)
        }
    }

    /// The same stage, further on.
    mutating func replace(_ sequence: StopSequence) {
        stage = state == .quarantined ? .quarantined(sequence) : .stopping(sequence)
    }

    func perform(_ step: StopSequence.Step?, _ out: inout [SessionAction]) {
        switch step {
        case .ask: out.append(.signalAll)
        case .kill: out.append(.liftQuotaAndKill)
        case .remove: out.append(.remove)
        case .wait, .finish, nil: break
        }
    }
}

extension StopSequence.Event {
    /// Somebody's wish, which is not late when it changes nothing.
    fileprivate var isWish: Bool {
        if case .hasten = self { true } else { false }
    }
}
