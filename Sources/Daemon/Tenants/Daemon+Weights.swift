import Access
import Quotas
import Sandbox
import Sessions
import WardenProtocol
import Wire

// What tenants weigh beside each other: a number of the tenant's own or of its plan's, which the warden gives the
// cgroup around the tenant's sessions, and tells of what the kernel has.

/// What is in force of a tenant's weight, as the warden said.
enum TenantWeighing {
    case told(WeightState)
    /// There is no group that it could be in force for, and why.
    case none(String)
}

extension Daemon {
    /// As `cpu.weight` of cgroup v2 has it for whoever says nothing.
    static let usualWeight: UInt32 = 100

    func weight(of name: Name) -> UInt32 {
        tenants[name]?.weight ?? plans[tenants[name]?.plan]?.weight ?? Daemon.usualWeight
    }

    /// Asks the warden what is in force of a tenant's weight.
    /// - Parameters:
    ///   - isChanged: whether it is to be put in force first.
    ///   - then: called once.
    func weigh(
        _ name: Name, changing isChanged: Bool, _ then: @escaping (Daemon, TenantWeighing) -> Void
    ) {
        let absent = TenantWeighing.none("the warden is not there")
        guard let link, link.isOpen else { return then(self, absent) }
        let weight = weight(of: name)
        let lost = { [weak self] in if let self { then(self, absent) } }
        link.send(.tenantWeight(tenant: name.description, isChanged ? weight : nil), orLost: lost) {
            [weak self] answer, _ in
            guard let self else { return }
            switch answer {
            case .tenantWeight(let state?): then(self, .told(state))
            case .tenantWeight(nil):
                let hasSessions = table.liveCount(of: name) > 0
                then(self, .none(hasSessions ? "its sessions have no cgroup" : "it has no sessions"))
            case .refused(let refusal): then(self, .none(refusal.sentence))
            default: then(self, .none("the warden did not tell"))
            }
        }
    }

    /// Has every tenant that has sessions weigh what it is to weigh: an earlier daemon may have been told of a change
    /// and not have passed it on.
    func weighAll() {
        for name in table.liveCounts.keys { weigh(name, changing: true) { _, _ in } }
    }

    func writeWeight(of tenant: Tenant, _ state: TenantWeighing?, to object: inout JSONObjectWriter) {
        let weight = weight(of: tenant.name)
        object.add("value", UInt64(weight))
        if tenant.weight != nil {
            object.add("origin", "tenant")
        } else if plans[tenant.plan]?.weight != nil {
            object.add("origin", "plan")
        }
        guard let state else { return }
        for resource in ["cpu", "io"] {
            object.object(resource) { entry in
                let lack = state.lack(of: resource, weight)
                entry.add("state", lack == nil ? "in force" : "not in force")
                if let lack { entry.add("reason", lack) }
            }
        }
    }
}

extension TenantWeighing {
    /// Why it is not in force; nil where it is.
    fileprivate func lack(of resource: String, _ weight: UInt32) -> String? {
        switch self {
        case .none(let why): return why
        case .told(let state):
            guard state.weight == weight else { return "the warden has \(state.weight)" }
            switch resource == "cpu" ? state.cpu : state.io {
            case .inForce: return nil
            case .partial(let why), .off(let why): return why
            }
        }
    }
}
