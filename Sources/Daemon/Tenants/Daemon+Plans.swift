import Access
import Configuration
import Preparation
import Quotas
import Sandbox
import Service
import Sessions

// What the plan of a tenant says: which profiles its sessions may have, what requests may not change, how much each
// session may have at most, and quotas.

extension Daemon {
    // MARK: Reading

    /// - Parameter settings: whose directories count.
    private func library(_ settings: Settings) -> PlanLibrary? {
        let paths = settings[.plans].origin.isGiven ? settings.list(.plans) : []
        return installation(plans: paths)?.planLibrary
    }

    /// A plan that a tenant is to have: as the others have it that are on it, else as it is in its file now.
    func plan(named name: String) throws(ServiceError) -> Plan {
        if tenants.all.contains(where: { $0.plan == name }), let plan = plans[name] { return plan }
        guard let library = library(settings) else {
            throw ServiceError(.fault, "plans cannot be found")
        }
        do throws(PlanProblem) {
            return try library.plan(name)
        } catch {
            let text = error.sentences.joined(separator: "; ")
            throw ServiceError(error.isUnknown ? .notFound : .invalid, "plan: \(text)", field: "plan")
        }
    }

    private var plansInUse: [String] { Set(tenants.all.compactMap(\.plan)).sorted() }

    /// Those that tenants have, as their files are now, and everything that is wrong with them.
    func readPlans(_ settings: Settings) -> (plans: [Plan], problems: [String]) {
        var read: [Plan] = []
        var problems: [String] = []
        let library = library(settings)
        for name in plansInUse {
            guard let library else {
                problems.append("plan \(name): profiles and plans cannot be found")
                continue
            }
            do throws(PlanProblem) {
                read.append(try library.plan(name))
            } catch {
                problems += error.sentences
            }
        }
        return (read, problems)
    }

    /// A plan that cannot be read lets nothing begin; whoever starts the daemon again after a mistake in one file
    /// has the other tenants served.
    func readPlansAtStart() {
        guard let library = library(settings) else { return }
        for name in plansInUse {
            do throws(PlanProblem) {
                plans.put(try library.plan(name))
            } catch {
                plans.put(problem: error.sentences.joined(separator: "; "), of: name)
                log.line(.error, "the plan \(name) cannot be used, and its tenants begin nothing: \(error)")
            }
        }
    }

    /// Has other readings of plans hold.
    /// - Returns: what is different, a sentence each, and what stays as it was nevertheless.
    func take(_ read: [Plan]) -> [String] {
        var told: [String] = []
        for plan in read {
            let changes = plans[plan.name]?.changes(to: plan) ?? ["can be used again"]
            plans.put(plan)
            let owners = tenants.all.filter { $0.plan == plan.name }.map(\.name)
            for owner in owners {
                setLimits(of: owner)
                holdToTotalIfUsed(owner) {}
                weigh(owner, changing: true) { _, _ in }
            }
            guard !changes.isEmpty else { continue }
            let live = owners.reduce(0) { $0 + table.liveCount(of: $1) }
            let rest = live == 0 ? "" : "; \(live) sessions that there are keep what they began with"
            told += changes.map { "plan \(plan.name): \($0)\(rest)" }
        }
        plans.keep(only: Set(plansInUse))
        return told
    }

    // MARK: Holding tenants to it

    /// Has the ledger go by the tenant's own quotas, and where there are none by the plan's.
    func setLimits(of name: Name) {
        let plan = plans[tenants[name]?.plan]?.quotas ?? QuotaLimits()
        ledger.setLimits((ownQuotas[name] ?? OwnQuotas()).limits(over: plan), of: name)
    }

    /// - Throws: where the tenant has a plan of which nobody knows what it says.
    func checkPlan(of name: Name) throws(ServiceError) {
        guard let plan = tenants[name]?.plan, plans[plan] == nil else { return }
        throw ServiceError(
            .unavailable,
            "the plan \(plan) of the tenant \(name) cannot be used: \(plans.problems[plan] ?? "it was not read")",
            field: nil, hint: "corral plan check \(plan), then corral daemon reload", reason: "plan-broken")
    }

    /// The profile of a request that names none.
    func usualProfile(of tenant: Name) -> String {
        let usual = settings.text(.defaultProfile)
        return plans[tenants[tenant]?.plan]?.profile(usual: usual) ?? usual
    }

    /// - Parameter profile: nil for one that cannot be read; the warden refuses the session then.
    func checkPlan(_ spec: SessionSpec, _ profile: Profile?) throws(ServiceError) {
        try checkPlan(of: spec.tenant)
        guard let plan = plans[tenants[spec.tenant]?.plan] else { return }
        guard plan.profiles.allows(spec.profile) else {
            throw ServiceError(
                .forbidden,
                "profile: the plan \(plan.name) of the tenant \(spec.tenant) does not have "
                    + "\(quoted(spec.profile)); it has \(plan.profiles)",
                field: "profile", hint: nil, reason: "plan-profile")
        }
        for override in spec.overrides { try check(override, profile, plan, spec.tenant) }
        for (limit, field, key) in [
            (Lifespan.Limit.ttl, "ttl", ProfileKey.ttl), (.idle, "idle", .idle), (.max, "max", .most),
        ] where spec.asks(limit) {
            try check(ProfileField(key), field, plan, spec.tenant)
        }
        guard let profile else { return }
        try checkProfile(profile, plan, spec.tenant)
    }

    /// Of what a request asks for later.
    func checkPlan(of tenant: Name, allows key: ProfileKey, _ field: String) throws(ServiceError) {
        guard let plan = plans[tenants[tenant]?.plan] else { return try checkPlan(of: tenant) }
        try check(ProfileField(key), field, plan, tenant)
    }

    private func check(
        _ field: ProfileField, _ asked: String, _ plan: Plan, _ tenant: Name
    ) throws(ServiceError) {
        guard let origin = plan.lockOrigin(of: field) else { return }
        throw ServiceError(
            .forbidden,
            "\(asked): \(field.path) is locked by the plan \(plan.name) of the tenant \(tenant) (\(origin))",
            field: asked, hint: "leave it out", reason: "plan-locked")
    }

    /// To ask for what the profile has anyway changes nothing that is locked.
    private func check(
        _ override: ProfileOverride, _ profile: Profile?, _ plan: Plan, _ tenant: Name
    ) throws(ServiceError) {
        let (field, asked) = (override.field, override.requestField)
        if let profile, (try? profile.overridden(by: [override])) == profile { return }
        try check(field, asked, plan, tenant)
        let most: (value: UInt64, limit: UInt64, rule: Quantity)?
        switch override {
        case .memory(let bytes): most = plan.memory.map { (bytes, $0, PlanKey.memory) }
        case .cpus(let thousandths): most = plan.milliCPUs.map { (UInt64(thousandths), $0, PlanKey.cpus) }
        default: most = nil
        }
        guard let most, most.value > most.limit else { return }
        throw ServiceError(
            .forbidden,
            "\(asked): \(most.rule.write(most.value)) is more than the plan \(plan.name) of the tenant "
                + "\(tenant) has for a session, \(most.rule.write(most.limit))",
            field: asked, hint: "at most \(most.rule.write(most.limit))", reason: "plan-limit")
    }

    /// What a profile locks cannot be less, either.
    private func checkProfile(_ profile: Profile, _ plan: Plan, _ tenant: Name) throws(ServiceError) {
        for override in caps(of: [], profile, plan) {
            guard let origin = profile.lockOrigin(of: override.field) else { continue }
            throw ServiceError(
                .forbidden,
                "profile: \(profile.name) locks \(override.field.path) (\(origin)) at more than the plan "
                    + "\(plan.name) of the tenant \(tenant) has for a session",
                field: "profile", hint: nil, reason: "plan-limit")
        }
    }

    // MARK: What sessions get

    /// The limits that a session is made with: what was asked for, and no more than its tenant's plan has.
    func limits(of spec: SessionSpec, _ profile: Profile?) -> [ProfileOverride] {
        guard let profile, let plan = plans[tenants[spec.tenant]?.plan] else { return spec.limits }
        return spec.limits + caps(of: spec.limits, profile, plan)
    }

    private func caps(
        of limits: [ProfileOverride], _ profile: Profile, _ plan: Plan
    ) -> [ProfileOverride] {
        // What a profile locks is no override's to say, and was held against the plan before.
        let asked = ((try? profile.overridden(by: limits)) ?? profile).limits
        var caps: [ProfileOverride] = []
        if let most = plan.memory, asked.memory > most { caps.append(.memory(most)) }
        if let most = plan.milliCPUs, UInt64(asked.milliCPUs) > most {
            caps.append(.cpus(UInt32(clamping: most)))
        }
        return caps
    }
}

extension SessionSpec {
    /// Whether the request says anything of it.
    fileprivate func asks(_ limit: Lifespan.Limit) -> Bool {
        if without.contains(limit) { return true }
        switch limit {
        case .ttl: return ttl != nil
        case .idle: return idle != nil
        case .max: return max != nil
        }
    }
}

extension ProfileOverride {
    /// As requests call it.
    fileprivate var requestField: String {
        switch self {
        case .image: "image"
        case .variable: "env"
        case .outputLimit: "limits.output"
        case .cpuTime: "limits.cpu_time"
        case .openFiles: "limits.open_files"
        case .fileSize: "limits.file_size"
        default: field.path
        }
    }
}
