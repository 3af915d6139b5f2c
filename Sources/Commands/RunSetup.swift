import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Sandbox
import Seccomp

/// What the files say about a run: rules, root and filter, read and checked.
struct RunRules: Sendable {
    let profile: Profile
    let image: Image
    let filter: CompiledFilter
    let hostPaths: HostPaths

    static func load(_ options: RunOptions) throws(CommandError) -> RunRules {
        let rules = try Installation.find().rules(
            options.profile, options.variant, cache: StateDirectory.cache())
        for warning in rules.filter.warnings { Terminal.error("corral run: warning: \(warning)") }
        return RunRules(
            profile: try overridden(rules.profile, options), image: rules.image, filter: rules.filter,
            hostPaths: try HostPaths.probe(rules.image))
    }

    /// The profile with the command line as its uppermost layer.
    static func overridden(_ profile: Profile, _ options: RunOptions) throws(CommandError) -> Profile {
        do throws(ProfileOverride.Refusal) {
            return try profile.overridden(by: options.overrides)
        } catch {
            throw CommandError(error.description)
        }
    }

    var limits: Limits { profile.limits }

    /// The environment of the program.
    var environment: [String] { profile.environment.map { "\($0.name)=\($0.value)" } }

    /// The namespaces and other layers that the init is started without.
    func without(_ host: RunHost) -> Set<Layer> {
        let left = host.without.layers
        return profile.network.mode == .host ? left.union([.netNamespace]) : left
    }
}

/// What the host has for a run; nothing has been changed yet.
struct RunHost {
    let abilities: HostAbilities
    let layout: CgroupLayout
    let workspace: WorkspaceDirectory?
    /// What a test left out; always empty in release builds.
    let without: Ablation
    /// What the caller adds to the image's mounts.
    var mounts = AddedMounts.none

    static func probe(_ options: RunOptions) throws(CommandError) -> RunHost {
        do {
            let abilities = try HostAbilities.probe()
            let without = try Ablation.asked()
            return RunHost(
                abilities: abilities, layout: try CgroupLayout.detect(),
                workspace: try openWorkspace(options.workspace, abilities, without), without: without,
                mounts: try options.mounts.isEmpty
                    ? .none
                    : AddedMounts.open(
                        options.mounts, own: StateDirectory.all(abilities), without: without))
        } catch {
            throw CommandError("\(error)")
        }
    }

    private static func openWorkspace(
        _ path: String?, _ abilities: HostAbilities, _ without: Ablation
    ) throws(CommandError) -> WorkspaceDirectory? {
        guard let path else { return nil }
        let own = try StateDirectory.all(abilities)
        let workspace: WorkspaceDirectory
        do throws(WorkspaceError) {
            workspace = try WorkspaceDirectory.open(path, without: without)
        } catch {
            throw CommandError("--workspace \(error)")
        }
        do throws(MountError) {
            try workspace.check(by: RefusedPlaces.look(own: own))
            return workspace
        } catch {
            throw CommandError("--workspace \(error)")
        }
    }

    /// What of the output is passed on: as the profile says, but for what a test leaves out.
    func outputPolicy(_ profile: Profile) -> OutputPolicy {
        without.contains(.outputLimit) ? OutputPolicy(limit: nil) : profile.output
    }

    /// What the relay lets through, likewise.
    func relayPolicy(_ profile: Profile) -> RelayPolicy {
        var policy = profile.relay
        if without.contains(.relayPolicy) { policy.messages = nil }
        return policy
    }

    /// The limits of the cgroups: all of the run's, but for what a test leaves out.
    func groupLimits(_ asked: Limits) -> Limits {
        var limits = asked
        if without.contains(.memory) { limits.memory = abilities.totalMemory }
        if without.contains(.swap) { limits.swap = abilities.totalMemory }
        if without.contains(.pids) { limits.pids = 100_000 }
        if without.contains(.cpu) { limits.milliCPUs = abilities.processors * 1000 }
        return limits
    }

    /// Whether this host could put the sandbox's cgroups in force, before any is made.
    var expectedCgroups: [Layer: LayerState] {
        var states: [Layer: LayerState] = [:]
        for layer in [Layer.memory, .swap, .pids, .cpu] {
            states[layer] = layout.missing[layer].map(LayerState.off) ?? .inForce
        }
        return states
    }

    /// The steps by which the root is made here; nil where the init makes its own.
    /// - Parameters:
    ///   - added: the places of the mounts that the caller adds, from the plan.
    ///   - terminal: whether the sandbox has one.
    func template(
        _ rules: RunRules, _ added: MountPlacements = .none, terminal: Bool = false
    ) throws(CommandError) -> LaunchPlan.Steps? {
        do throws(LaunchError) {
            return try LaunchPlanner.template(
                rules.image, hostPaths: rules.hostPaths, privileged: abilities.privileged, without: without,
                mounts: added, terminal: terminal)
        } catch {
            throw CommandError(error.description)
        }
    }

    /// - Parameter identity: the sandbox's ids.
    func plan(
        _ rules: RunRules, _ options: RunOptions, identity: Identity, cgroups: [Layer: LayerState]
    ) throws(CommandError) -> LaunchPlan {
        let spec = SandboxSpec(
            profile: rules.profile, limits: rules.limits, image: rules.image, filter: rules.filter.bytes,
            identity: identity, workspace: workspace.map { .directory($0.path) } ?? .ephemeral,
            sockets: options.relay == nil ? [] : [RunRelay.socketPath], cgroups: cgroups,
            softLimits: options.ulimits.soft, without: without, mounts: mounts.prepared,
            terminal: options.terminal)
        do throws(LaunchError) {
            return try LaunchPlanner.plan(spec, host: abilities, hostPaths: rules.hostPaths)
        } catch {
            throw CommandError(error.description)
        }
    }
}

extension HostPaths {
    /// Looks at the host, and at the stored tree that the image shows.
    static func probe(_ image: Image) throws(CommandError) -> HostPaths {
        var paths = HostPaths()
        for bind in image.binds { paths.add(bind.path, probe(bind.path)) }
        if let tree = image.tree { paths.tree = try ImageLookup.find()?.tree(tree) }
        return paths
    }

    private static func probe(_ path: String) -> HostPath {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return .missing }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .directory
        case S_IFLNK:
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = unsafe readlink(path, &buffer, buffer.count)
            guard count > 0, count < buffer.count else { return .missing }
            return .symlink(
                target: String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        default: return .file
        }
    }
}

/// The switch that the tests of the layers use: `CORRAL_TEST_WITHOUT=seccomp,masks` leaves layers and
/// mechanisms out. Debug builds only; a release build does not have it.
extension Ablation {
    static func asked() throws(CommandError) -> Ablation {
        #if DEBUG
            guard let text = unsafe getenv("CORRAL_TEST_WITHOUT") else { return [] }
            var asked: Ablation = []
            for name in unsafe String(cString: text).split(separator: ",").map(String.init) {
                if let layer = Layer(rawValue: name) {
                    asked.layers.insert(layer)
                } else if let mechanism = Mechanism(rawValue: name) {
                    asked.mechanisms.insert(mechanism)
                } else {
                    throw CommandError("CORRAL_TEST_WITHOUT: no layer is named \(name)")
                }
            }
            return asked
        #else
            return []
        #endif
    }
}
