import Sandbox

/// What has become of a session while there was no daemon, or another warden.
extension SessionMachine {
    /// The warden has it: it goes on as it is there. A record that says ended is final; what a warden still
    /// has of it is a stray, which is not the session's to remove.
    mutating func adopted(_ holding: Holding, at now: BootTime, _ out: inout [SessionAction]) {
        switch stage {
        case .ended: return out.append(.ignored(.ended))
        case .created, .starting, .running, .pausing, .paused, .resuming:
            count(holding, at: now)
            // Who waits for what a warden was asked in vain is told; the warden may be the same as before.
            let why = "the warden was lost before it answered"
            switch (stage, holding.isFrozen) {
            case (.pausing, false):
                giveUp(.pausing, for: .running, .paused, .pauseFailed(why), at: now, &out)
            case (.resuming, true):
                giveUp(.resuming, for: .paused, .resumed, .resumeFailed(why), at: now, &out)
            case (.running, false), (.paused, true): break
            case (_, let isFrozen): enter(isFrozen ? .paused : .running, at: now, &out)
            }
        case .stopping(let sequence):
            count(holding, at: now)
            goOn(sequence, holding, at: now, &out)
        case .quarantined: advance(.hasten(0), at: now, &out)
        }
    }

    /// How much of the present step was done is not known, and each can be done twice.
    private mutating func goOn(
        _ sequence: StopSequence, _ holding: Holding, at now: BootTime, _ out: inout [SessionAction]
    ) {
        let isDue = sequence.deadline.map { $0 <= now } ?? false
        if sequence.phase == .asking {
            if isDue { return advance(.tick, at: now, &out) }
            if processCount == 0 { return advance(.nobodyLeft, at: now, &out) }
            if holding.isFrozen { out.append(.thaw) }
        }
        perform(sequence.present, &out)
    }

    private mutating func count(_ holding: Holding, at now: BootTime) {
        while lifespan.leases > 0 { lifespan.returnLease(at: now) }
        processes = [.exec: holding.execs, .managed: holding.managed]
        for (kind, count) in processes where leases.holds(for: kind) {
            for _ in 0..<count { lifespan.takeLease(at: now) }
        }
        lifespan.use(at: now)
    }

    mutating func lost(_ loss: Loss, at now: BootTime, _ out: inout [SessionAction]) {
        switch (stage, loss) {
        case (.ended, _): out.append(.ignored(.ended))
        // The warden was never told, so it can be now.
        case (.created, .unknown), (.starting, .unknown):
            enter(.starting, at: now, &out)
            out.append(.launch)
        case (.created, .wardenGone):
            setCause(.daemonRestart)
            enter(.ended, at: now, &out)
        case (.starting, .wardenGone), (.running, _), (.pausing, _), (.paused, _), (.resuming, _):
            forgetProcesses(at: now)
            begin(.killing(at: now, patience), .daemonRestart, at: now, &out)
        // It was removed, and the answer did not arrive.
        case (.stopping, .unknown), (.quarantined, .unknown): enter(.ended, at: now, &out)
        case (.stopping, .wardenGone):
            forgetProcesses(at: now)
            replace(.killing(at: now, patience))
            perform(.kill, &out)
        case (.quarantined, .wardenGone): advance(.hasten(0), at: now, &out)
        }
    }

    private mutating func forgetProcesses(at now: BootTime) { count(Holding(), at: now) }
}
