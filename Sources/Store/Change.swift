package import API

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
    /// A workspace is new, or different now.
    case workspace(WorkspaceRecord)
    case workspaceGone(tenant: String, name: String)
    case snapshot(SnapshotRecord)
    case snapshotGone(tenant: String, workspace: String, name: String)
    /// A tenant is new, or different now.
    case tenant(TenantRecord)
    /// And with it the records of its sessions that have ended.
    case tenantGone(String)
    /// What a tenant has spent of a quota by now.
    case spent(SpentRecord)
    /// What tenants have had of disks up to a moment.
    case disk(DiskRecord)
    /// A token is new, or revoked now.
    case token(KeptToken)
    case tokenGone(UInt32)

    /// Whether it says only how far something has come that lives. A loss of power ends that, whatever the
    /// last thing on record about it is.
    package var isStep: Bool {
        switch self {
        case .session(_, let standing, _, _): standing.isLive
        case .process(_, let standing, _, _): standing.isLive
        case .create, .start, .result, .audit, .workspace, .workspaceGone, .snapshot, .snapshotGone, .tenant,
            .tenantGone, .spent, .disk, .token, .tokenGone:
            false
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
    /// No session or process has this id, no workspace or snapshot this name.
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
    /// - Parameter waits: if not, they are in the log, which outlasts this process however it ends, and on the
    ///   device after ``sync()``.
    /// - Returns: what became of each.
    /// - Throws: what stopped all of them; nothing was recorded then.
    package func commit(_ changes: [Change], waits: Bool = true) throws(StoreError) -> [Outcome] {
        if changes.isEmpty { return [] }
        let outcomes: [Outcome]
        do throws(StoreError) {
            outcomes = try commit(changes, waits) { (change) throws(StoreError) in try apply(change) }
        } catch {
            guard case .statement = error else { throw error }
            // One of them breaks a rule, which is a mistake of ours: each is a part of its own then.
            outcomes = try commit(changes, waits) { (change) throws(StoreError) in try record(change) }
        }
        if waits { try noteDurable() } else if !changes.allSatisfy(\.isStep) { recorded += 1 }
        return outcomes
    }

    private func commit(
        _ changes: [Change], _ waits: Bool, by body: (Change) throws(StoreError) -> Outcome
    ) throws(StoreError) -> [Outcome] {
        let reached = head.reached
        do throws(StoreError) {
            return try database.transaction(waiting: waits) { () throws(StoreError) in
                try all(changes, by: body)
            }
        } catch {
            head.reached = reached
            throw error
        }
    }

    private func all(
        _ changes: [Change], by body: (Change) throws(StoreError) -> Outcome
    ) throws(StoreError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(changes.count)
        for change in changes { outcomes.append(try body(change)) }
        return outcomes
    }

    /// Records one change, see ``commit(_:)``.
    package func commit(_ change: Change) throws(StoreError) -> Outcome {
        let outcome = try database.transaction { () throws(StoreError) in try record(change) }
        try noteDurable()
        return outcome
    }

    /// A transaction has waited. Where it had nothing to write, what was recorded before it still lacks.
    private func noteDurable() throws(StoreError) {
        if isBehind { try sync() } else { try writeHead(upTo: head.reached) }
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
        case .workspace(let workspace): try put(workspace)
        case .workspaceGone(let tenant, let name): try dropWorkspace(name, of: tenant)
        case .snapshot(let snapshot): try put(snapshot)
        case .snapshotGone(let tenant, let workspace, let name):
            try dropSnapshot(name, of: workspace, tenant)
        case .tenant(let tenant): try put(tenant)
        case .tenantGone(let name): try dropTenant(name)
        case .spent(let spent): try put(spent)
        case .disk(let disk): try count(disk)
        case .token(let token): try put(token)
        case .tokenGone(let id): try dropToken(id)
        }
    }
}
