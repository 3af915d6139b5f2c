import API
import Access
import Configuration
import Quotas
import Sessions
import Wire

// Quotas, as answers show them.

extension Daemon {
    func writeQuotas(of tenant: Tenant, to object: inout JSONObjectWriter) {
        object.add("tenant", tenant.name.description)
        object.add("version", tenant.version)
        object.array("quotas") { list in
            for use in ledger.use(of: tenant.name, at: now) {
                var lack: String?
                if use.quota == .disk, let limit = use.limit { lack = lackOfTotal(of: tenant.name, limit) }
                let origin = origin(of: use.quota, tenant)
                list.object { write(use, limit: use.limit, lack: lack, by: origin, to: &$0) }
            }
        }
    }

    /// Who says how much there may be; nil where nobody does.
    private func origin(of quota: Quota, _ tenant: Tenant) -> String? {
        if ownQuotas[tenant.name]?.says(quota) == true { return "tenant" }
        return plans[tenant.plan]?.quotas[quota] == nil ? nil : "plan"
    }

    /// What all tenants have together.
    func writeNodeQuotas(to object: inout JSONObjectWriter) {
        object.array("quotas") { list in
            for use in ledger.nodeUse(at: now) {
                list.object { write(use, limit: nodeLimit(of: use.quota), lack: nil, by: nil, to: &$0) }
            }
        }
    }

    /// The most that all tenants may have together; nil for no limit.
    func nodeLimit(of quota: Quota) -> UInt64? {
        // Refused by the table of sessions, in the same step.
        quota == .sessions ? settings.number(.limitSessions) : ledger.nodeLimits[quota]
    }

    private func write(
        _ use: QuotaUse, limit: UInt64?, lack: String?, by origin: String?, to entry: inout JSONObjectWriter
    ) {
        entry.add("quota", use.quota.rawValue)
        guard APIObject.enforcedQuotas.contains(use.quota.rawValue) else {
            return entry.add("state", "not in force")
        }
        entry.add("state", limit == nil ? "no limit" : lack == nil ? "in force" : "not in force")
        if let lack { entry.add("reason", lack) }
        if let origin { entry.add("origin", origin) }
        if let limit { entry.add("limit", limit) }
        entry.add("used", use.used)
        if let resets = use.resets {
            let time = APITime(milliseconds: Int64(clamping: resets) &* 1000)
            entry.add("resets", time.description)
        }
    }
}

extension QuotaLimits {
    /// What all tenants together may have, but for sessions.
    init(ofNode settings: Settings) {
        self.init()
        let keys: [(Quota, SettingKey)] = [
            (.processes, .nodeProcesses), (.memory, .nodeMemory), (.cpus, .nodeCPUs), (.disk, .nodeDisk),
            (.cpuTimePerDay, .nodeCPUTime), (.execsPerDay, .nodeExecs), (.creationsPerMinute, .nodeCreations),
        ]
        for (quota, key) in keys { self[quota] = settings.numberOrNone(key) }
    }
}
