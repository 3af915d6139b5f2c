import CLinux
import Cgroups
import FailPoints
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import WardenProtocol

/// Makes sandboxes, watches them and ends them, on one thread, by the very libraries that `corral run` uses.
///
/// Orders have names and values; what they stand for is read here. Everything that takes time besides a
/// launch itself (an init that builds, groups that empty) is waited for by the loop.
final class Engine: SandboxEngine {
    /// For how long groups may hold something after the init is dead, and an init may take to die, in
    /// nanoseconds; then the sandbox is said to be stuck.
    var patienceWithTheDead: UInt64 = 10_000_000_000

    let ceilings: Ceilings
    let host: HostSetup
    private var orders: OrderedRules
    private let slots: Held<SlotFile>?
    private let ids: IdentityRange
    /// One for all: to close its mount takes an RCU grace period.
    private let executable: Held<InitExecutable>
    private let low: LowDescriptors
    private(set) var sandboxes: [SandboxID: LiveSandbox] = [:]
    private(set) var loop: EventLoop?
    private var tell: (EngineEvent) -> Void = { _ in }
    private var nextSlot: Int
    private var hasMountNamespace: Bool
    /// Whether the kernel spares this process when memory runs out, which no sandbox may have from it.
    private let isSpared: Bool
    /// When to look for what dead launchers left: their inits may be dying still.
    private var sweeps: [UInt64] = []
    let volumes: VolumeKeeper
    /// From ``begin(on:telling:)`` on.
    private var networks: NetworkPool?
    private let readyNetworks: Int
    let directories: HostDirectories
    let hostVolumes: HostVolumes
    /// Whom workspaces are given to; made when the first is asked for.
    var fileUser: FileUser?
    let tenants: TenantGroups
    /// When sandboxes have to be looked at.
    private var deadlines = DeadlineHeap<SandboxID>()
    private var timer: Timer?

    /// - Parameters:
    ///   - host: nil to ask this host.
    ///   - ids: what sandboxes get of the host's.
    ///   - initPath: the file of the init; nil to look for it.
    ///   - hasMountNamespace: whether the calling thread is in one of its own already.
    ///   - isSpared: whether ``SelfProtection/spareWhenMemoryRunsOut()`` holds.
    ///   - state: the warden's directory, where volumes are; nil for none.
    ///   - readyNetworks: how many network namespaces are kept ready, as far as ``NetworkPool`` does.
    ///   - hostNamespace: the mount namespace that programs of the host are in; nil for no volumes there.
    init(
        _ ceilings: Ceilings, _ installation: Installation, host: HostSetup? = nil,
        ids: IdentityRange = .standard, initPath: String? = nil, hasMountNamespace: Bool,
        isSpared: Bool = false, state: String? = nil, readyNetworks: Int = NetworkPool.most,
        hostNamespace: Held<FileDescriptor>? = nil
    ) throws(PreparationError) {
        self.ceilings = ceilings
        var known = host
        if known == nil {
            known = try HostSetup.probe(workspace: nil, called: "workspace", mounts: [], isService: true)
        }
        guard let asked = known else { throw PreparationError("nothing is known of this host") }
        self.host = asked
        self.ids = ids
        orders = OrderedRules(installation)
        slots = try SandboxResources.slots(asked)
        tenants = TenantGroups(asked, slots)
        do throws(LaunchError) {
            executable = Held(try InitExecutable.open(privileged: asked.abilities.privileged, path: initPath))
        } catch {
            throw PreparationError(error.description)
        }
        do throws(SystemError) {
            low = try LowDescriptors()
        } catch {
            throw PreparationError(error.description)
        }
        nextSlot = Int(getpid())
        self.hasMountNamespace = hasMountNamespace
        self.isSpared = isSpared
        self.readyNetworks = readyNetworks
        volumes = VolumeKeeper(
            ceilings.volumes, state: state, isPrivileged: asked.abilities.privileged,
            hasMountNamespace: hasMountNamespace)
        directories = HostDirectories(ceilings.mounts, asked, state: state)
        hostVolumes = HostVolumes(
            ceilings.volumes, directories, state: state, isPrivileged: asked.abilities.privileged,
            hasMountNamespace: hasMountNamespace, namespace: hostNamespace)
    }

    func begin(on loop: EventLoop, telling tell: @escaping (EngineEvent) -> Void) throws(SystemError) {
        self.loop = loop
        self.tell = tell
        timer = try Timer.make(on: loop) { [weak self] in self?.timePassed() }
        let now = clinux_boottime()
        sweeps = [0, 1, 4, 15].map { now + $0 * 1_000_000_000 }
        timePassed()
        volumes.tell = { [unowned self] event in
            switch event {
            case .filling(let id, let percent, let used, let limits):
                say(.volumeFilling(id, percent: percent, used: used, limits: limits))
            case .copying(let key, let progress): say(.volumeProgress(key, progress))
            case .remark(let text): say(.remark(text))
            }
        }
        volumes.begin(on: loop)
        hostVolumes.tell = { [unowned self] text in say(.remark(text)) }
        hostVolumes.fills = { [unowned self] id, percent, used, limits in
            say(.volumeFilling(id, percent: percent, used: used, limits: limits))
        }
        hostVolumes.begin(volumes.images, on: loop)
        networks = NetworkPool(
            readyNetworks, isPrivileged: host.abilities.privileged, on: loop, telling: tell)
    }

    func weigh(_ tenant: String, _ weight: UInt32?) -> WeightState? { tenants.weigh(tenant, weight) }

    func say(_ event: EngineEvent) { tell(event) }

    var networkPool: NetworkPoolState { networks?.state ?? NetworkPoolState() }

    // MARK: Launching

    func create(_ order: SessionOrder) throws(Refusal) {
        guard let loop else { throw Refusal(.state, "the engine has not begun") }
        try Ceilings.check("sessions", sandboxes.count, atMost: ceilings.sessions)
        guard sandboxes[order.id] == nil else {
            throw Refusal(.exists, "there is a sandbox with the id \(order.id) already")
        }
        let rules = try orders.read(order, ceilings)
        do throws(Refusal) {
            let workspace = try workspace(of: order, rules.profile)
            guard let share = order.share, let parent = try tenants.take(share) else {
                return try launch(order, rules, workspace, below: nil, on: loop)
            }
            do throws(Refusal) {
                try launch(order, rules, workspace, below: parent, on: loop)
            } catch {
                tenants.release(share.tenant)
                throw error
            }
        } catch {
            releaseWorkspace(of: order.id)
            throw error
        }
    }

    /// What its files are on; nil for a memory file system that its init makes.
    private func workspace(of order: SessionOrder, _ profile: Profile) throws(Refusal) -> GivenWorkspace? {
        if let volume = order.workspace {
            let directory = try volumes.take(volume, for: order.id)
            return GivenWorkspace(directory: directory, kind: .volume(directory.path))
        }
        guard let path = order.directory else { return nil }
        let isReadOnly = profile.filesystem.workspace != .writable
        let given = try hostVolumes.take(path, order.directoryQuota, for: order.id)
        let directory = try directories.take(
            path, given, order.directoryQuota, for: order.id, readOnly: isReadOnly)
        return GivenWorkspace(directory: directory, kind: .directory(directory.path))
    }

    /// The sandbox is gone, or never was.
    func releaseWorkspace(of id: SandboxID) {
        volumes.release(id)
        directories.release(id)
        hostVolumes.release(id)
    }

    private func launch(
        _ order: SessionOrder, _ rules: LaunchRules, _ workspace: GivenWorkspace?, below parent: ParentGroup?,
        on loop: EventLoop
    ) throws(Refusal) {
        let id = order.id
        let resources = try take(id, below: parent)
        let sandbox = try begin(rules, resources)
        FailPoint.pass(.wardenCloned)
        do throws(Refusal) {
            if isSpared { try expose(sandbox) }
            let live = try build(id, sandbox, rules, resources, workspace)
            do throws(SystemError) {
                try live.begin(on: loop)
            } catch {
                throw Refusal(.system, "the sandbox cannot be watched: \(error)")
            }
            if parent != nil { live.tenant = order.share?.tenant }
            sandboxes[id] = live
            FailPoint.pass(.wardenWatching)
        } catch {
            resources.kill(sandbox)
            try? resources.release()
            throw error
        }
    }

    /// Before the init is told to go: what it starts has its score.
    private func expose(_ sandbox: RunningSandbox) throws(Refusal) {
        do throws(SystemError) {
            try OutOfMemoryScore.reset(of: sandbox.pid)
        } catch {
            throw Refusal(.system, "the sandbox would be spared when memory runs out: \(error)")
        }
    }

    private func take(_ id: SandboxID, below parent: ParentGroup?) throws(Refusal) -> SandboxResources {
        nextSlot += 1
        do throws(PreparationError) {
            return try SandboxResources.take(
                host, id: id.description, slots: slots, mark: GroupName.sessionMark, from: ids,
                startingAt: nextSlot, below: parent)
        } catch {
            throw Refusal(.system, error.description)
        }
    }

    private func begin(
        _ rules: LaunchRules, _ resources: SandboxResources
    ) throws(Refusal) -> RunningSandbox {
        var descriptors = resources.descriptors
        descriptors.low = low.first
        let without = rules.without(host)
        let network = LaunchPlan.takesReadyNetwork(without: without) ? networks?.take() : nil
        descriptors.network = network?.value.number ?? -1
        descriptors.networkHome = networks?.homeNumber ?? -1
        // The sandbox's alone from its clone on: what is open here goes.
        defer { withExtendedLifetime(network) {} }
        do throws(LaunchError) {
            return try Launcher.begin(
                identity: resources.identity, without: without,
                privileged: host.abilities.privileged, workspace: nil, descriptors: descriptors,
                executable: executable.value)
        } catch {
            try? resources.release()
            throw Refusal(error)
        }
    }

    private func build(
        _ id: SandboxID, _ sandbox: RunningSandbox, _ rules: LaunchRules, _ resources: SandboxResources,
        _ workspace: GivenWorkspace?
    ) throws(Refusal) -> LiveSandbox {
        let terminal = ceilings.terminals ? SandboxSpec.Terminal.onRequest : .none
        do {
            try resources.setLimits(host.groupLimits(rules.limits))
            FailPoint.pass(.wardenLimited)
            let watch = try LimitWatch.make(rules.limits, resources, host, polls: true)
            let plan = try host.plan(
                rules, identity: resources.identity, cgroups: resources.layers, terminal: terminal,
                sharesFiles: true, diesWithLauncher: true, networkIsReady: sandbox.networkIsReady,
                workspace: workspace?.kind ?? .ephemeral)
            let template = try host.template(rules, plan.placements, terminal: terminal != .none)
            try Launcher.build(
                sandbox, plan, identity: resources.identity, workspace: workspace?.directory
            ) { () throws(LaunchError) in
                guard let template else { return nil }
                return try RootTemplate.make(template, hasNamespace: &hasMountNamespace)
            }
            FailPoint.pass(.wardenPlanned)
            resources.closeLaunchFiles()
            // While the init works.
            if resources.inherits { resources.sweep() }
            return LiveSandbox(id, self, sandbox, rules, plan.layers, resources, watch)
        } catch let error as LaunchError {
            throw Refusal(error)
        } catch {
            throw Refusal(.unsupported, "\(error)")
        }
    }

    // MARK: Time

    /// Has a sandbox looked at; those that are never due cost nothing.
    func look(at id: SandboxID, when due: UInt64?) {
        deadlines.set(id, at: due)
        if let due { timer?.fire(atLatest: due) }
    }

    private func timePassed() {
        let now = clinux_boottime()
        if let first = sweeps.first, first <= now {
            sweeps.removeFirst()
            // What could not be removed is tried again, and by every launch that gets such a slot.
            if let slots { _ = try? SandboxResources.sweepAll(host, slots) }
        }
        for id in deadlines.popAllDue(at: now) {
            if let live = sandboxes[id] { look(at: live, now) }
        }
        let next = [sweeps.first, deadlines.next].compactMap { $0 }.min()
        if let next { timer?.fire(atLatest: next) }
    }

    func forget(_ live: LiveSandbox) {
        sandboxes[live.id] = nil
        if let tenant = live.tenant { tenants.release(tenant) }
        deadlines.remove(live.id)
    }

    func live(_ id: SandboxID) throws(Refusal) -> LiveSandbox {
        guard let live = sandboxes[id] else {
            throw Refusal(.unknownSession, "there is no sandbox with the id \(id)")
        }
        return live
    }
}

/// A directory that is a sandbox's workspace, and what it is.
struct GivenWorkspace {
    let directory: WorkspaceDirectory
    let kind: SandboxSpec.Workspace
}

extension Refusal {
    init(_ error: LaunchError) {
        let code: Code
        switch error {
        case .layerMissing, .limitAboveHost, .noProxy: code = .unsupported
        case .imagePathMissing, .imageTreeMissing, .noRunLink, .workspace, .mount: code = .order
        case .initMissing, .system, .step, .mixedInstallation, .initEnded: code = .system
        }
        self.init(code, error.description)
    }
}
