/// Something to be recorded.
package enum Change: Hashable, Sendable {
    /// A new session, in its first state.
    case create(SessionRecord, why: String)
    /// A session is different now. A new state makes a row of the history as well.
    case session(id: String, SessionStanding, at: Moment, why: String)
    /// A new process, in its first state.
    case start(ProcessRecord, why: String)
    case process(id: String, ProcessStanding, at: Moment, why: String)
    case result(ResultRecord)
    case audit(AuditEntry)

    /// Whether it says only how far something is that lives. A loss of power ends that, whatever the last
    /// thing on record about it is.
    var isOfTheLiving: Bool {
        switch self {
        case .create(let session, _): session.standing.isLive
        case .session(_, let standing, _, _): standing.isLive
        case .start(let process, _): process.standing.isLive
        case .process(_, let standing, _, _): standing.isLive
        case .result, .audit: false
        }
    }
}

/// What became of a ``Change``. All but ``done`` leave everything as it was.
package enum Outcome: Hashable, Sendable {
    case done
    /// The request was made before, in the same words, and this session is its answer.
    case existing(SessionRecord)
    /// The request's key was used before, for something else: for this session.
    case conflict(session: String)
    /// The name belongs to this live session or process.
    case nameTaken(by: String)
    /// No session or process has this id.
    case missing(id: String)
    /// No tenant has this name.
    case noTenant(String)
    /// It breaks a rule of the schema: a mistake of the caller's.
    case refused(Fault)
}

extension StateStore {
    /// Records changes, in their order, in one transaction: when this returns they are on the device.
    ///
    /// One that cannot be recorded is left out and does no harm to the others.
    /// - Parameter isTold: whether somebody is told of them. If not, those of what lives are only in the log:
    ///   they outlast this process, and a loss of power only if something was told behind them.
    /// - Returns: what became of each.
    /// - Throws: what stopped all of them; nothing was recorded then.
    package func commit(_ changes: [Change], isTold: Bool = true) throws(StoreError) -> [Outcome] {
        if changes.isEmpty { return [] }
        let waits = isTold || !changes.allSatisfy(\.isOfTheLiving)
        return try database.transaction(waiting: waits) { () throws(StoreError) in
            var outcomes: [Outcome] = []
            outcomes.reserveCapacity(changes.count)
            for change in changes { outcomes.append(try record(change)) }
            return outcomes
        }
    }

    /// Records one change, see ``commit(_:)``.
    package func commit(_ change: Change) throws(StoreError) -> Outcome {
        try database.transaction { () throws(StoreError) in try record(change) }
    }

    private func record(_ change: Change) throws(StoreError) -> Outcome {
        do throws(StoreError) {
            return try database.part { () throws(StoreError) in try apply(change) }
        } catch {
            if case .statement(let fault) = error { return .refused(fault) }
            throw error
        }
    }

    private func apply(_ change: Change) throws(StoreError) -> Outcome {
        switch change {
        case .create(let session, let why): try create(session, why)
        case .session(let id, let standing, let moment, let why): try update(id, standing, moment, why)
        case .start(let process, let why): try start(process, why)
        case .process(let id, let standing, let moment, let why):
            try updateProcess(id, standing, moment, why)
        case .result(let result): try keep(result)
        case .audit(let entry): try append(entry)
        }
    }
}
