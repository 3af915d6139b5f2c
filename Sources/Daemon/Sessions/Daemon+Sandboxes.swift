import Linux
import Metrics
import Quotas
import Sandbox
import Service
import Sessions
import WardenProtocol
import Wire

// What sessions ask of the warden, and what it tells of them.

/// A sandbox to be made.
struct Launch {
    let id: SessionID
    let keep: SessionKeep
    let order: SessionOrder
}

extension Daemon {
    func launch(_ id: SessionID) {
        guard let session = table[id], let keep = keeps[id] else { return }
        guard let link, link.isOpen else {
            return handle(.launchFailed("the warden is not there"), id)
        }
        let spec = session.spec
        do throws(ServiceError) {
            // Of one that was created before a restart, at which the plan could not be read.
            try checkPlan(of: spec.tenant)
        } catch {
            return handle(.launchFailed(error.message), id)
        }
        let overrides =
            limits(of: spec, profile(named: spec.profile)) + spec.environment.map { .variable($0) }
        let order = SessionOrder(
            id: keep.sandbox, profile: spec.profile, image: spec.image, overrides: overrides,
            workspace: volume(of: spec, keep.sandbox), directory: spec.workspace.directory,
            directoryQuota: spec.workspace.directoryQuota,
            share: TenantShare(spec.tenant.description, weight: weight(of: spec.tenant)))
        keep.warden = String(link.instance)
        guard order.workspace?.key.kind == .session else { return create(id, keep, order) }
        holdToTotal(spec.tenant) { [weak self] refusal in
            // It may have been ended meanwhile, and then must not be made.
            guard let self, table[id]?.machine.state == .starting else { return }
            guard let refusal else { return create(id, keep, order) }
            keep.refusal = refusal
            keep.isDead = true
            handle(.launchFailed(refusal.sentence), id)
        }
    }

    private func create(_ id: SessionID, _ keep: SessionKeep, _ order: SessionOrder) {
        guard let tenant = table[id]?.spec.tenant else { return }
        launches.add(Launch(id: id, keep: keep, order: order), of: tenant)
        sendLaunches()
    }

    /// As many as may be under way.
    private func sendLaunches() {
        while let launch = launches.next() {
            if !send(launch) { launches.done() }
        }
    }

    /// - Returns: whether the warden has it.
    private func send(_ launch: Launch) -> Bool {
        let (id, keep) = (launch.id, launch.keep)
        // It may have been ended while it waited, and then must not be made.
        guard table[id]?.machine.state == .starting else { return false }
        guard let link, link.isOpen else {
            handle(.launchFailed("the warden is not there"), id)
            return false
        }
        counters.add(to: .launches)
        link.send(.create(launch.order)) { [weak self] answer, _ in
            guard let self else { return }
            launches.done()
            sendLaunches()
            guard case .refused(let refusal) = answer else { return }
            // Asked for before a restart, and taken then.
            if refusal.code == .exists { return }
            keep.refusal = refusal
            keep.isDead = true
            handle(.launchFailed(refusal.sentence), id)
        }
        return true
    }

    /// TERM to everything that runs in it.
    func signalAll(_ id: SessionID) {
        for entry in table[id]?.processes.all ?? [] where !entry.machine.hasEnded {
            if let run = runs[entry.id] { signal(run, SignalNumber.terminate) }
        }
    }

    func kill(_ id: SessionID) {
        guard let keep = keeps[id], let link, link.isOpen else { return }
        counters.add(to: .kills)
        link.send(.kill(keep.sandbox)) { [weak self] answer, _ in
            guard let self else { return }
            switch answer {
            // Else the warden tells when it is done.
            case .done: if keep.isDead { handle(.killed, id) }
            case .refused(let refusal) where refusal.code == .unknownSession:
                keep.isDead = true
                handle(.killed, id)
            case .refused(let refusal): handle(.removalFailed(refusal.sentence), id)
            default: break
            }
        }
    }

    func removeSandbox(_ id: SessionID) {
        guard let keep = keeps[id], let link, link.isOpen else { return }
        if keep.isGone {
            // Should this get lost, the next comparison finds it.
            afterAnswers { [weak self] in self?.link?.send(.remove(keep.sandbox)) { _, _ in } }
            return handle(.removed, id)
        }
        link.send(.remove(keep.sandbox)) { [weak self] answer, _ in
            switch answer {
            case .done: self?.handle(.removed, id)
            case .refused(let refusal) where refusal.code == .unknownSession: self?.handle(.removed, id)
            case .refused(let refusal): self?.handle(.removalFailed(refusal.sentence), id)
            default: break
            }
        }
    }

    func freeze(_ id: SessionID) {
        ask(.pause(SandboxID(id.value))) { [weak self] problem in
            self?.handle(problem.map { .pauseFailed($0) } ?? .pauseDone, id)
        }
    }

    func thaw(_ id: SessionID) {
        ask(.resume(SandboxID(id.value))) { [weak self] problem in
            self?.handle(problem.map { .resumeFailed($0) } ?? .resumeDone, id)
        }
    }

    private func ask(_ request: WardenRequest, _ done: @escaping (String?) -> Void) {
        guard let link, link.isOpen else { return done("the warden is not there") }
        link.send(request) { answer, _ in
            if case .refused(let refusal) = answer { done(refusal.sentence) } else { done(nil) }
        }
    }

    // MARK: What is told

    func ready(_ id: SessionID, _ layers: [Layer: LayerState], _ limits: SandboxLimits) {
        keeps[id]?.layers = layers
        keeps[id]?.limits = limits
        settle(id, limits)
        noteLaunched(id)
        handle(.launched, id)
    }

    /// Nothing in it lives.
    /// - Parameter remains: what of it could not be removed.
    func gone(_ sandbox: SandboxID, _ end: SandboxEnd, remains: String? = nil) {
        let id = SessionID(value: sandbox.value)
        guard let keep = keeps[id], let machine = table[id]?.machine, !machine.hasEnded else {
            strays.remove(sandbox)
            link?.send(.remove(sandbox)) { _, _ in }
            return
        }
        keep.isDead = true
        keep.isGone = remains == nil
        if keep.message.isEmpty { keep.message = end.detail }
        switch machine.state {
        case .starting where end.cause == .launchFailed:
            return handle(.launchFailed(end.detail), id)
        case .stopping, .quarantined: break
        default: handle(.initGone(end.cause), id)
        }
        for entry in table[id]?.processes.all ?? [] {
            if let run = runs[entry.id], let record = run.heldExit { exited(run.key, record) }
        }
        // Then what remains is removed, which says so when it cannot be.
        handle(.killed, id)
        if let remains {
            log.line(.error, "something of it could not be removed: \(remains)", session: id.description)
        }
    }

    func limitHit(_ sandbox: SandboxID, _ layer: Layer) {
        let id = SessionID(value: sandbox.value)
        if layer == .memory { keeps[id]?.memoryKills += 1 }
        counters.add(to: .limitHits, layer.rawValue)
        events.publish("session.limit", session: sandbox.description, tenant: tenantName(of: id)) {
            $0.add("message", "the limit of \(layer.rawValue) was hit")
        }
    }

    /// - Parameter percent: of one of the limits of its workspace.
    func volumeFilling(
        _ sandbox: SandboxID, _ percent: UInt8, _ used: VolumeAmounts, _ limits: VolumeAmounts
    ) {
        let parts = [("bytes", used.bytes, limits.bytes), ("files", used.inodes, limits.inodes)].compactMap {
            (name, used, limit) in
            used.flatMap { used in limit.map { "\(used) of \($0) \(name)" } }
        }
        let tenant = tenantName(of: SessionID(value: sandbox.value))
        events.publish("session.quota", session: sandbox.description, tenant: tenant) {
            $0.add(
                "message",
                "\(percent) percent of its workspace are used: \(parts.joined(separator: ", "))")
        }
    }

    // MARK: News

    /// Whose a session is; the empty name, which nobody has, for one that is not there.
    func tenantName(of id: SessionID) -> String { table[id]?.spec.tenant.description ?? "" }

    func publish(_ news: SessionNews, _ id: SessionID) {
        let tenant = tenantName(of: id)
        switch news {
        case .renewed: events.publish("session.renewed", session: id.description, tenant: tenant) { _ in }
        case .state(let state, let cause, let problem):
            events.publish("session.\(state.rawValue)", session: id.description, tenant: tenant) { event in
                event.add("state", state.rawValue)
                if let cause { event.add("cause", cause.rawValue) }
                if !problem.isEmpty { event.add("message", problem) }
            }
            let why = cause.map { " (\($0.rawValue))" } ?? ""
            log.line(
                .info, "\(state.rawValue)\(why)", session: id.description, tenant: tenant,
                trace: log.trace ?? keeps[id]?.trace)
            tellProcesses(state, cause, id)
            if state == .ended, let cause { counters.add(to: .sessionEnds, cause.rawValue) }
            if state == .ended { ledger.giveBack(.session(id)) }
            if state == .ended, let spec = table[id]?.spec {
                noteUse(of: spec)
                if case .volume = spec.workspace { countDisks() }
            }
            if [.stopping, .ended, .quarantined].contains(state) { filesEnd(.session(id)) }
        }
    }

    private func tellProcesses(_ state: SessionState, _ cause: Cause?, _ id: SessionID) {
        let event: ProcessEvent
        switch state {
        case .stopping: event = .sessionStopping(cause ?? .operator)
        case .ended, .quarantined: event = .sessionEnded(cause ?? .operator)
        case .created, .starting, .running, .paused: return
        }
        for entry in table[id]?.processes.all ?? [] where !entry.machine.hasEnded {
            if let run = runs[entry.id] { handle(event, run) }
        }
    }
}
