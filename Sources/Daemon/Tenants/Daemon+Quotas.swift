import API
import Access
import Configuration
import Quotas
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol
import Wire

// Quotas of tenants: what a request would take is taken before anything of it is made, all of it or nothing, and given
// back when what it was taken for has ended, by whatever way.

/// What something was taken for.
enum QuotaHolder: Hashable, Sendable {
    case session(SessionID)
    case process(ProcessID)
    /// One that outlives sessions.
    case volume(WorkspaceVolume)
}

extension Daemon {
    /// Seconds since 1970: quotas go by the calendar.
    var now: UInt64 { UInt64(clamping: DaemonClock.wall / 1000) }

    // MARK: Taking

    /// What a session takes: its memory and processors by what was asked for, else by its profile; of the disk what a
    /// volume of its own may hold.
    /// - Parameter profile: nil for one that cannot be read; the warden refuses the session then.
    func amounts(of spec: SessionSpec, _ profile: Profile?) -> Amounts {
        var amounts: Amounts = [.sessions: 1, .creationsPerMinute: 1]
        amounts[.memory] = profile?.limits.memory ?? 0
        amounts[.cpus] = UInt64(profile?.limits.milliCPUs ?? 0)
        for limit in limits(of: spec, profile) {
            switch limit {
            case .memory(let bytes): amounts[.memory] = bytes
            case .cpus(let thousandths): amounts[.cpus] = UInt64(thousandths)
            default: break
            }
        }
        if case .volume(let quota) = spec.workspace {
            amounts[.disk] = diskTaken(by: quota.bytes ?? usualVolume)
        }
        return amounts
    }

    func amounts(of kind: ProcessKind) -> Amounts {
        kind == .exec ? [.processes: 1, .execsPerDay: 1] : [.processes: 1]
    }

    /// - Throws: where a quota would be exceeded; nothing is taken then.
    func reserve(_ amounts: Amounts, for tenant: Name, as holder: QuotaHolder) throws(ServiceError) {
        try checkPlan(of: tenant)
        let news: [QuotaNews]
        do throws(QuotaRefusal) {
            news = try ledger.reserve(amounts, for: tenant, as: holder, at: now)
        } catch {
            throw ServiceError(error)
        }
        for piece in news { tell(piece, tenant) }
    }

    private func tell(_ news: QuotaNews, _ tenant: Name) {
        let rule = news.quota.rule
        let isOfNode = news.owner == .node
        let message =
            "\(news.percent) percent of \(news.quota.rawValue) \(isOfNode ? "of this node " : "")are used: "
            + "\(rule.write(news.used)) of \(rule.write(news.limit))"
        // Once what it was taken for is on record: until then it may be refused, and nothing was used.
        let told = { [weak self] (problem: String?) in
            guard let self, problem == nil, ledger.holds(news, of: tenant, at: now) else { return }
            // What all tenants use together is for the log, which is the operator's: events are tenants'.
            if isOfNode { return log.line(.warning, message) }
            events.publish("tenant.quota", session: nil, tenant: tenant.description) {
                $0.add("message", message)
            }
            log.line(.warning, message, tenant: tenant.description)
        }
        batches.append(Batch(work: .intent(told), trace: log.trace))
    }

    /// Counts processor time with the record of the run that used it, so once whatever becomes of the daemon.
    /// - Parameter nanoseconds: counted in whole milliseconds, begun ones among them.
    func spendCPU(_ nanoseconds: UInt64, of session: SessionID) {
        guard nanoseconds > 0, let tenant = table[session]?.spec.tenant else { return }
        let amounts: Amounts = [
            .cpuTimePerDay: nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
        ]
        for piece in ledger.spend(amounts, of: tenant, at: now) { tell(piece, tenant) }
        recordSpending(of: tenant, amounts)
    }

    /// Has the next transaction say what a tenant has spent by now, with what it was spent on.
    func recordSpending(of tenant: Name, _ quotas: Amounts) {
        for spending in ledger.spending(of: tenant, at: now) where quotas[spending.quota] > 0 {
            journal.add(.spent(SpentRecord(tenant, spending)), then: (), mayWait: true)
        }
    }

    /// What the warden put in force may be less than was asked for, and is what counts.
    func settle(_ id: SessionID, _ limits: SandboxLimits?) {
        guard let tenant = table[id]?.spec.tenant, let limits else { return }
        let holder = QuotaHolder.session(id)
        var amounts = [(Quota.memory, limits.memory), (.cpus, limits.cpus.map { UInt64($0) })]
        if case .volume = table[id]?.spec.workspace { amounts.append((.disk, limits.workspace.bytes)) }
        for (quota, amount) in amounts {
            guard let amount else { continue }
            // It is there, so refusing it would change nothing.
            ledger.settle(quota, of: holder, for: tenant, to: amount, at: now)
        }
    }

    // MARK: After a restart

    /// Takes in what tenants may have and have spent, and what the sessions have that are on record as alive.
    func restoreQuotas() throws(StoreError) {
        for record in try store.tenants() {
            guard let name = try? Name(record.name) else { continue }
            do throws(ValueError) {
                ownQuotas[name] = try OwnQuotas(recorded: record.quotas)
                setLimits(of: name)
            } catch {
                // Without knowing what it may have it gets nothing.
                ledger.setLimits([.sessions: 0, .processes: 0, .disk: 0], of: name)
                log.line(
                    .error, "quotas are not understood, and nothing can begin: \(error)", tenant: record.name)
            }
        }
        for record in try store.spent() {
            guard let name = try? Name(record.tenant), let quota = Quota(rawValue: record.quota) else {
                continue
            }
            ledger.restore(
                QuotaSpending(quota, start: record.start, amount: record.amount), of: name)
        }
        for session in table.list() where !session.machine.hasEnded {
            let spec = session.spec
            var held = amounts(of: spec, profile(named: spec.profile))
            held[.creationsPerMinute] = 0
            ledger.restore(held, for: spec.tenant, as: .session(session.id), at: now)
            for entry in session.processes.all where !entry.machine.hasEnded {
                ledger.restore([.processes: 1], for: spec.tenant, as: .process(entry.id), at: now)
            }
        }
    }

    // MARK: What is asked

    func listQuotas(_ request: Request) throws(ServiceError) -> Reply {
        let tenant = try listed(request)
        let scope = try scope(request)
        let isWithNode = scope.reach == .all && !scope.isChosen
        let found = tenants.all.filter { $0.name == tenant ?? $0.name }
        return recorded(
            .json(
                .object { object in
                    object.array("tenants") { list in
                        for tenant in found { list.object { writeQuotas(of: tenant, to: &$0) } }
                    }
                    if isWithNode { object.object("node") { writeNodeQuotas(to: &$0) } }
                }))
    }

    func setQuotas(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.quotaChange)
        let before = try tenant(request)
        var own = ownQuotas[before.name] ?? OwnQuotas()
        guard let asked = reader.object("limits") else {
            throw ServiceError(.invalid, "limits: is missing", field: "limits")
        }
        var isEmpty = true
        for quota in Quota.allCases where APIObject.enforcedQuotas.contains(quota.rawValue) {
            if asked.isNull(quota.rawValue) {
                own.set(quota, nil)
                isEmpty = false
            } else if let value = asked.whole(quota.rawValue) {
                try check(value, quota)
                own.set(quota, value)
                isEmpty = false
            }
        }
        if isEmpty { throw ServiceError(.invalid, "limits: names no quota", field: "limits") }
        return try changeQuotas(of: before, to: own, ifVersion: reader.whole("version"))
    }

    /// - Parameter version: that the change is meant for; nil for any: of two changes at once the last one holds.
    private func changeQuotas(
        of before: Tenant, to own: OwnQuotas, ifVersion version: UInt64?
    ) throws(ServiceError) -> Reply {
        let ownBefore = ownQuotas[before.name]
        let tenant: Tenant
        do throws(TenantRefusal) {
            tenant = try tenants.change(before.name, ifVersion: version) { _ in }
        } catch {
            throw ServiceError(error)
        }
        ownQuotas[tenant.name] = own
        setLimits(of: tenant.name)
        return recordedQuotas(of: tenant, [.tenant(TenantRecord(tenant, own))]) { daemon in
            daemon.tenants.put(before, at: before.name)
            daemon.ownQuotas[before.name] = ownBefore
            daemon.setLimits(of: before.name)
        }
    }

    /// More than all tenants together can have would be no limit.
    private func check(_ value: UInt64, _ quota: Quota) throws(ServiceError) {
        let field = "limits.\(quota.rawValue)"
        let range = quota.rule.range
        guard range.contains(value) else {
            throw ServiceError(
                .invalid,
                "\(field): \(value) is no limit; expected \(range.lowerBound) to \(range.upperBound), or null",
                field: field)
        }
        if let most = nodeLimit(of: quota), value > most {
            let key = quota == .sessions ? "limits.sessions" : "node.\(quota.rawValue)"
            throw ServiceError(
                .invalid, "\(field): \(value) is more than this node may have, \(most)", field: field,
                hint: "\(key) of corral.yaml")
        }
    }

    func resetQuota(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.quotaReset)
        let tenant = try tenant(request)
        let named = reader.text("quota").flatMap({ Quota(rawValue: $0) })
        if reader.flag("to_plan") == true {
            var own = ownQuotas[tenant.name] ?? OwnQuotas()
            if let named { own.forget(named) } else { own.forgetAll() }
            return try changeQuotas(of: tenant, to: own, ifVersion: reader.whole("version"))
        }
        guard let quota = named else {
            throw ServiceError(.invalid, "quota: is missing", field: "quota")
        }
        guard case .spent = quota.nature else {
            throw ServiceError(
                .invalid, "quota: \(quota.rawValue) is given back and not counted anew", field: "quota",
                hint: "to_plan takes back what was set of it")
        }
        let before = ledger.spending(of: tenant.name, at: now)
        ledger.reset(quota, of: tenant.name)
        let nothing = SpentRecord(tenant.name, QuotaSpending(quota, start: 0, amount: 0))
        return recordedQuotas(of: tenant, [.spent(nothing)]) { daemon in
            for spending in before where spending.quota == quota {
                daemon.ledger.restore(spending, of: tenant.name)
            }
        }
    }

    private func recordedQuotas(
        of tenant: Tenant, _ changes: [Change], undo: @escaping (Daemon) -> Void
    ) -> Reply {
        let pending = Pending()
        for change in changes { journal.add(change, then: ()) }
        let intent = Batch.Work.intent { [weak self] problem in
            guard let self else { return }
            if let problem {
                undo(self)
                return pending.fail(.notRecorded(problem))
            }
            holdToTotalIfUsed(tenant.name) { [weak self] in
                guard let self else { return }
                pending.complete(.json(.object { self.writeQuotas(of: tenant, to: &$0) }))
            }
        }
        batches.append(Batch(work: intent, trace: log.trace))
        return .later(pending)
    }

    /// Who says how much there may be; nil where nobody does.
    private func origin(of quota: Quota, _ tenant: Tenant) -> String? {
        if ownQuotas[tenant.name]?.says(quota) == true { return "tenant" }
        return plans[tenant.plan]?.quotas[quota] == nil ? nil : "plan"
    }
}

extension ServiceError {
    fileprivate init(_ refusal: QuotaRefusal) {
        self.init(
            .limit, refusal.description, field: nil,
            hint: refusal.resets == nil ? refusal.quota.cure : nil, reason: "quota-\(refusal.quota.word)")
    }
}

extension Quota {
    /// As reasons are written.
    fileprivate var word: String { rawValue.replacing("_", with: "-") }

    /// Of one that is given back.
    fileprivate var cure: String {
        self == .disk ? "remove volumes or snapshots first, or make some smaller" : "end some first"
    }
}

extension SpentRecord {
    fileprivate init(_ tenant: Name, _ spending: QuotaSpending) {
        self.init(
            tenant: tenant.description, quota: spending.quota.rawValue, start: spending.start,
            amount: spending.amount)
    }
}

extension OwnQuotas {
    /// As the store has them: a number for each that is stated, or null for no limit.
    init(recorded text: String) throws(ValueError) {
        self.init()
        guard let tree = try? JSONTree(parsing: Array(text.utf8)), case .object(let members) = tree.value
        else {
            throw ValueError("\(quoted(text)) is no object")
        }
        for member in members {
            let quota = try Quota(named: member.key)
            switch member.value.value {
            case .null: set(quota, nil)
            case .number(let digits) where UInt64(digits) != nil: set(quota, UInt64(digits))
            default: throw ValueError("\(quoted(member.key)) has no number")
            }
        }
    }

    var recorded: String {
        JSONText.object { object in for (quota, limit) in all { object.add(quota.rawValue, limit) } }
            .description
    }
}
