import Sandbox

/// What happens to a process, one function for each.
extension ProcessMachine {
    // MARK: Beginning

    mutating func start(at now: BootTime, _ out: inout [ProcessAction]) {
        guard stage == .requested else { return ignore(.already, &out) }
        enter(.starting, at: now, &out)
        out.append(.start)
    }

    mutating func started(at now: BootTime, _ out: inout [ProcessAction]) {
        switch stage {
        case .starting:
            startedAt = now
            enter(.running, at: now, &out)
        case .stopping where startedAt == nil: startedAt = now
        case .requested, .running, .restarting, .stopping, .ended: ignore(.late, &out)
        }
    }

    mutating func startFailed(_ problem: String, at now: BootTime, _ out: inout [ProcessAction]) {
        switch stage {
        case .starting:
            // What has never run is a mistake in the request; what has run before may run again.
            if restarts > 0, restart(after: nil, at: now, &out) { return }
            finish(.launchFailed, problem, at: now, &out)
        case .stopping: finish(.launchFailed, problem, at: now, &out)
        case .requested, .running, .restarting, .ended: ignore(.late, &out)
        }
    }

    // MARK: Ending

    mutating func exited(_ exit: ProcessExit, at now: BootTime, _ out: inout [ProcessAction]) {
        switch stage {
        case .requested, .restarting, .ended: return ignore(.late, &out)
        case .starting, .running, .stopping: break
        }
        status = exit.status
        let wasHealthy = startedAt.map { exit.at >= $0.later(by: patience.health) } ?? false
        if wasHealthy { failures = 0 }
        if cause == nil, restart(after: exit.status, at: now, &out) { return }
        finish(exit.cause ?? exit.status.cause, restartProblem(exit.status), at: exit.at, &out)
    }

    /// Plans another run, if the policy has one.
    private mutating func restart(
        after status: ProcessStatus?, at now: BootTime, _ out: inout [ProcessAction]
    ) -> Bool {
        guard spec.restart.wants(after: status), failures < spec.restart.most else { return false }
        failures += 1
        let moment = now.later(by: patience.restart.wait(afterFailures: failures))
        enter(.restarting(at: moment), at: now, &out)
        out.append(.publish(.restarts(after: status, at: moment)))
        return true
    }

    private func restartProblem(_ status: ProcessStatus) -> String {
        guard cause == nil, spec.restart.wants(after: status) else { return "" }
        return "it was restarted \(failures) times in a row, which is the most"
    }

    /// Ends it for good, in time `stop.grace`; a second wish joins the first, and the shorter grace holds.
    mutating func end(_ stop: Stop, at now: BootTime, _ out: inout [ProcessAction]) {
        if let ticket = stop.ticket { wait(ticket, &out) }
        let grace = stop.grace ?? spec.grace.map(BootTime.milliseconds) ?? patience.grace
        switch stage {
        case .requested, .restarting: finish(stop.cause, at: now, &out)
        case .starting, .running:
            setCause(stop.cause)
            let ending: Ending = grace > 0 ? .asked(killAt: now.later(by: grace)) : .killed(at: now)
            enter(.stopping(ending), at: now, &out)
            out.append(grace > 0 ? .terminate : .kill)
        case .stopping(.asked(let killAt)):
            let sooner = min(killAt, now.later(by: grace))
            if sooner <= now { return kill(at: now, &out) }
            if sooner < killAt { enter(.stopping(.asked(killAt: sooner)), at: now, &out) }
        case .stopping(.session) where grace == 0: kill(at: now, &out)
        case .stopping(.killed), .stopping(.session): break
        case .ended: if stop.ticket == nil { ignore(.ended, &out) }
        }
    }

    private mutating func kill(at now: BootTime, _ out: inout [ProcessAction]) {
        enter(.stopping(.killed(at: now)), at: now, &out)
        out.append(.kill)
    }

    mutating func deadline(at now: BootTime, _ out: inout [ProcessAction]) {
        disarm()
        guard let due = nextDeadline, due <= now else { return ignore(.notDue, &out) }
        switch stage {
        case .running: end(Stop(.timeout), at: now, &out)
        case .restarting:
            restarts += 1
            startedAt = nil
            enter(.starting, at: now, &out)
            out.append(.start)
        case .stopping: kill(at: now, &out)
        case .requested, .starting, .ended: ignore(.notDue, &out)
        }
    }

    mutating func sessionStopping(
        _ cause: Cause, at now: BootTime, _ out: inout [ProcessAction]
    ) {
        switch stage {
        case .requested, .restarting: finish(cause, at: now, &out)
        case .starting, .running:
            setCause(cause)
            enter(.stopping(.session), at: now, &out)
        case .stopping, .ended: ignore(hasEnded ? .ended : .already, &out)
        }
    }

    mutating func finish(
        _ cause: Cause, _ problem: String = "", at moment: BootTime, _ out: inout [ProcessAction]
    ) {
        if hasEnded { return ignore(.ended, &out) }
        setCause(cause, problem: problem)
        enter(.ended, at: moment, &out)
    }

    mutating func outputCut(_ total: UInt64, _ out: inout [ProcessAction]) {
        guard total > cut else { return ignore(.late, &out) }
        cut = total
        // The rest of the output is often read after the exit was told.
        if hasEnded { out.append(.record(record)) }
    }

    // MARK: Restarts of the daemon

    mutating func adopted(at now: BootTime, _ out: inout [ProcessAction]) {
        switch stage {
        case .requested, .starting, .restarting:
            startedAt = now
            enter(.running, at: now, &out)
        case .running: break
        case .stopping(.asked(let killAt)):
            // It may not have been told, and can be told twice.
            if killAt > now { out.append(.terminate) } else { kill(at: now, &out) }
        case .stopping(.killed): out.append(.kill)
        case .stopping(.session): break
        case .ended: ignore(.ended, &out)
        }
    }

    mutating func lost(_ loss: Loss, at now: BootTime, _ out: inout [ProcessAction]) {
        switch (stage, loss) {
        case (.requested, .unknown) where spec.kind == .managed: start(at: now, &out)
        case (.starting, .unknown) where spec.kind == .managed: out.append(.start)
        // It waits for its time as before.
        case (.restarting, .unknown): break
        // Nobody is left to whom the result of an exec could be given.
        default: finish(.daemonRestart, at: now, &out)
        }
    }
}

extension ProcessStatus {
    /// What is known of the reason from the status alone.
    fileprivate var cause: Cause {
        switch self {
        case .exited: .exited
        case .signalled: .signalled
        }
    }
}
