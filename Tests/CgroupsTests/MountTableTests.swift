import Testing

@testable import Cgroups

/// Mount tables as kernels show them, without the lines that say nothing about cgroups.
enum MountTable {
    static let systemd = """
        22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
        26 23 0:24 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 \
        rw,nsdelegate,memory_recursiveprot
        """
    /// systemd with `systemd.unified_cgroup_hierarchy=0`.
    static let hybrid = """
        30 23 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,size=4096k,mode=755
        31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:10 - cgroup2 cgroup2 rw
        32 30 0:28 / /sys/fs/cgroup/systemd rw,relatime shared:11 - cgroup cgroup rw,xattr,name=systemd
        35 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:15 - cgroup cgroup rw,cpu,cpuacct
        36 30 0:32 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,memory
        37 30 0:33 / /sys/fs/cgroup/pids rw,nosuid,nodev,noexec,relatime shared:17 - cgroup cgroup rw,pids
        """
    static let pureV1 = """
        35 30 0:31 / /cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
        36 30 0:32 / /cgroup/memory rw,relatime - cgroup none rw,memory
        37 30 0:33 / /cgroup/pids rw,relatime - cgroup none rw,pids
        38 30 0:34 / /cgroup/cpu rw,relatime - cgroup none rw,cpu
        39 30 0:35 / /cgroup/blkio rw,relatime - cgroup none rw,blkio
        """
    /// Every controller a hierarchy of its own, and a v2 without the ones that limit.
    static let separate = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
        33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
        34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """
    static let docker = """
        1467 1463 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate
        """
    static let dockerHostNamespace = """
        1467 1463 0:27 /docker/4f3c /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw
        """
    static let dockerV1 = """
        1470 1469 0:31 /docker/4f3c /sys/fs/cgroup/cpu,cpuacct ro,relatime master:15 - cgroup cgroup rw,cpu,cpuacct
        1471 1469 0:32 /docker/4f3c /sys/fs/cgroup/memory ro,relatime master:16 - cgroup cgroup rw,memory
        """
}

private func placement(_ table: String) -> Placement {
    Placement(CgroupMount.parse(mountinfo: Array(table.utf8)))
}

@Suite struct MountTableTests {
    @Test func `a systemd host has all of it on v2`() {
        let placement = placement(MountTable.systemd)
        #expect(placement.v2 == "/sys/fs/cgroup")
        #expect(placement.v1.isEmpty)
        #expect(placement.readOnly == nil)
    }

    @Test func `a hybrid host has its controllers on v1, one hierarchy for two of them`() {
        let placement = placement(MountTable.hybrid)
        #expect(placement.v2 == "/sys/fs/cgroup/unified")
        #expect(
            placement.v1 == [
                Placement.Use(point: "/sys/fs/cgroup/cpu,cpuacct", controllers: .cpu),
                Placement.Use(point: "/sys/fs/cgroup/memory", controllers: .memory),
                Placement.Use(point: "/sys/fs/cgroup/pids", controllers: .pids),
            ])
        #expect(placement.controllersOnV1 == .limiting)
    }

    @Test func `a host without v2 measures cpu time with cpuacct`() {
        let placement = placement(MountTable.pureV1)
        #expect(placement.v2 == nil)
        #expect(
            placement.v1 == [
                Placement.Use(point: "/cgroup/cpuacct", controllers: .cpuacct),
                Placement.Use(point: "/cgroup/memory", controllers: .memory),
                Placement.Use(point: "/cgroup/pids", controllers: .pids),
                Placement.Use(point: "/cgroup/cpu", controllers: .cpu),
            ])
    }

    @Test func `no group is made in cpuacct where v2 measures cpu time`() {
        let placement = placement(MountTable.separate)
        #expect(placement.v2 == "/sys/fs/cgroup/unified")
        #expect(placement.v1.map(\.controllers) == [.cpu, .memory, .pids])
    }

    @Test(arguments: [MountTable.docker, MountTable.dockerHostNamespace, MountTable.dockerV1])
    func `read-only mounts of a container are not used, and are named`(table: String) {
        let placement = placement(table)
        #expect(placement.v2 == nil)
        #expect(placement.v1.isEmpty)
        #expect(placement.readOnly?.hasPrefix("/sys/fs/cgroup") == true)
    }

    @Test func `a read-only mount of a controller that is not used is no reason for anything`() {
        #expect(placement("36 30 0:32 / /c/blkio ro - cgroup none rw,blkio").readOnly == nil)
    }

    @Test func `of two mounts of a hierarchy the one that shows its top is used`() {
        let table = "7 1 0:9 /inner /mnt/inner rw - cgroup2 c rw\n8 1 0:9 / /mnt/top rw - cgroup2 c rw"
        #expect(placement(table).v2 == "/mnt/top")
    }

    @Test(arguments: [
        "", "\n\n", " - cgroup", "1 2 3 - cgroup2 c rw", "36 30 0:32 / /c rw - cgroup2",
        "36 30 0:32 / /c rw - cgroupx c rw,memory", "36 30 0:32 / /cgroup rw - ext4 /dev/a rw",
    ])
    func `lines of another form are skipped`(table: String) {
        #expect(CgroupMount.parse(mountinfo: Array(table.utf8)).isEmpty)
    }

    @Test func `escaped characters of a mount point are restored`() {
        let line = #"36 30 0:32 / /a\040b\134c\011d\9 rw,relatime shared:1 master:2 - cgroup2 none rw"#
        #expect(placement(line).v2 == "/a b\\c\td\\9")
    }
}

@Suite struct OwnCgroupTests {
    @Test func `the v2 line of the process is found among those of v1`() {
        let text = "4:memory:/a\n1:name=systemd:/init.scope\n0::/user.slice/run-1.scope\n"
        #expect(CgroupMount.ownPath(procSelfCgroup: Array(text.utf8)) == "/user.slice/run-1.scope")
        #expect(CgroupMount.ownPath(procSelfCgroup: Array("4:memory:/a\n".utf8)) == nil)
        #expect(CgroupMount.ownPath(procSelfCgroup: Array("0::/a (deleted)\n".utf8)) == "/a")
    }

    @Test(arguments: [
        ("/", "/", "/c"), ("/", "/a/b", "/c/a/b"), ("/docker/x", "/docker/x", "/c"),
        ("/docker/x", "/docker/x/y", "/c/y"), ("/docker/x", "/docker/xy", nil), ("/docker/x", "/", nil),
        ("/", "/../other", nil), ("/", "", nil),
    ])
    func `a process's cgroup is found below a mount that shows it`(root: String, path: String, found: String?)
    {
        let mount = CgroupMount(version: .v2, controllers: [], root: root, point: "/c", readOnly: false)
        #expect(mount.directory(of: path) == found)
    }

    @Test func `a process in the supervisor's group has its parent delegated`() throws {
        let mounts = CgroupMount.parse(mountinfo: Array(MountTable.systemd.utf8))
        let scope = try #require(CgroupLayout.delegationBase(mounts, own: "/u/run.scope"))
        #expect(scope == ("/sys/fs/cgroup/u/run.scope", false))
        let moved = try #require(CgroupLayout.delegationBase(mounts, own: "/u/run.scope/corral-supervisor"))
        #expect(moved == ("/sys/fs/cgroup/u/run.scope", true))
        let container = CgroupMount.parse(mountinfo: Array(MountTable.docker.utf8))
        #expect(CgroupLayout.delegationBase(container, own: "/") == nil)
    }
}
