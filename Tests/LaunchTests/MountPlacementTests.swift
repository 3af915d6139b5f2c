// Where the mounts that a caller adds go, and what they let processes do: values only.

import Sandbox
import Testing

@testable import Launch

@Suite struct MountPlacementTests {
    private static let hostPaths: HostPaths = ["/usr": .directory, "/bin": .symlink(target: "usr/bin")]

    private static func host(_ target: String, file: Bool = false, readOnly: Bool = false) -> PreparedMount {
        PreparedMount(
            AddedMount(.host("/srv/x"), at: target, readOnly: readOnly),
            found: .init(path: "/srv/x", device: 8, inode: 9, isDirectory: !file))
    }

    private static func memory(_ target: String) -> PreparedMount {
        let memory = AddedMount.Memory(size: 1 << 20, files: 50, mode: 0o700, executable: false)
        return PreparedMount(AddedMount(.memory(memory), at: target), found: nil)
    }

    private static func plan(
        _ mounts: [PreparedMount], privileged: Bool = true, adjust: (inout SandboxSpec) -> Void = { _ in }
    ) throws -> (root: [String], initial: [String]) {
        var host = LaunchPlannerTests.root
        host.privileged = privileged
        let spec = LaunchPlannerTests.spec {
            $0.mounts = mounts
            $0.image.tmpfs.append(
                .init(path: "/tmp", size: 1 << 20, files: 100, mode: 0o1777, executable: true))
            adjust(&$0)
        }
        let plan = try LaunchPlanner.plan(spec, host: host, hostPaths: hostPaths)
        let template = try LaunchPlanner.template(
            spec.image, hostPaths: hostPaths, privileged: privileged, without: [], mounts: plan.placements)
        return (template?.descriptions ?? [], plan.initial.descriptions)
    }

    @Test func `the root has the place, and the init mounts what it is handed`() throws {
        let plan = try Self.plan([
            Self.host("/srv/data"), Self.host("/etc/app.conf", file: true, readOnly: true),
        ])
        #expect(plan.root.contains("directory /srv") && plan.root.contains("directory /srv/data"))
        #expect(plan.root.contains("file /etc/app.conf"))
        #expect(plan.initial.contains("mount /srv/x at /srv/data, idmapped, nosuid, nodev"))
        #expect(plan.initial.contains("mount /srv/x at /etc/app.conf, idmapped, nosuid, nodev, read-only"))
    }

    @Test func `an ordinary user's init makes the places and finds the sources itself`() throws {
        let plan = try Self.plan([Self.host("/srv/data", readOnly: true)], privileged: false)
        #expect(plan.root == [] && plan.initial.contains("directory /srv/data"))
        #expect(plan.initial.contains("mount /srv/x at /srv/data, nosuid, nodev, read-only"))
    }

    @Test func `landlock lets processes write to what is not read-only, and to nothing else`() throws {
        let steps = try Self.plan([
            Self.host("/a"), Self.host("/b", readOnly: true), Self.host("/c", file: true),
            Self.host("/d", file: true, readOnly: true), Self.memory("/e"),
        ]).initial
        let written = steps.filter { $0.hasPrefix("landlock: write below ") }.map { $0.dropFirst(22) }
        #expect(written.sorted() == ["/a", "/c", "/e", "/run", "/tmp", "/workspace"])
        let rules = LandlockRuleset(
            abi: 7, policy: LandlockPolicy(bind: .any, connect: .any), writable: [], writableFiles: ["/c"])
        let rights = try #require(rules.paths.last?.rights)
        #expect(rights == [.execute, .readFile, .writeFile, .truncate])
    }

    @Test func `a mount inside another comes after it`() throws {
        let steps = try Self.plan([
            Self.host("/a/b/c"), Self.host("/tmp/x/y"), Self.memory("/a/b"), Self.host("/a"),
        ]).initial
        let mounts = steps.filter {
            $0.hasPrefix("mount ") || $0.hasPrefix("tmpfs /a") || $0.hasPrefix("directory /tmp/x")
        }
        #expect(
            mounts == [
                "mount /srv/x at /a, idmapped, nosuid, nodev", "tmpfs /a/b, 1048576 bytes, 50 files",
                "mount /srv/x at /a/b/c, idmapped, nosuid, nodev", "directory /tmp/x", "directory /tmp/x/y",
                "mount /srv/x at /tmp/x/y, idmapped, nosuid, nodev",
            ])
        // The place in the memory file system is made, that in the host's directory is not.
        #expect(steps.contains("directory /a/b/c") && !steps.contains("directory /a/b"))
    }

    @Test func `a memory file system of the image gives way to one at the same place`() throws {
        for mount in [Self.memory("/tmp"), Self.host("/tmp", readOnly: true)] {
            let steps = try Self.plan([mount]).initial
            #expect(steps.count { $0.hasPrefix("tmpfs /tmp") || $0.contains(" at /tmp,") } == 1)
            let isWritable = steps.contains("landlock: write below /tmp")
            #expect(isWritable == (mount.found == nil))
        }
    }

    @Test(arguments: [
        ("/proc/x", "/proc is the sandbox's own"), ("/dev", "/dev is the sandbox's own"),
        ("/sys", "/sys is the sandbox's own"), ("/run/tgo", "/run is the sandbox's own"),
        ("/workspace", "--workspace DIR"), ("/usr", "something of its own there"),
        ("/bin", "a link there, to usr/bin"), ("/bin/x", "/bin is a link, to usr/bin"),
        ("/var", "the image has /var/run in it"), ("/var/run/x", "/var/run is a link, to /run"),
        ("/file/x", "/file is a file"), ("/file", "two mounts at /file"),
    ])
    func `a place that the sandbox needs is refused`(target: String, says: String) {
        let error = #expect(throws: LaunchError.self) {
            try Self.plan([Self.host("/file", file: true), Self.host(target)])
        }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test func `with a host's directory or file the rules are those for host directories`() throws {
        for (mount, expected) in [(Self.host("/a"), false), (Self.memory("/a"), true)] {
            let steps = try Self.plan([mount]) { $0.profile.syscalls.withoutHostDirectory = ["setuid"] }
                .initial
            #expect(steps.contains { $0.hasPrefix("seccomp") && $0.contains("+setuid") } == expected)
        }
    }

    @Test func `a directory at the top of a stored tree can be mounted over, a file or a link not`() throws {
        var paths: HostPaths = [:]
        let entries: [(String, HostPath)] = [
            ("app", .directory), ("start", .file), ("lib", .symlink(target: "usr/lib")),
        ]
        paths.tree = TreeView(
            path: "/store/root", device: 1, inode: 2,
            entries: entries.map { TreeView.Entry(name: $0.0, found: $0.1) }, varRun: .absent)
        var image = LaunchPlannerTests.spec().image
        (image.binds, image.tree) = ([], "sha256-0")
        func place(_ mount: PreparedMount) throws -> MountPlacements.Ground? {
            try MountPlacements(
                [mount], image: image, hostPaths: paths, workspace: .ephemeral, sockets: []
            ).list.first?.ground
        }
        #expect(try place(Self.host("/app")) == .existing)
        #expect(try place(Self.host("/app/data/x")) == .existing)
        #expect(try place(Self.host("/data")) == .root)
        for target in ["/start", "/lib", "/lib/x", "/start/x"] {
            #expect(throws: MountError.self) { try place(Self.host(target)) }
        }
        #expect(throws: MountError.self) { try place(Self.host("/app", file: true)) }
    }
}
