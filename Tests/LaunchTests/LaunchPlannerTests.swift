// What a launch would do, computed from values: no kernel is asked here.

import Launch
import Sandbox
import Testing

@Suite struct LaunchPlannerTests {
    static let root = HostAbilities(
        uid: 0, gid: 0, supplementaryGroups: 0, privileged: true, landlockABI: 7, kernel: "6.18",
        totalMemory: 1 << 34, processors: 2, openFilesLimit: 20_000)

    private static let user = HostAbilities(
        uid: 1500, gid: 1500, supplementaryGroups: 2, privileged: false, landlockABI: 7, kernel: "6.18",
        totalMemory: 1 << 34, processors: 2, openFilesLimit: 20_000)

    private static let inForce: [Layer: LayerState] = [
        .memory: .inForce, .swap: .inForce, .pids: .inForce, .cpu: .inForce,
    ]

    static func spec(
        identity: Identity = .slot(3), cgroups: [Layer: LayerState] = inForce, require: [Layer] = [],
        adjust: (inout SandboxSpec) -> Void = { _ in }
    ) -> SandboxSpec {
        let limits = Limits(
            memory: 1 << 28, swap: 0, pids: 64, milliCPUs: 1000, openFiles: 1024, fileSize: 1 << 30,
            stack: 8 << 20, workspaceBytes: 1 << 26, workspaceFiles: 1000)
        let profile = Profile(
            name: "test", description: "", image: "small", filesystem: Filesystem(workspace: .writable),
            syscalls: SyscallPolicy(policy: ["default"], withRelay: ["unix"], withoutHostDirectory: []),
            landlock: LandlockPolicy(bind: .only([]), connect: .only([])),
            network: Network(mode: .none, allow: []), limits: limits,
            lifetime: Lifetime(timeout: nil, maxTimeout: nil, maxTimeoutOrigin: ""),
            output: OutputPolicy(limit: nil),
            relay: RelayPolicy(frameBytes: 1 << 22, connections: 8, messages: nil), environment: [],
            require: require,
            locks: [])
        let image = Image(
            name: "small", description: "", hostname: "box", workspace: "/workspace",
            binds: [.init(path: "/usr", optional: false), .init(path: "/bin", optional: true)], files: [],
            symlinks: [.init(path: "/var/run", target: "/run")],
            tmpfs: [.init(path: "/run", size: 1 << 20, files: 100, mode: 0o755, executable: false)],
            devices: [.init(name: "null", major: 1, minor: 3)], masked: ["/proc/keys"])
        var spec = SandboxSpec(
            profile: profile, limits: limits, image: image, filter: [UInt8](repeating: 0, count: 16),
            identity: identity, workspace: .ephemeral, sockets: [], cgroups: cgroups)
        adjust(&spec)
        return spec
    }

    private static let hostPaths: HostPaths = [
        "/usr": .directory, "/bin": .symlink(target: "usr/bin"),
    ]

    private static func plan(_ spec: SandboxSpec, _ host: HostAbilities = root) throws(LaunchError)
        -> LaunchPlan
    {
        try LaunchPlanner.plan(spec, host: host, hostPaths: hostPaths)
    }

    @Test func `who has a network that is ready leaves it as it is`() throws {
        let step = "loopback interface up"
        #expect(try Self.plan(Self.spec()).initial.descriptions.contains(step))
        let ready = try Self.plan(Self.spec { $0.networkIsReady = true })
        #expect(!ready.initial.descriptions.contains(step))
        #expect(ready.layers[.netNamespace] == .inForce)
        #expect(LaunchPlan.takesReadyNetwork(without: [.seccomp]))
        // Who shares the host's has none, and without users of its own the init could change it.
        for layer in [Layer.netNamespace, .userNamespace] {
            #expect(!LaunchPlan.takesReadyNetwork(without: [layer]))
        }
    }

    /// Else the kernel would ask the rlimit first, and the cgroup would never count a refusal.
    @Test func `the rlimit of processes leaves room for the init only where a cgroup counts it as well`()
        throws
    {
        let single = Identity.single(uid: 1500, gid: 1500)
        for (identity, cgroups, limit) in [
            (Identity.slot(3), LaunchPlannerTests.inForce, 64), (single, LaunchPlannerTests.inForce, 65),
            (single, [:], 64),
        ] {
            let spec = LaunchPlannerTests.spec(identity: identity, cgroups: cgroups)
            let steps = try LaunchPlannerTests.plan(spec).initial.descriptions
            #expect(steps.contains("RLIMIT_NPROC \(limit)"), "\(identity)")
        }
    }

    @Test func `as root every layer is in force and the launcher makes the template`() throws {
        let plan = try LaunchPlannerTests.plan(LaunchPlannerTests.spec())
        #expect(Layer.allCases.filter { plan.layers[$0] != .inForce } == [])
        let template = try #require(
            try LaunchPlanner.template(
                LaunchPlannerTests.spec().image, hostPaths: LaunchPlannerTests.hostPaths, privileged: true,
                without: [])
        ).descriptions
        #expect(template.contains("bind /usr, read-only, nosuid, nodev"))
        #expect(template.contains("link /bin -> usr/bin"))
        let steps = plan.initial.descriptions
        let readOnly = try #require(steps.firstIndex(of: "/ becomes read-only, nosuid, nodev"))
        #expect(steps[(readOnly + 1)...].contains { $0.contains("root") })
        #expect(!plan.handsOverWorkspace)
    }

    @Test(arguments: [true, false])
    func `a terminal is mounted by the init, in a place that is made with the root`(asRoot: Bool) throws {
        let identity: Identity = asRoot ? .slot(3) : .single(uid: 1500, gid: 1500)
        let spec = LaunchPlannerTests.spec(identity: identity) { $0.terminal = .first }
        let host = asRoot ? LaunchPlannerTests.root : LaunchPlannerTests.user
        let steps = try LaunchPlannerTests.plan(spec, host).initial.descriptions
        let template =
            try LaunchPlanner.template(
                spec.image, hostPaths: LaunchPlannerTests.hostPaths, privileged: asRoot, without: [],
                terminal: true)?.descriptions ?? steps
        #expect(template.contains("directory /dev/pts") && template.contains("link /dev/ptmx -> pts/ptmx"))
        let mount = try #require(steps.firstIndex(of: "devpts /dev/pts, at most 8 terminals"))
        #expect(mount < (try #require(steps.firstIndex(of: "/ becomes read-only, nosuid, nodev"))))
        // Its owner is the processes', which the init knows from the first step.
        #expect(steps[0].hasPrefix("uid "))
        let without = LaunchPlannerTests.spec(identity: identity)
        #expect(
            try !LaunchPlannerTests.plan(without, host).initial.descriptions.contains { $0.contains("pts") })
    }

    @Test func `terminals on request are made by the same step, and more of them`() throws {
        let spec = LaunchPlannerTests.spec(identity: .slot(3)) { $0.terminal = .onRequest }
        let steps = try LaunchPlannerTests.plan(spec, LaunchPlannerTests.root).initial.descriptions
        #expect(steps.contains("devpts /dev/pts, at most 64 terminals"))
    }

    @Test func `an ordinary user's init makes the root, and what holds in part says so`() throws {
        let spec = LaunchPlannerTests.spec(
            identity: .single(uid: 1500, gid: 1500),
            cgroups: [
                .memory: .off("no delegated cgroup"), .swap: .off("no delegated cgroup"),
                .pids: .off("no delegated cgroup"), .cpu: .off("no delegated cgroup"),
            ])
        let plan = try LaunchPlannerTests.plan(spec, LaunchPlannerTests.user)
        #expect(
            try LaunchPlanner.template(
                spec.image, hostPaths: LaunchPlannerTests.hostPaths, privileged: false, without: []) == nil)
        #expect(plan.initial.descriptions.contains("bind /usr, read-only, nosuid, nodev"))
        #expect(plan.layers[.uids] == .partial("the init and the processes share uid 1500"))
        #expect(plan.layers[.groups] == .partial("2 groups of the user kept"))
        #expect(plan.layers[.pids] == .inForce)
        #expect(plan.layers[.cpu] == .off("no delegated cgroup"))
        guard case .partial = plan.layers[.memory] else {
            Issue.record("memory is \(String(describing: plan.layers[.memory]))")
            return
        }
        #expect(plan.initial.descriptions.contains("RLIMIT_DATA \(1 << 28)"))
    }

    @Test func `a required layer that would not hold is an error with the reason and the cure`() {
        let spec = LaunchPlannerTests.spec(
            identity: .single(uid: 1500, gid: 1500), cgroups: [.cpu: .off("no delegated cgroup")],
            require: [.cpu])
        let error = #expect(throws: LaunchError.self) {
            try LaunchPlannerTests.plan(spec, LaunchPlannerTests.user)
        }
        #expect(
            error?.description
                == "the profile test requires the layer cpu, which would be off(no delegated cgroup); run as root, "
                + "or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes corral run ...")
    }

    @Test(arguments: [
        (0, Layer.landlockFiles), (3, .landlockTCP), (5, .landlockScopes),
    ])
    func `an old landlock is reported as off and can be required`(abi: Int, layer: Layer) throws {
        var host = LaunchPlannerTests.root
        host.landlockABI = abi
        let plan = try LaunchPlannerTests.plan(LaunchPlannerTests.spec(), host)
        guard case .off = plan.layers[layer] else {
            Issue.record("\(layer) is \(String(describing: plan.layers[layer]))")
            return
        }
        #expect(throws: LaunchError.self) {
            try LaunchPlannerTests.plan(LaunchPlannerTests.spec(require: [layer]), host)
        }
    }

    @Test func `landlock without ioctl rules holds in part`() throws {
        var host = LaunchPlannerTests.root
        host.landlockABI = 4
        let plan = try LaunchPlannerTests.plan(LaunchPlannerTests.spec(), host)
        #expect(
            plan.layers[.landlockFiles]
                == .partial("landlock ABI 4: device ioctls are not restricted (until Linux 6.10)"))
        #expect(plan.layers[.landlockTCP] == .inForce)
    }

    @Test(arguments: [
        (
            "memory",
            "the limit memory of 1125899906842624 bytes is more than this host has: 17179869184 bytes of memory"
        ),
        ("cpus", "the limit cpus of 64.0 is more than this host has: 2 processors"),
        (
            "open_files",
            "the limit open_files of 50000 is more than this host has: a hard limit of 20000 open files"
        ),
    ])
    func `limits above what the host has are refused`(limit: String, message: String) {
        let spec = LaunchPlannerTests.spec { spec in
            switch limit {
            case "memory": spec.limits.memory = 1 << 50
            case "cpus": spec.limits.milliCPUs = 64_000
            default: spec.limits.openFiles = 50_000
            }
        }
        let error = #expect(throws: LaunchError.self) { try LaunchPlannerTests.plan(spec) }
        #expect(error?.description == message)
    }

    @Test func `a bind that the host lacks is an error unless it is optional`() throws {
        let image = LaunchPlannerTests.spec().image
        for paths: HostPaths in [["/bin": .directory], [:]] {
            let error = #expect(throws: LaunchError.self) {
                try LaunchPlanner.template(image, hostPaths: paths, privileged: true, without: [])
            }
            #expect(error == .imagePathMissing(image: "small", path: "/usr"))
        }
        let steps = try LaunchPlanner.template(
            image, hostPaths: ["/usr": .directory], privileged: true, without: [])
        #expect(steps?.descriptions.contains { $0.contains("/bin") } == false)
    }

    @Test func `a socket's path goes through the image's links`() throws {
        let spec = LaunchPlannerTests.spec { $0.sockets = ["/var/run/tgo/tgo.sock"] }
        let steps = try LaunchPlannerTests.plan(spec).initial.descriptions
        #expect(steps.contains("directory /run/tgo"))
        #expect(steps.contains("listen at /run/tgo/tgo.sock"))
    }

    @Test func `leaving a layer out shows in its state`() throws {
        for layer in Layer.allCases {
            let spec = LaunchPlannerTests.spec { $0.without = [layer] }
            let plan = try LaunchPlannerTests.plan(spec)
            #expect(plan.layers[layer] == .off("left out by a test"))
        }
    }

    @Test func `leaving masks out leaves only them out`() throws {
        let whole = try LaunchPlannerTests.plan(LaunchPlannerTests.spec()).initial.descriptions
        let spec = LaunchPlannerTests.spec { $0.without = Ablation([], [.masks]) }
        let less = try LaunchPlannerTests.plan(spec).initial.descriptions
        #expect(whole.contains { $0.hasPrefix("mask ") })
        #expect(less == whole.filter { !$0.hasPrefix("mask ") })
    }

    @Test func `each slot has ids of its own`() {
        var seen: Set<UInt32> = []
        for slot in 0..<Identity.slots {
            guard case .pair(let initID, let processID) = Identity.slot(slot) else { return }
            #expect(seen.insert(initID).inserted && seen.insert(processID).inserted)
        }
        #expect(seen.min() == 200_000 && seen.max() == 265_535)
    }

    // MARK: What the profile says of network and workspace

    private static func descriptions(_ adjust: (inout SandboxSpec) -> Void) throws -> (
        steps: [String], plan: LaunchPlan
    ) {
        let plan = try plan(spec(adjust: adjust))
        return (plan.initial.descriptions, plan)
    }

    @Test func `with the host's network there is no loopback to raise, and the layer is off`() throws {
        let (own, host) = (
            try Self.descriptions { _ in }, try Self.descriptions { $0.profile.network.mode = .host }
        )
        #expect(own.steps.contains("loopback interface up"))
        #expect(!host.steps.contains("loopback interface up"))
        #expect(host.plan.layers[.netNamespace]?.reason?.hasPrefix("network.mode is host") == true)
        #expect(own.plan.layers[.netNamespace] == .inForce)
        #expect(throws: LaunchError.self) {
            try Self.plan(Self.spec(require: [.netNamespace]) { $0.profile.network.mode = .host })
        }
    }

    @Test func `with a proxy nothing is planned`() {
        let error = #expect(throws: LaunchError.self) {
            try Self.plan(Self.spec { $0.profile.network.mode = .proxy })
        }
        #expect(error == .noProxy(profile: "test"))
    }

    @Test func `a read-only workspace is no tmpfs, and no mount or rule lets it be written`() throws {
        let ephemeral = try Self.descriptions { $0.profile.filesystem.workspace = .readOnly }
        #expect(!ephemeral.steps.contains { $0.contains("tmpfs /workspace") })
        #expect(!ephemeral.steps.contains("landlock: write below /workspace"))
        #expect(ephemeral.steps.contains("landlock: write below /run"))
        for (workspace, flags) in [(Filesystem.Workspace.readOnly, ", read-only"), (.writable, "")] {
            let directory = try Self.descriptions {
                $0.profile.filesystem.workspace = workspace
                $0.workspace = .directory("/srv/x")
            }
            #expect(directory.steps.contains("/srv/x at /workspace, idmapped, nosuid, nodev\(flags)"))
            #expect(directory.plan.workspaceIsReadOnly == (workspace == .readOnly))
        }
    }
}
