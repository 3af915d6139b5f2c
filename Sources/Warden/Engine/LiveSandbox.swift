import Cgroups
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import WardenProtocol

/// One sandbox from its order to its last cgroup, as the engine keeps it. Three descriptors: the control
/// socket, the pidfd and the lock on its slot.
final class LiveSandbox: EventHandler {
    enum Phase: Hashable {
        /// The init builds it.
        case starting
        case running
        case paused
        /// Killed, and its init has not ended yet.
        case ending
        /// Its init has ended; what is left are cgroups.
        case emptying(until: UInt64)
        /// It was told to be stuck. `remove` tries again.
        case stuck
    }

    let id: SandboxID
    /// Of its rules what processes get; the rest is with its init, and would be the most of what is kept here.
    let environment: [String]
    let workspace: String
    let image: String
    let layers: [Layer: LayerState]
    /// In force.
    let limits: SandboxLimits
    let resources: SandboxResources
    let watch: LimitWatch?
    /// Until its init has been reaped.
    var sandbox: RunningSandbox?
    var phase = Phase.starting
    /// Whose group its own is in; nil for one in nobody's.
    var tenant: String?
    /// Whether its init has built it.
    var isReady = false
    /// Why it ends, where the engine knows: the first reason counts.
    private(set) var cause: Cause?
    private(set) var detail = ""
    /// The commands of the processes that are starting or running.
    var commands: [UInt64: String] = [:]
    /// When the engine has to look at it; nil for never.
    var due: UInt64? {
        didSet { engine.look(at: id, when: due) }
    }
    /// How long the next look at its groups is put off, in nanoseconds.
    var pause: UInt64 = 500_000
    /// What was told of limits.
    var told = GroupStatistics(oomKills: 0, pidsLimitHits: 0)
    private unowned let engine: Engine
    private var tokens: (control: EventLoop.Token, pidfd: EventLoop.Token)?

    init(
        _ id: SandboxID, _ engine: Engine, _ sandbox: RunningSandbox, _ rules: LaunchRules,
        _ layers: [Layer: LayerState], _ resources: SandboxResources, _ watch: LimitWatch?
    ) {
        self.id = id
        self.engine = engine
        self.sandbox = sandbox
        environment = rules.environment
        workspace = rules.image.workspace
        image = rules.image.name
        self.layers = layers
        var limits = SandboxLimits(rules.profile.limits, layers)
        let isWritable = rules.profile.filesystem.workspace == .writable
        let inMemory = VolumeAmounts(
            bytes: rules.limits.workspaceBytes, inodes: UInt64(rules.limits.workspaceFiles))
        let isInMemory = isWritable && !engine.directories.isUsed(by: id)
        limits.workspace =
            engine.volumes.limits(of: id) ?? engine.hostVolumes.limits(of: id)
            ?? (isInMemory ? inMemory : VolumeAmounts())
        self.limits = limits
        self.resources = resources
        self.watch = watch
    }

    var isAlive: Bool { phase == .starting || phase == .running || phase == .paused }

    /// Whether its init has, told or not.
    var hasDied: Bool {
        guard let sandbox else { return true }
        var request = pollfd(fd: sandbox.pidfd.number, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, 0) > 0
    }

    func end(because cause: Cause, _ detail: String = "") {
        guard self.cause == nil else { return }
        self.cause = cause
        self.detail = detail
    }

    // MARK: Events

    func begin(on loop: EventLoop) throws(SystemError) {
        guard let sandbox else { return }
        try sandbox.stopWaiting()
        let control = try loop.add(sandbox.control, for: .readable, handler: self)
        do throws(SystemError) {
            tokens = (control, try loop.add(sandbox.pidfd, for: .readable, handler: self))
        } catch {
            loop.remove(sandbox.control, control)
            throw error
        }
    }

    /// The init says nothing more.
    func stopListening(on loop: EventLoop) {
        if let sandbox, let tokens { loop.remove(sandbox.control, tokens.control) }
    }

    /// Everything about its init is known: its descriptors are closed.
    func letGo(on loop: EventLoop) {
        guard let sandbox else { return }
        stopListening(on: loop)
        if let tokens { loop.remove(sandbox.pidfd, tokens.pidfd) }
        tokens = nil
        self.sandbox = nil
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        if token == tokens?.pidfd { return engine.ended(self) }
        engine.listen(to: self)
    }

    // MARK: Figures

    /// With what was ``told`` of limits.
    var statistics: SandboxStatistics {
        let usage = resources.usage()
        return SandboxStatistics(
            memory: usage.memory, peakMemory: told.peakMemory, cpuTime: told.cpuTime,
            pids: usage.pids, outOfMemoryKills: told.oomKills, pidsLimitHits: told.pidsLimitHits,
            workspace: engine.volumes.usage(of: id) ?? engine.hostVolumes.usage(of: id) ?? VolumeAmounts())
    }
}
