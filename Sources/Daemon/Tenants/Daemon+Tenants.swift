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

// What is asked of tenants, and what is recorded of them.

extension Daemon {
    /// Takes in every tenant of the store, before anything that belongs to one.
    func restoreTenants() throws(StoreError) {
        var found: [Tenant] = []
        for record in try store.tenants() {
            do throws(ValueError) {
                found.append(
                    Tenant(
                        try Name(record.name), description: record.description, created: record.created,
                        version: record.version, plan: record.plan, weight: record.weight))
            } catch {
                log.line(.error, "the record of tenant \(record.name) is not understood: \(error)")
            }
        }
        tenants = TenantTable(found)
        readPlansAtStart()
    }

    func createTenant(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.tenantRequest)
        let name: Name
        do throws(ValueError) {
            name = try Name(reader.text("name") ?? "")
        } catch {
            throw ServiceError(.invalid, "name: \(error.problem)", field: "name")
        }
        auditObject = name.description
        let plan = try reader.text("plan").map { (plan) throws(ServiceError) in try self.plan(named: plan) }
        let tenant = try refusing { () throws(TenantRefusal) in
            try tenants.create(
                name, description: reader.text("description") ?? "", plan: plan?.name,
                weight: reader.whole("weight").map { UInt32(clamping: $0) }, at: DaemonClock.wall)
        }
        if let plan { plans.put(plan) }
        setLimits(of: name)
        return recorded(.tenant(TenantRecord(tenant, OwnQuotas())), of: name, before: nil, "created") {
            daemon, answer in
            answer(daemon.shape(tenant, status: 201))
        }
    }

    func setTenant(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.tenantChange)
        let before = try tenant(request)
        let description = reader.text("description")
        let plan = try reader.text("plan").map { (plan) throws(ServiceError) in try self.plan(named: plan) }
        let hasNoPlan = reader.isNull("plan")
        let weight = reader.whole("weight").map { UInt32(clamping: $0) }
        let hasNoWeight = reader.isNull("weight")
        guard description != nil || plan != nil || hasNoPlan || weight != nil || hasNoWeight else {
            throw ServiceError(
                .invalid, "description, plan or weight: one of them is missing", field: "description")
        }
        let tenant = try refusing { () throws(TenantRefusal) in
            try tenants.change(before.name, ifVersion: reader.whole("version")) {
                if let description { $0.description = description }
                if plan != nil || hasNoPlan { $0.plan = plan?.name }
                if weight != nil || hasNoWeight { $0.weight = weight }
            }
        }
        if let plan { plans.put(plan) }
        setLimits(of: tenant.name)
        return recorded(
            .tenant(TenantRecord(tenant, ownQuotas[tenant.name] ?? OwnQuotas())), of: tenant.name,
            before: before, "changed"
        ) { daemon, answer in
            // Another plan may be another disk quota.
            daemon.holdToTotalIfUsed(tenant.name) {}
            daemon.weigh(tenant.name, changing: true) { daemon, state in
                answer(daemon.shape(tenant, weighing: state))
            }
        }
    }

    func removeTenant(_ request: Request) throws(ServiceError) -> Reply {
        let name = try tenant(request).name
        let before = try refusing { () throws(TenantRefusal) in
            try tenants.remove(
                name, sessions: table.liveCount(of: name), workspaces: workspaces.count(of: name))
        }
        let ended = table.list(tenant: name).map(\.id)
        return recorded(.tenantGone(name.description), of: name, before: before, "removed") {
            daemon, answer in
            for id in ended { try? daemon.forget(id) }
            _ = daemon.ledger.forget(name)
            daemon.ownQuotas[name] = nil
            daemon.forgetTokens(of: name)
            daemon.totals[name] = nil
            // What the warden keeps of it: directories, and what they may hold together. It is made anew for a later
            // one of that name, so nothing hangs on it.
            daemon.whenAnswered { [weak daemon] in
                daemon?.link?.send(.volumeForget(tenant: name.description)) { _, _ in }
            }
            answer(.nothing)
        }
    }

    func inspectTenant(_ request: Request) throws(ServiceError) -> Reply {
        let tenant = try tenant(request)
        let pending = Pending()
        weigh(tenant.name, changing: false) { daemon, state in
            pending.complete(daemon.shape(tenant, weighing: state))
        }
        return .later(pending)
    }

    func listTenants(_ request: Request) throws(ServiceError) -> Reply {
        let caller = try caller(request)
        let seen = tenants.all.filter { caller.sees($0.name) }
        let (sessions, workspaces) = (table.liveCounts, workspaces.counts)
        return recorded(
            .json(
                .object { object in
                    object.array("tenants") { list in
                        for tenant in seen {
                            list.object {
                                write(
                                    tenant, sessions: sessions[tenant.name] ?? 0,
                                    workspaces: workspaces[tenant.name] ?? 0, to: &$0)
                            }
                        }
                    }
                }))
    }

    // MARK: Parts

    /// The one that the path names, if the caller may know of it.
    func tenant(_ request: Request) throws(ServiceError) -> Tenant {
        let text = request.parameter("tenant")
        let caller = try caller(request)
        guard let tenant = try? tenants.find(text), caller.sees(tenant.name) else {
            throw ServiceError(TenantRefusal.unknown(text))
        }
        return tenant
    }

    private func refusing<Value>(_ body: () throws(TenantRefusal) -> Value) throws(ServiceError) -> Value {
        do throws(TenantRefusal) {
            return try body()
        } catch {
            throw ServiceError(error)
        }
    }

    /// Records a change of a tenant's and answers then; puts the table back as it was where that fails.
    private func recorded(
        _ change: Change, of name: Name, before: Tenant?, _ deed: String,
        _ done: @escaping (Daemon, _ answer: @escaping (Response) -> Void) -> Void
    ) -> Reply {
        let pending = Pending()
        journal.add(change, then: ())
        let intent = Batch.Work.intent { [weak self] problem in
            guard let self else { return }
            if let problem {
                tenants.put(before, at: name)
                setLimits(of: name)
                return pending.fail(.notRecorded(problem))
            }
            events.publish("tenant.\(deed)", session: nil, tenant: name.description) { _ in }
            done(self) { pending.complete($0) }
        }
        batches.append(Batch(work: intent, trace: log.trace))
        return .later(pending)
    }

    /// - Parameter state: what is in force of its weight, where somebody has looked.
    func shape(_ tenant: Tenant, status: Int = 200, weighing state: TenantWeighing? = nil) -> Response {
        .json(
            .object {
                write(
                    tenant, sessions: table.liveCount(of: tenant.name),
                    workspaces: workspaces.count(of: tenant.name), weighing: state, to: &$0)
            }, status: status)
    }

    private func write(
        _ tenant: Tenant, sessions: Int, workspaces: Int, weighing state: TenantWeighing? = nil,
        to object: inout JSONObjectWriter
    ) {
        object.add("name", tenant.name.description)
        object.add("description", tenant.description)
        object.add("created", APITime(milliseconds: tenant.created).description)
        object.add("version", tenant.version)
        if let plan = tenant.plan { object.add("plan", plan) }
        object.object("weight") { writeWeight(of: tenant, state, to: &$0) }
        object.add("sessions", sessions)
        object.add("workspaces", workspaces)
        object.array("uids") { list in
            for uids in tenantUIDs.uids(of: tenant.name.description).prefix(10_000) { list.add(uids) }
        }
    }
}

extension TenantRecord {
    init(_ tenant: Tenant, _ own: OwnQuotas) {
        self.init(
            name: tenant.name.description, description: tenant.description, created: tenant.created,
            version: tenant.version, quotas: own.recorded, plan: tenant.plan, weight: tenant.weight)
    }
}
