import Configuration
import Linux
import Quotas
import Sandbox
import Service
import Sessions
import Store

extension Daemon {
    /// What the store is told of a session's new state; nil for one of which nothing is known.
    func change(_ note: SessionNote, _ id: SessionID) -> Change? {
        guard let keep = keeps[id], let session = table[id] else { return nil }
        if note.step == .running, keep.started == nil { keep.started = DaemonClock.moment(note.since) }
        if note.step == .ended {
            keep.ended = DaemonClock.moment(note.since)
            isDue = true
        }
        if !note.problem.isEmpty { keep.message = note.problem }
        let standing = standing(note, keep, session)
        let why = keep.message.isEmpty ? note.cause?.rawValue ?? note.step.rawValue : keep.message
        if keep.isRecorded { return .session(id: id.description, standing, at: DaemonClock.moment, why: why) }
        keep.isRecorded = true
        let spec = session.spec
        return .create(
            StoredSession(
                id: id.description, name: spec.name?.description, tenant: spec.tenant.description,
                profile: spec.profile, image: keep.image ?? "",
                spec: String(decoding: keep.request, as: UTF8.self),
                labels: Dictionary(spec.labels.sorted.map { ($0.key, $0.value) }) { first, _ in first },
                // The key is in the request, and the table, which has every session of the store, goes by it.
                created: keep.created, standing: standing),
            why: why)
    }

    private func standing(_ note: SessionNote, _ keep: SessionKeep, _ session: Session) -> SessionStanding {
        let lifespan = session.machine.lifespan
        var standing = SessionStanding(state: note.step.rawValue, boot: boot, lastUse: lifespan.lastUse)
        standing.isLive = note.step != .ended
        standing.cause = note.cause?.rawValue
        standing.started = keep.started
        standing.ended = keep.ended
        standing.warden = keep.warden
        standing.ttlDeadline = note.expiresAt
        standing.idleDeadline = note.idle.map { lifespan.lastUse.later(by: $0) }
        standing.maxDeadline = note.lastsUntil
        standing.ttl = note.ttl
        standing.idle = note.idle
        standing.leases = session.machine.leases.rawValue
        standing.killAt = note.killAt
        standing.problem = keep.message
        return standing
    }

    /// Takes a new session in, or finds the one that the same request made before.
    func admit(_ spec: SessionSpec, request: [UInt8]) throws(ServiceError) -> SessionTable.Admission {
        do throws(TableError) {
            if let id = try table.existing(for: spec) { return .existing(id) }
        } catch {
            throw ServiceError(error)
        }
        try admitWorkspace(of: spec)
        // What it lives by is its profile's of this moment, and stays.
        let profile = profile(named: spec.profile)
        try checkPlan(spec, profile)
        let lifetimes = try lifetimes(of: spec, profile)
        let patience = SessionPatience(grace: .milliseconds(settings.number(.defaultGrace)))
        let admission: SessionTable.Admission
        do throws(TableError) {
            admission = try table.add(spec, lifetimes: lifetimes, patience: patience, at: DaemonClock.now)
        } catch {
            throw ServiceError(error)
        }
        guard case .new(let id) = admission else { return admission }
        let amounts = amounts(of: spec, profile)
        do throws(ServiceError) {
            try reserve(amounts, for: spec.tenant, as: .session(id))
        } catch {
            table.withdraw(id)
            throw error
        }
        recordSpending(of: spec.tenant, amounts)
        begin(id, spec, request: request, image: spec.image ?? profile?.image)
        return admission
    }

    private func begin(_ id: SessionID, _ spec: SessionSpec, request: [UInt8], image: String?) {
        let keep = SessionKeep(id, request: request, created: DaemonClock.moment)
        keep.image = image
        keeps[id] = keep
        take(table.opening(id), id, before: nil, isNew: true)
        handle(.start, id)
        noteUse(of: spec)
        if case .volume = spec.workspace { countDisks() }
        // While it is launched, which takes longer.
        isDue = true
    }

    /// Forgets a session that has ended.
    func forget(_ id: SessionID) throws(TableError) {
        for entry in table[id]?.processes.all ?? [] {
            ledger.giveBack(.process(entry.id))
            runs[entry.id] = nil
        }
        try table.remove(id)
        ledger.giveBack(.session(id))
        keeps[id] = nil
        deadlines.remove(.session(id))
    }

    static let pruningPeriod: UInt64 = .seconds(30)

    /// Drops what is older than it is kept for.
    func prune() {
        let age = settings.number(.resultsRetention)
        let now = DaemonClock.now
        let before = now - min(now, .milliseconds(age))
        for id in table.ended(before: before) {
            do throws(TableError) {
                try forget(id)
            } catch {
                log.line(.error, "\(error)", session: id.description)
            }
        }
        countDisks()
        pruneTokens()
        var isComplete = true
        do throws(StoreError) {
            let oldest = DaemonClock.wall - Int64(clamping: age)
            let oldestAudit = DaemonClock.wall - Int64(clamping: settings.number(.auditRetention))
            let mostAudit = settings.numberOrNone(.auditRecords).map { Int64(clamping: $0) }
            let retention = Retention(
                results: oldest, records: oldest, audit: oldestAudit, auditRecords: mostAudit,
                archivesAudit: settings.text(.auditOld) == "archived")
            let pruned = try store.prune(retention, limit: 500)
            isComplete = pruned.isComplete
            if let problem = pruned.archiveProblem {
                log.line(.error, "audit records cannot be archived, and none are dropped: \(problem)")
            }
        } catch {
            log.line(.error, "old records cannot be dropped: \(error)")
        }
        deadlines.set(.pruning, at: now + (isComplete ? Daemon.pruningPeriod : .milliseconds(100)))
    }
}
