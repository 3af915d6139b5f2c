import CLinux
import InitPlan
package import Sandbox

/// Computes a ``LaunchPlan``. No kernel is asked: what the host can do comes in as values.
package struct LaunchPlanner {
    let spec: SandboxSpec
    let placements: MountPlacements
    private let host: HostAbilities
    let hostPaths: HostPaths

    /// - Parameter hostPaths: what stands at each path that the image binds.
    /// - Throws: ``LaunchError`` when a required layer would not hold, a limit is more than the host
    ///   has, or the image asks for what the host lacks.
    package static func plan(
        _ spec: SandboxSpec, host: HostAbilities, hostPaths: HostPaths
    ) throws(LaunchError) -> LaunchPlan {
        let planner = LaunchPlanner(
            spec: spec, placements: try placements(spec, hostPaths), host: host, hostPaths: hostPaths)
        if spec.profile.network.mode == .proxy { throw .noProxy(profile: spec.profile.name) }
        try planner.checkLimits()
        try planner.checkSockets()
        let layers = planner.layers()
        for layer in spec.profile.require where !spec.without.contains(layer) {
            let state = layers[layer] ?? .off("unknown")
            if state != .inForce {
                throw .layerMissing(layer, state, profile: spec.profile.name)
            }
        }
        return try planner.plan(layers)
    }

    /// The steps by which the launcher makes the root tree; nil where the init has to make its own.
    /// - Parameter mounts: those that the caller adds.
    package static func template(
        _ image: Image, hostPaths: HostPaths, privileged: Bool, without: Ablation,
        mounts: MountPlacements = .none, terminal: Bool = false
    ) throws(LaunchError) -> LaunchPlan.Steps? {
        guard privileged, !without.contains(.mountNamespace) else { return nil }
        var tree = try RootSteps.add(
            image, hostPaths, mounts, terminal: terminal, without: without, to: StepList())
        if without.contains(.pidNamespace) { hostProc(&tree) }
        return tree.finished()
    }

    /// The image without what added mounts are in the place of.
    private var image: Image { placements.replacing(in: spec.image) }

    /// Where the mounts go that the spec adds.
    package static func placements(
        _ spec: SandboxSpec, _ hostPaths: HostPaths
    ) throws(LaunchError) -> MountPlacements {
        if spec.mounts.isEmpty { return .none }
        guard !spec.without.contains(.mountNamespace) else {
            throw .mount(.target("a place of the host's", "the sandbox has no mounts of its own"))
        }
        do throws(MountError) {
            return try MountPlacements(
                spec.mounts, image: spec.image, hostPaths: hostPaths,
                workspace: WorkspaceKind(
                    spec.profile.filesystem.workspace, hostDirectory: spec.workspace.isHandedOver),
                sockets: spec.sockets)
        } catch {
            throw .mount(error)
        }
    }

    private var adoptsRoot: Bool { host.privileged && !spec.without.contains(.mountNamespace) }
    var hasOwnRoot: Bool { !spec.without.contains(.mountNamespace) }
    private var hasOwnNetwork: Bool {
        spec.profile.network.mode != .host && !spec.without.contains(.netNamespace)
    }
    private var hasWritableWorkspace: Bool { spec.profile.filesystem.workspace == .writable }

    private func plan(_ layers: [Layer: LayerState]) throws(LaunchError) -> LaunchPlan {
        var handsOverWorkspace = false
        var list = StepList()
        identity(&list)
        if adoptsRoot {
            list.add(.adoptRoot, "the root tree, from the template") { $0.integer(0) }
            handsOverWorkspace = spec.workspace.isHandedOver
        } else if hasOwnRoot {
            list.add(.makeRoot, "a tmpfs as root") { $0.text("1m") }
            list = try RootSteps.add(
                spec.image, hostPaths, placements, terminal: spec.terminal != .none,
                without: spec.without, to: list)
        }
        if hasOwnRoot { mounts(&list, handsOverWorkspace) }
        // Without a namespace of its own it would be the host's name that changes.
        if !spec.without.contains(.utsNamespace) {
            list.add(.hostname, "hostname \(spec.image.hostname)") { $0.text(spec.image.hostname) }
        }
        // In one that was made before it is, and the init could not.
        if hasOwnNetwork, !spec.networkIsReady { list.add(.loopback, "loopback interface up") }
        for socket in spec.sockets { listen(socket, &list) }
        if !spec.without.contains(.cgroupNamespace) { list.add(.cgroupNamespace, "cgroup namespace") }
        rules(&list)
        // Behind the identity: what changes ids takes it back.
        if spec.diesWithLauncher { list.add(.endWithLauncher, "the init is killed when its launcher ends") }
        return LaunchPlan(
            initial: list.finished(), layers: layers, handsOverWorkspace: handsOverWorkspace,
            workspaceIsReadOnly: !hasWritableWorkspace, handsOverMounts: adoptsRoot,
            placements: placements, without: spec.without)
    }

    private func identity(_ list: inout StepList) {
        let identity = spec.identity
        let mapped = !spec.without.contains(.userNamespace)
        let inside = UInt64(Identity.insideID)
        let initID = UInt64(mapped ? identity.initInsideID : 0)
        list.add(.identity, "uid \(initID) for the init, 1000 for processes") { fields in
            fields.integer(initID)
            fields.integer(initID)
            fields.integer(inside)
            fields.integer(inside)
            fields.integer(identity.dropsGroups && !spec.without.contains(.groups) ? 1 : 0)
        }
    }

    // MARK: The sandbox's own mounts

    private func mounts(_ list: inout StepList, _ handedOver: Bool) {
        for entry in image.tmpfs {
            tmpfs(
                entry.path, size: entry.size, files: entry.files, mode: entry.mode,
                owner: spec.identity.initInsideID,
                executable: entry.executable, &list)
        }
        workspace(&list, handedOver)
        addedMounts(&list, handedOverFrom: adoptsRoot ? (handedOver ? 2 : 1) : nil)
        proc(&list)
        for path in spec.without.contains(.masks) ? [] : spec.image.masked {
            list.add(.mask, "mask \(path)") { $0.text(path) }
        }
        for directory in socketDirectories {
            list.add(.directory, "directory \(directory)") { fields in
                fields.text(directory)
                fields.integer(0o755)
            }
        }
        if spec.terminal != .none { terminal(&list) }
        // Not by the launcher: a child that it starts meanwhile has copies of its descriptors until it
        // executes, and a file that is open for writing keeps its mount from becoming read-only.
        list.add(.attributes, "/ becomes read-only, nosuid, nodev") { fields in
            fields.text("/")
            let attributes = CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV
            fields.integer(UInt64(spec.without.kept(attributes)))
            fields.integer(0)
        }
        list.add(.pivot, StepFailures.pivot)
    }

    func tmpfs(
        _ path: String, size: UInt64, files: UInt32, mode: UInt32, owner: UInt32, executable: Bool,
        _ list: inout StepList
    ) {
        let attributes = spec.without.kept(
            CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | (executable ? 0 : CLINUX_MOUNT_NOEXEC))
        list.add(.tmpfs, "tmpfs \(path), \(size) bytes, \(files) files") { fields in
            fields.text(path)
            fields.integer(UInt64(attributes))
            fields.text(String(size))
            fields.text(String(files))
            fields.text(String(mode, radix: 8))
            fields.text(String(owner))
        }
    }

    private func workspace(_ list: inout StepList, _ handedOver: Bool) {
        let path = spec.image.workspace
        let readOnly = hasWritableWorkspace ? 0 : CLINUX_MOUNT_RDONLY
        let attributes = UInt64(
            spec.without.kept(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | readOnly))
        let flags = "nosuid, nodev\(hasWritableWorkspace ? "" : ", read-only")"
        switch spec.workspace {
        // The directory of the root tree, which is empty and becomes read-only with it.
        case .ephemeral where !hasWritableWorkspace: return
        case .ephemeral:
            tmpfs(
                path, size: spec.limits.workspaceBytes, files: spec.limits.workspaceFiles, mode: 0o755,
                owner: Identity.insideID, executable: true, &list)
            if spec.sharesFiles { keepCopy(of: path, &list) }
        case .directory(let source), .volume(let source):
            if handedOver {
                list.add(.bindDescriptor, "\(source) at \(path), idmapped, \(flags)") { fields in
                    fields.text(path)
                    fields.integer(1)
                }
            } else {
                list.add(.bindWorkingDirectory, "\(source) at \(path), \(flags)") { fields in
                    fields.text(path)
                    fields.integer(attributes)
                }
            }
        }
    }

    /// Nothing is executed through it, whatever a process makes of its files.
    private func keepCopy(of path: String, _ list: inout StepList) {
        let attributes = CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC
        list.add(.keepCopy, "a second mount of \(path) for the daemon, nosuid, nodev, noexec") { fields in
            fields.text(path)
            fields.integer(UInt64(attributes))
        }
    }

    private func proc(_ list: inout StepList) {
        let attributes = spec.without.kept(
            CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC)
        guard !spec.without.contains(.pidNamespace) else { return }
        list.add(.proc, "proc /proc, read-only") { fields in
            fields.text("/proc")
            fields.integer(UInt64(attributes))
            fields.integer(spec.without.contains(.userNamespace) ? 0 : 1)
        }
    }

    /// In place of a new proc, which needs a pid namespace of one's own: the test of that layer sees
    /// the host's. By the launcher, since for the init the new root lies over its /proc.
    private static func hostProc(_ list: inout StepList) {
        list.add(.bindPath, "bind /proc") { fields in
            fields.text("/proc")
            fields.text("/proc")
            fields.integer(0)
            fields.integer(1)
        }
    }

    // MARK: Rules for processes

    private func rules(_ list: inout StepList) {
        if hasOwnRoot { landlock.add(to: &list) }
        if !spec.without.contains(.rlimits) {
            for limit in rlimits {
                let soft = spec.softLimits.first { $0.resource == limit.resource }?.value
                let shown = soft.map { "\($0):" } ?? ""
                list.add(.rlimit, "\(limit.name) \(shown)\(limit.value)") { fields in
                    fields.integer(UInt64(limit.resource))
                    fields.integer(soft ?? limit.value)
                    fields.integer(limit.value)
                }
            }
        }
        if !spec.without.contains(.seccomp) {
            list.add(.filter, "seccomp policy \(policyName), \(spec.filter.count / 8) instructions") {
                $0.blob(spec.filter)
            }
        }
        let without = self.without
        if without != 0 { list.add(.without, "layers left out: \(without)") { $0.integer(UInt64(without)) } }
        // KILL 5, SETGID 6, SETUID 7, SETPCAP 8: what starting and ending processes takes.
        let kept: UInt64 = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8
        list.add(.capabilities, "the init gives up all capabilities but KILL, SETGID, SETUID, SETPCAP") {
            $0.integer(spec.without.contains(.capabilities) ? kept | 1 << 21 : kept)
        }
    }

    /// The parts' names, such as `base+network`.
    private var policyName: String {
        var directory = placements.list.contains { $0.prepared.found != nil }
        if case .directory = spec.workspace { directory = true }
        let parts = spec.profile.syscalls.parts(
            relay: !spec.sockets.isEmpty, hostDirectory: directory, terminal: spec.terminal != .none)
        // joined(separator:) looks a conformance up at run time, among all there are.
        var name = parts.first ?? ""
        for part in parts.dropFirst() { name += "+" + part }
        return name
    }

    private var landlock: LandlockRuleset {
        LandlockRuleset(
            abi: host.landlockABI, policy: spec.profile.landlock,
            writable: image.writable(spec.profile.filesystem) + writableDirectories,
            writableFiles: writableFiles, without: spec.without.layers)
    }

    private struct Rlimit {
        let name: String
        /// Its name in profiles.
        let key: String
        let resource: Int32
        let value: UInt64
    }

    /// getrlimit(2); the numbers are the kernel's (asm-generic/resource.h).
    private var rlimits: [Rlimit] {
        var limits = [
            Rlimit(name: "RLIMIT_CORE", key: "core", resource: 4, value: coreLimit),
            Rlimit(
                name: "RLIMIT_NOFILE", key: "open_files", resource: 7, value: UInt64(spec.limits.openFiles)),
            Rlimit(name: "RLIMIT_FSIZE", key: "file_size", resource: 1, value: spec.limits.fileSize),
            Rlimit(name: "RLIMIT_NPROC", key: "pids", resource: 6, value: mostProcesses),
            Rlimit(name: "RLIMIT_STACK", key: "stack", resource: 3, value: spec.limits.stack),
        ]
        // Never RLIMIT_AS: node reserves more address space than it will ever use.
        if spec.cgroups[.memory] != .inForce {
            limits.append(Rlimit(name: "RLIMIT_DATA", key: "memory", resource: 2, value: spec.limits.memory))
        }
        return limits
    }

    /// Too little for a file, and the one value with which the kernel does not start the program of a
    /// core_pattern with a pipe either: 0 does not keep it from that (core(5)).
    private var coreLimit: UInt64 {
        host.hardLimits.contains { $0.resource == 4 && $0.value == 0 } ? 0 : 1
    }

    /// Where the init has the processes' uid, rlimit and cgroup would count the same, and the kernel asks
    /// the rlimit first: one more, or the cgroup would never count that a process was refused.
    private var mostProcesses: UInt64 {
        let asked = UInt64(spec.limits.pids)
        guard case .single = spec.identity, spec.cgroups[.pids] == .inForce else { return asked }
        return asked + 1
    }

    private var without: Int32 {
        let bits: [(Layer, Int32)] = [
            (.session, CLINUX_WITHOUT_SESSION), (.keyring, CLINUX_WITHOUT_KEYRING),
            (.capabilities, CLINUX_WITHOUT_CAPABILITIES), (.noNewPrivileges, CLINUX_WITHOUT_NO_NEW_PRIVS),
            (.descriptors, CLINUX_WITHOUT_CLOSE),
        ]
        return bits.reduce(0) { spec.without.contains($1.0) ? $0 | $1.1 : $0 }
    }

    // MARK: What will hold

    private func layers() -> [Layer: LayerState] {
        var layers = Dictionary(uniqueKeysWithValues: Layer.allCases.map { ($0, LayerState.inForce) })
        if case .single(let uid, _) = spec.identity {
            layers[.uids] = .partial("the init and the processes share uid \(uid)")
            if host.supplementaryGroups > 0 {
                layers[.groups] = .partial("\(host.supplementaryGroups) groups of the user kept")
            }
        }
        layers.merge(landlock.states) { $1 }
        layers.merge(spec.cgroups) { $1 }
        for layer in [Layer.memory, .swap, .pids, .cpu] where spec.cgroups[layer] != .inForce {
            let why = spec.cgroups[layer]?.reason ?? "no delegated cgroup"
            switch layer {
            // Counted per user namespace since Linux 5.14, so it is the sandbox's own.
            case .pids: layers[layer] = .inForce
            case .memory: layers[layer] = .partial("\(why); RLIMIT_DATA: per process, private memory only")
            default: layers[layer] = .off(why)
            }
        }
        if spec.profile.network.mode == .host {
            layers[.netNamespace] = .off("network.mode is host: the host's network, without isolation")
        }
        for layer in spec.without.layers { layers[layer] = .off("left out by a test") }
        return layers
    }

    private func checkLimits() throws(LaunchError) {
        let limits = spec.limits
        if limits.memory > host.totalMemory {
            throw .limitAboveHost(
                "memory", "\(limits.memory) bytes", host: "\(host.totalMemory) bytes of memory")
        }
        if UInt64(limits.milliCPUs) > UInt64(host.processors) * 1000 {
            throw .limitAboveHost(
                "cpus", "\(Double(limits.milliCPUs) / 1000)", host: "\(host.processors) processors")
        }
        if UInt64(limits.openFiles) > host.openFilesLimit {
            throw .limitAboveHost(
                "open_files", "\(limits.openFiles)", host: "a hard limit of \(host.openFilesLimit) open files"
            )
        }
        guard !spec.without.contains(.rlimits) else { return }
        for limit in rlimits {
            let hard = host.hardLimits.first { $0.resource == limit.resource }?.value
            guard let hard, limit.value > hard else { continue }
            throw .limitAboveHost(
                limit.key, "\(limit.value)", host: "a hard limit of \(hard) (\(limit.name))")
        }
    }
}

extension LayerState {
    /// Why it does not hold in full; nil when it does.
    package var reason: String? {
        switch self {
        case .inForce: nil
        case .partial(let why), .off(let why): why
        }
    }
}
