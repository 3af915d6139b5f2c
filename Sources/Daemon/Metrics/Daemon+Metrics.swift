import API
import Access
import Glibc
import Linux
import Metrics
import Quotas
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol

// What a monitoring system reads. What happens is counted where it happens; what there is is looked up when
// somebody asks.

extension Daemon {
    /// For how long the warden is waited for, in nanoseconds: without its word the rest is told.
    private static let wardenPatience: UInt64 = 500_000_000

    /// Everything, to those who may see every tenant's things; to others what their own tenant has.
    func metrics(_ request: Request) throws(ServiceError) -> Reply {
        let caller = try caller(request)
        let exposition = Exposition(accept: request.head.headers.all("accept").joined(separator: ","))
        guard caller.role.reach(.look) == .all else {
            return .now(response(metrics(of: caller.tenant), exposition))
        }
        guard let link, link.isOpen else { return .now(response(nodeMetrics(nil), exposition)) }
        var timer: Timer?
        let stop = {
            timer?.cancel()
            timer = nil
        }
        let pending = Pending(onCancel: stop)
        let answer: (WardenStatus?) -> Void = { [weak self] status in
            stop()
            if let self, !pending.isOver { pending.complete(response(nodeMetrics(status), exposition)) }
        }
        timer = try? Timer.make(on: loop) { answer(nil) }
        guard timer != nil else { return .now(response(nodeMetrics(nil), exposition)) }
        timer?.fire(atLatest: Timer.now + Daemon.wardenPatience)
        link.send(.status, orLost: { answer(nil) }) { told, _ in
            if case .status(let status) = told { answer(status) } else { answer(nil) }
        }
        return .later(pending)
    }

    private func response(_ registry: Registry, _ exposition: Exposition) -> Response {
        .bytes(exposition.bytes(registry), type: exposition.contentType)
    }

    // MARK: What is told

    /// Of one tenant: nothing from which another's could be guessed, such as what the node has in all.
    private func metrics(of tenant: Name) -> Registry {
        var registry = Registry(Metric.all.filter { Daemon.ofTenants.contains($0) })
        registry.add(
            to: .buildInfo, CorralVersion.current, link?.wardenBuild ?? "", Boot.kernel())
        count(table.list(tenant: tenant), in: &registry)
        addQuotas(of: tenant, to: &registry)
        return registry
    }

    private static let ofTenants: Set<Metric> = [
        .buildInfo, .sessionStates, .processStates, .quotaUsed, .quotaLimit,
    ]

    /// - Parameter status: what the warden says; nil where it does not.
    private func nodeMetrics(_ status: WardenStatus?) -> Registry {
        var registry = counters
        registry.add(
            to: .buildInfo, CorralVersion.current, link?.wardenBuild ?? "", Boot.kernel())
        registry.add(link?.isOpen == true ? 1 : 0, to: .wardenConnected)
        registry.add(Double(events.followerCount), to: .followers)
        registry.add(Double(table.limit), to: .sessionLimit)
        count(table.list(), in: &registry)
        // The cap of a label falls on those that come last, so the order has to be the same each time.
        for tenant in tenants.all { addQuotas(of: tenant.name, to: &registry) }
        registry.add(storeState == .readOnly ? 0 : 1, to: .storeWritable)
        registry.add(Double(journal.count), to: .storePending)
        addDevice(to: &registry)
        if let status { add(status, to: &registry) }
        addProcess(to: &registry)
        return registry
    }

    private func count(_ sessions: [Session], in registry: inout Registry) {
        // Each state is there, so that an expression over one that nothing is in finds a zero.
        for state in SessionState.allCases { registry.add(0, to: .sessionStates, labels: [state.rawValue]) }
        for kind in ProcessKind.allCases {
            for state in ProcessState.allCases {
                registry.add(0, to: .processStates, labels: [kind.rawValue, state.rawValue])
            }
        }
        for session in sessions {
            registry.add(to: .sessionStates, session.machine.state.rawValue)
            for entry in session.processes.all {
                registry.add(
                    to: .processStates, entry.machine.spec.kind.rawValue, entry.machine.state.rawValue)
            }
        }
    }

    private func addQuotas(of tenant: Name, to registry: inout Registry) {
        let time = UInt64(clamping: DaemonClock.wall / 1000)
        for use in ledger.use(of: tenant, at: time)
        where APIObject.enforcedQuotas.contains(use.quota.rawValue) {
            // Amounts of processors are thousandths, and of their time milliseconds.
            let scale = use.quota == .cpus || use.quota == .cpuTimePerDay ? 0.001 : 1
            let labels = [tenant.description, use.quota.rawValue]
            registry.add(Double(use.used) * scale, to: .quotaUsed, labels: labels)
            if let limit = use.limit { registry.add(Double(limit) * scale, to: .quotaLimit, labels: labels) }
        }
    }

    private func add(_ status: WardenStatus, to registry: inout Registry) {
        registry.add(Double(status.networks.ready), to: .networksReady)
        registry.add(Double(status.networks.most), to: .networksMost)
        registry.add(Double(status.networks.taken), to: .networksTaken)
        registry.add(Double(status.networks.missed), to: .networksMissed)
        registry.add(Double(status.sessions), to: .wardenSessions)
        registry.add(Double(status.processes), to: .wardenProcesses)
        registry.add(Double(status.descriptors), to: .wardenDescriptors)
        registry.add(Double(status.descriptorLimit), to: .wardenDescriptorLimit)
        // Not where /proc hides other users' processes.
        guard let figures = ProcessFigures.read(status.pid) else { return }
        registry.add(figures.cpu, to: .wardenCPU)
        registry.add(figures.resident, to: .wardenMemory)
    }

    private func addProcess(to registry: inout Registry) {
        if let figures = ProcessFigures.read(nil) {
            registry.add(figures.cpu, to: .processCPU)
            registry.add(figures.resident, to: .processResident)
            registry.add(figures.virtual, to: .processVirtual)
        }
        if let open = ProcessFigures.openDescriptors { registry.add(Double(open), to: .processDescriptors) }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            registry.add(Double(limit.rlim_cur), to: .processMostDescriptors)
        }
        registry.add(Double(began.wall) / 1000, to: .processStarted)
    }

    private func addDevice(to registry: inout Registry) {
        var device = statvfs()
        guard unsafe statvfs(place.state, &device) == 0 else { return }
        registry.add(Double(device.f_bavail) * Double(device.f_frsize), to: .stateFree)
        registry.add(Double(device.f_blocks) * Double(device.f_frsize), to: .stateSize)
    }

    // MARK: What is counted

    func noteLaunched(_ id: SessionID) {
        guard let created = keeps[id]?.created.boot else { return }
        counters.observe(Daemon.seconds(since: created), in: .launchTime)
    }

    /// - Parameter moment: when it began to run.
    func noteStarted(_ run: ProcessRun, at moment: UInt64) {
        // When a managed one was asked for says nothing about how long its later runs took to begin.
        guard run.started == nil, moment >= run.created.boot else { return }
        counters.observe(
            Double(moment - run.created.boot) / 1e9, in: .processStart, run.spec.kind.rawValue)
    }

    func noteEnded(_ run: ProcessRun, _ cause: Cause) {
        counters.add(to: .processEnds, run.spec.kind.rawValue, cause.rawValue)
        if run.spec.kind == .exec { counters.observe(Daemon.seconds(since: run.created.boot), in: .execTime) }
    }

    static func seconds(since moment: UInt64) -> Double {
        Double(DaemonClock.now - min(moment, DaemonClock.now)) / 1e9
    }
}
