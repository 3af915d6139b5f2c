import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

@Suite struct ProjectSupportTests {
    @Test(
        .enabled(
            if: unsafe getenv("CORRAL_TEST_PROJECTS") != nil,
            "CORRAL_TEST_PROJECTS is set where the kernel has to have project quotas"))
    func `project quotas are tested on ext4 and on xfs`() {
        #expect(Projects.kinds == ProjectKind.allCases, "\(Projects.why)")
    }
}

/// Volumes with project quotas, on each of ext4 and xfs that the running kernel can mount with them.
@Suite(.serialized, .enabled(if: !Projects.kinds.isEmpty, Projects.why)) struct ProjectTests {
    private let name = Fixture.session("a")

    @Test(arguments: Projects.kinds, 0..<4)
    func `a writer stops at its project's limit, and its neighbour goes on`(
        kind: ProjectKind, writer: Int
    ) throws {
        let fixture = try ProjectFixture(kind)
        // Less than on btrfs: an emulated machine takes a minute for the pieces of 16 MiB.
        let limit = 4 * megabyte
        let volume = try fixture.make("a", bytes: limit)
        let neighbour = try fixture.make("b", bytes: limit)
        let outcome = try runAsUser(LimitTests.writers[writer], in: volume)
        #expect(outcome.status != 0 && outcome.status != nil)
        #expect(outcome.errors.contains(kind.refusal), "\(outcome.errors)")
        try run("sync -f .", in: volume)
        let used = try fixture.quota("a").bytes
        let over = Int64(used) - Int64(limit)
        #expect(writer != 0 || over > -Int64(limit / 8), "it stopped \(-over) bytes before its limit")
        // The kernel makes the map of a scattered file's pieces when it writes them to the disk, and then is not
        // kept to any limit: a block for some 340 pieces (ext4) or 250 (xfs), or for half as many.
        #expect(over <= (writer == 2 ? Int64(limit / 100) : 0), "overshoot of \(over) bytes")
        let fill = "dd if=/dev/zero of=again bs=1M count=2 conv=fsync"
        #expect(try runAsUser(fill, in: neighbour).status == 0)
        // Room can be made at the limit.
        #expect(try runAsUser("rm -f big holes f*", in: volume).status == 0)
        #expect(try eventually { try fixture.quota("a").bytes < megabyte })
        #expect(try runAsUser(fill, in: volume).status == 0)
    }

    @Test(arguments: Projects.kinds)
    func `without a limit the same writer goes on`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a")
        #expect(try runAsUser(LimitTests.writers[0], in: volume).status == 0)
        #expect(try fixture.quota("a").bytes >= 40 * megabyte)
        #expect(try fixture.driver.limits(of: name) == VolumeLimits())
    }

    @Test(arguments: Projects.kinds)
    func `inodes of all kinds are counted and stop at their limit`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: 16 * megabyte, inodes: 500)
        let script = """
            python3 -c '
            import os
            makers = [lambda n: os.close(os.open(n, os.O_CREAT | os.O_WRONLY)), os.mkdir, os.mkfifo,
                      lambda n: os.symlink("x", n)]
            count = 0
            try:
                while count < 5000:
                    makers[count % 4](str(count))
                    count += 1
            except OSError as error: print(count, error.errno)'
            """
        let words = try runAsUser(script, in: volume).output.split(separator: " ")
        try #require(words.count == 2)
        #expect(words[0] == "499", "the top directory is the first one")
        #expect(kind.refusals.contains(Int(words[1].dropLast()) ?? 0))
        #expect(try fixture.driver.usage(of: name).inodes == 500)
        let neighbour = try fixture.make("b", bytes: 16 * megabyte, inodes: 600)
        #expect(try runAsUser(script, in: neighbour).output.hasPrefix("599 "))
        #expect(try runAsUser("rm -rf 1* && : >new", in: volume).status == 0)
    }

    @Test(arguments: Projects.kinds)
    func `a project's limits go up and down while it is written to, but not below what it has`(
        kind: ProjectKind
    ) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: 8 * megabyte, inodes: 20)
        #expect(
            try fixture.driver.limits(of: name) == VolumeLimits(bytes: 8 * megabyte, inodes: 20))
        let fill = "dd if=/dev/zero of=f bs=1M count=12 conv=fsync"
        #expect(try runAsUser(fill, in: volume).status != 0)
        try fixture.driver.resize(name, to: VolumeLimits(bytes: 16 * megabyte))
        #expect(try runAsUser(fill, in: volume).status == 0)
        #expect(
            try fixture.driver.limits(of: name) == VolumeLimits(bytes: 16 * megabyte, inodes: 20),
            "the other limit stays")
        for wrong in [VolumeLimits(bytes: 8 * megabyte), VolumeLimits(bytes: 20 * megabyte, inodes: 2)] {
            try runAsUser(": >g; : >h", in: volume)
            #expect(code { try fixture.driver.resize(name, to: wrong) } == "volume-below-use")
        }
        #expect(
            try fixture.driver.limits(of: name) == VolumeLimits(bytes: 16 * megabyte, inodes: 20),
            "nothing was changed")
        let used = try fixture.quota("a").bytes
        try fixture.driver.resize(name, to: VolumeLimits(bytes: used + megabyte))
        #expect(try runAsUser("dd if=/dev/zero of=g bs=1M count=3 conv=fsync", in: volume).status != 0)
        #expect(code { try fixture.driver.resize(name, to: VolumeLimits(bytes: 0)) } == "volume-limit")
        #expect(code { try fixture.driver.resize(name, to: VolumeLimits(bytes: 1 << 40)) } == "volume-limit")
        #expect(code { try fixture.driver.create(name, VolumeRequest()) } == "volume-exists")
        #expect(
            code { try fixture.make("c", bytes: 1 << 40) } == "volume-limit", "more than the file system has")
    }

    @Test(arguments: Projects.kinds)
    func `what a sandbox sees of the file system's size is its limit`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: 16 * megabyte, inodes: 100)
        #expect(try runAsUser("stat -f -c '%S %b %c' .", in: volume).output == "4096 4096 100\n")
    }

    @Test(arguments: Projects.kinds)
    func `limits and what was written are there after the next start`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        try runAsUser("echo kept >f", in: fixture.make("a", bytes: 16 * megabyte, inodes: 7))
        let project = try fixture.project("a")
        try fixture.restart()
        #expect(try fixture.driver.list() == [name])
        #expect(try fixture.driver.limits(of: name) == VolumeLimits(bytes: 16 * megabyte, inodes: 7))
        let volume = try fixture.driver.open(name)
        #expect(try runAsUser("cat f", in: volume).output == "kept\n")
        #expect(try fixture.project("a") == project)
        try fixture.make("b", bytes: megabyte)
        #expect(try fixture.project("b") != project)
        #expect(try runAsUser("head -c 20M /dev/zero >g", in: volume).errors.contains(kind.refusal))
    }

    @Test func `a state directory on a file system with project quotas gets them`() throws {
        for kind in Projects.kinds {
            let mount = try Projects.mount(kind)
            let choice = try DriverChoice(VolumeFacts.read(mount.state(), path: "state"), allowSoft: false)
            #expect(choice == .project(why: "it is on an \(kind) with project quotas"))
            let driver = try choice.driver(in: mount.state(), path: "state")
            #expect(driver.report.kind == .project)
            #expect(driver.report.place == "project quotas of the \(kind) at state")
            #expect(driver.report.inodes == .enforced && !driver.report.copiesAtOnce)
            #expect(try driver.tend() == [])
        }
    }

    @Test(arguments: Projects.kinds)
    func `the same file system without the option is refused, with the option's name`(
        kind: ProjectKind
    ) throws {
        let mount = try ProjectMount(kind, options: [])
        let facts = try VolumeFacts.read(mount.state(), path: "state")
        #expect(facts.projects == (kind == .ext4 ? .counting : .off))
        let error = #expect(throws: VolumeError.self) {
            try ProjectDriver(directory: mount.state(), path: "state")
        }
        #expect(error?.code == "volume-no-driver" && error?.description.contains("prjquota") == true)
        guard case .image(_, let why)? = try? DriverChoice(facts, allowSoft: false) else { return }
        #expect(why.contains("prjquota"))
    }

    @Test(arguments: Projects.kinds)
    func `quotas that somebody turns off are told of, and their limits not shown`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind, mount: ProjectMount(kind))
        let volume = try fixture.make("a", bytes: megabyte)
        // quotactl_fd(Q_XQUOTAOFF) and (Q_XQUOTAON) of FS_QUOTA_PDQ_ENFD.
        func turn(_ word: String) throws {
            let command = word == "off" ? 0x5802 : 0x5801
            let script = """
                import ctypes
                flags = ctypes.c_uint(1 << 5)
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.syscall(443, 3, \(command) << 8 | 2, 0, ctypes.byref(flags)): raise OSError(ctypes.get_errno())
                """
            let outcome = try Program.run(
                ["python3", "-c", script], timeout: 60 * Host.patience,
                descriptors: [fixture.driver.tree.root.number])
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        try turn("off")
        #expect(try runAsUser("head -c 2M /dev/zero >f", in: volume).status == 0)
        #expect(try fixture.driver.tend() == [.notEnforcing])
        #expect(try fixture.driver.limits(of: name) == VolumeLimits())
        try turn("on")
        #expect(try fixture.driver.tend() == [])
        #expect(try runAsUser("head -c 2M /dev/zero >g", in: volume).errors.contains(kind.refusal))
    }
}
