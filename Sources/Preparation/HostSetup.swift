package import Cgroups
package import Launch
package import Sandbox
import Seccomp

/// What the host has for a launch; nothing has been changed yet.
package struct HostSetup {
    package let abilities: HostAbilities
    package let layout: CgroupLayout
    package let workspace: WorkspaceDirectory?
    /// What a test left out; always empty in release builds.
    package let without: Ablation
    /// What the caller adds to the image's mounts.
    package let mounts: AddedMounts

    package init(
        abilities: HostAbilities, layout: CgroupLayout, workspace: WorkspaceDirectory?, without: Ablation,
        mounts: AddedMounts = .none
    ) {
        self.abilities = abilities
        self.layout = layout
        self.workspace = workspace
        self.without = without
        self.mounts = mounts
    }

    /// - Parameters:
    ///   - workspace: a directory of the host; nil for one of the sandbox's own.
    ///   - called: what errors call the workspace, such as `--workspace`.
    ///   - isService: as ``CgroupLayout/detect(isService:)`` has it.
    package static func probe(
        workspace: String?, called: String, mounts: [AddedMount], isService: Bool = false
    ) throws(PreparationError) -> HostSetup {
        do {
            let abilities = try HostAbilities.probe()
            let without = try Ablation.asked()
            return HostSetup(
                abilities: abilities, layout: try CgroupLayout.detect(isService: isService),
                workspace: try openWorkspace(workspace, called, abilities, without), without: without,
                mounts: try mounts.isEmpty
                    ? .none
                    : AddedMounts.open(mounts, own: StateDirectory.all(abilities), without: without))
        } catch {
            throw PreparationError("\(error)")
        }
    }

    private static func openWorkspace(
        _ path: String?, _ called: String, _ abilities: HostAbilities, _ without: Ablation
    ) throws(PreparationError) -> WorkspaceDirectory? {
        guard let path else { return nil }
        let own = try StateDirectory.all(abilities)
        let workspace: WorkspaceDirectory
        do throws(WorkspaceError) {
            workspace = try WorkspaceDirectory.open(path, without: without)
        } catch {
            throw PreparationError("\(called) \(error)")
        }
        do throws(MountError) {
            try workspace.check(by: RefusedPlaces.look(own: own))
            return workspace
        } catch {
            throw PreparationError("\(called) \(error)")
        }
    }

    /// What of the output is passed on: as the profile says, but for what a test leaves out.
    package func outputPolicy(_ profile: Profile) -> OutputPolicy {
        without.contains(.outputLimit) ? OutputPolicy(limit: nil) : profile.output
    }

    /// What the relay lets through, likewise.
    package func relayPolicy(_ profile: Profile) -> RelayPolicy {
        var policy = profile.relay
        if without.contains(.relayPolicy) { policy.messages = nil }
        return policy
    }

    /// The limits of the cgroups: all of those asked for, but for what a test leaves out.
    package func groupLimits(_ asked: Limits) -> Limits {
        var limits = asked
        if without.contains(.memory) { limits.memory = abilities.totalMemory }
        if without.contains(.swap) { limits.swap = abilities.totalMemory }
        if without.contains(.pids) { limits.pids = 100_000 }
        if without.contains(.cpu) { limits.milliCPUs = abilities.processors * 1000 }
        return limits
    }

    /// Whether this host could put the sandbox's cgroups in force, before any is made.
    package var expectedCgroups: [Layer: LayerState] {
        var states: [Layer: LayerState] = [:]
        for layer in [Layer.memory, .swap, .pids, .cpu] {
            states[layer] = layout.missing[layer].map(LayerState.off) ?? .inForce
        }
        return states
    }
}

// MARK: Plans

extension HostSetup {
    /// The steps by which the root is made here; nil where the init makes its own.
    /// - Parameters:
    ///   - added: the places of the mounts that the caller adds, from the plan.
    ///   - terminal: whether the sandbox has one.
    package func template(
        _ rules: LaunchRules, _ added: MountPlacements = .none, terminal: Bool = false
    ) throws(PreparationError) -> LaunchPlan.Steps? {
        do throws(LaunchError) {
            return try LaunchPlanner.template(
                rules.image, hostPaths: rules.hostPaths, privileged: abilities.privileged, without: without,
                mounts: added, terminal: terminal)
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// - Parameters:
    ///   - identity: the sandbox's ids.
    ///   - sockets: as ``SandboxSpec`` has them, and what follows.
    ///   - own: what the workspace is made of, where no directory was opened with this setup.
    package func plan(
        _ rules: LaunchRules, identity: Identity, cgroups: [Layer: LayerState], sockets: [String] = [],
        softLimits: [SoftLimit] = [], terminal: SandboxSpec.Terminal = .none,
        sharesFiles: Bool = false, diesWithLauncher: Bool = false, networkIsReady: Bool = false,
        workspace own: SandboxSpec.Workspace = .ephemeral
    ) throws(PreparationError) -> LaunchPlan {
        let spec = SandboxSpec(
            profile: rules.profile, limits: rules.limits, image: rules.image, filter: rules.filter.bytes,
            identity: identity, workspace: workspace.map { .directory($0.path) } ?? own,
            sockets: sockets, cgroups: cgroups, softLimits: softLimits, without: without,
            mounts: mounts.prepared, terminal: terminal, sharesFiles: sharesFiles,
            diesWithLauncher: diesWithLauncher, networkIsReady: networkIsReady)
        do throws(LaunchError) {
            return try LaunchPlanner.plan(spec, host: abilities, hostPaths: rules.hostPaths)
        } catch {
            throw PreparationError(error.description)
        }
    }
}
