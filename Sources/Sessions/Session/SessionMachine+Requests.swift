import Sandbox

/// What clients ask of a session.
extension SessionMachine {
    mutating func stop(_ stop: Stop, at now: BootTime, _ out: inout [SessionAction]) {
        let grace = stop.grace ?? patience.grace
        if let ticket = stop.ticket {
            if let end { return out.append(.answer(ticket, .ended(end))) }
            waiters.append(Waiter(goal: .ended, ticket: ticket))
        }
        switch stage {
        case .created:
            // Nothing has been launched.
            setCause(stop.cause)
            enter(.ended, at: now, &out)
        case .starting: begin(.killing(at: now, patience), stop.cause, at: now, &out)
        case .running, .pausing, .paused, .resuming:
            let asks = grace > 0 && processCount > 0
            let killAt = now.later(by: grace)
            begin(
                asks ? .asking(until: killAt, patience) : .killing(at: now, patience), stop.cause, at: now,
                &out)
        case .stopping, .quarantined: hasten(grace, stop.ticket, at: now, &out)
        case .ended: out.append(.ignored(.ended))
        }
    }

    /// A second stop joins the first; the shorter grace of the two holds.
    private mutating func hasten(
        _ grace: BootTime, _ ticket: Ticket?, at now: BootTime, _ out: inout [SessionAction]
    ) {
        let before = record.killAt
        advance(.hasten(grace), at: now, &out)
        if let killAt = record.killAt, killAt != before {
            out.append(.record(record))
        } else if out.isEmpty, ticket == nil {
            out.append(.ignored(.already))
        }
    }

    mutating func renew(
        _ ttl: BootTime?, _ ticket: Ticket, at now: BootTime, _ out: inout [SessionAction]
    ) {
        if let refusal = endRefusal { return out.append(.answer(ticket, .refused(refusal))) }
        guard let renewal = lifespan.renew(ttl, at: now) else {
            return out.append(.answer(ticket, .refused(.noTTL)))
        }
        out.append(.record(record))
        out.append(.publish(.renewed(expiresAt: renewal.expiresAt)))
        out.append(.answer(ticket, .renewed(renewal)))
    }

    mutating func pause(_ ticket: Ticket, at now: BootTime, _ out: inout [SessionAction]) {
        switch stage {
        case .running:
            waiters.append(Waiter(goal: .paused, ticket: ticket))
            lifespan.use(at: now)
            enter(.pausing, at: now, &out)
            out.append(.freeze)
        case .pausing, .paused: wait(.paused, ticket, &out)
        case .created, .starting: out.append(.answer(ticket, .refused(.notYetRunning(state))))
        case .resuming: out.append(.answer(ticket, .refused(.paused)))
        case .stopping, .quarantined, .ended: wait(.paused, ticket, &out)
        }
    }

    mutating func resume(_ ticket: Ticket, at now: BootTime, _ out: inout [SessionAction]) {
        switch stage {
        case .paused:
            waiters.append(Waiter(goal: .resumed, ticket: ticket))
            lifespan.use(at: now)
            enter(.resuming, at: now, &out)
            out.append(.thaw)
        case .resuming: waiters.append(Waiter(goal: .resumed, ticket: ticket))
        case .created, .starting, .running, .pausing:
            out.append(.answer(ticket, .refused(.notPaused(state))))
        case .stopping, .quarantined, .ended: wait(.resumed, ticket, &out)
        }
    }

    /// Answers now, or when there is something to tell.
    mutating func wait(_ goal: Goal, _ ticket: Ticket, _ out: inout [SessionAction]) {
        if let answer = answer(to: goal) {
            out.append(.answer(ticket, answer))
        } else {
            waiters.append(Waiter(goal: goal, ticket: ticket))
        }
    }

    mutating func abandoned(_ ticket: Ticket, _ out: inout [SessionAction]) {
        let before = waiters.count
        waiters.removeAll { $0.ticket == ticket }
        if waiters.count == before { out.append(.ignored(.late)) }
    }
}
