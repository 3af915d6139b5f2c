import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Snapshots, forks, removal and totals of volumes with project quotas.
@Suite(.serialized, .enabled(if: !Projects.kinds.isEmpty, Projects.why)) struct ProjectCopyTests {
    private let name = VolumeName.workspace(tenant: "alice", name: "w")
    private let kept = VolumeName.snapshot(tenant: "alice", name: "s")

    private func make(_ fixture: ProjectFixture, bytes: UInt64 = 16 * megabyte) throws -> Volume {
        try fixture.driver.create(
            name,
            VolumeRequest(
                limits: VolumeLimits(bytes: bytes, inodes: 1000), owner: Host.ordinaryUser,
                group: Host.ordinaryUser, mode: 0o750))
    }

    /// Everything that a copy has to keep.
    private static let fill = """
        echo text >f; ln f again; mkdir -m 711 d; ln -s ../f d/link; mkfifo d/fifo; chmod 640 f; touch -d @1000000000 f
        truncate -s 40M hole; echo end >>hole; head -c 3M /dev/urandom >big; : >empty; mkdir -p deep/a/b/c
        python3 -c 'import os; os.setxattr("f", "user.colour", b"blue"); open(b"odd\\xff\\n", "w").write("odd")'
        """
    private static let look = """
        python3 -c '
        import hashlib, os, stat
        for place, directories, files in os.walk(b"."):
            directories.sort()
            for name in sorted(directories + files):
                path = os.path.join(place, name)
                status = os.lstat(path)
                print(path, oct(status.st_mode), status.st_uid, status.st_nlink, status.st_mtime_ns)
                if stat.S_ISLNK(status.st_mode): print(os.readlink(path))
                if stat.S_ISREG(status.st_mode):
                    print(hashlib.sha256(open(path, "rb").read()).hexdigest(), os.listxattr(path))
        print(os.getxattr("f", "user.colour"))'
        """

    @Test(arguments: Projects.kinds)
    func `a fork has all that its original has, its limits and a project of its own`(
        kind: ProjectKind
    ) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try make(fixture)
        #expect(try runAsUser(Self.fill, in: volume).status == 0)
        var steps: [CopyProgress] = []
        fixture.driver.progress = { steps.append($0) }
        let copy = VolumeName.workspace(tenant: "alice", name: "v")
        let fork = try fixture.driver.fork(name, as: copy, VolumeRequest())
        let before = try run(Self.look, in: volume)
        #expect(before.output.contains("blue") && before.output.contains("1000000000"), "\(before)")
        #expect(try run(Self.look, in: fork).output == before.output)
        #expect(try run("stat -c '%a %u' .", in: fork).output == "750 \(Host.ordinaryUser)\n")
        let limits = VolumeLimits(bytes: 16 * megabyte, inodes: 1000)
        #expect(try fixture.driver.limits(of: copy) == limits)
        let (old, new) = (try fixture.driver.usage(of: name), try fixture.driver.usage(of: copy))
        #expect(old.inodes == new.inodes)
        #expect(try #require(new.bytes) < 8 * megabyte, "holes are holes")
        let last = try #require(steps.last)
        #expect(last.entries == 13, "\(last)")
        #expect(kind == .xfs ? last.shared > 3 * megabyte : last.copied > 3 * megabyte, "\(last)")
        #expect(try runAsUser("head -c 20M /dev/zero >g", in: fork).errors.contains(kind.refusal))
        #expect(try runAsUser("echo other >f", in: fork).status == 0)
        #expect(try runAsUser("cat f", in: volume).output == "text\n")
        #expect(code { try fixture.driver.fork(name, as: copy, VolumeRequest()) } == "volume-exists")
        let stranger = VolumeName.workspace(tenant: "bob", name: "v")
        #expect(
            code { try fixture.driver.fork(name, as: stranger, VolumeRequest()) } == "volume-unsupported")
        let small = VolumeRequest(limits: VolumeLimits(bytes: megabyte))
        let other = VolumeName.workspace(tenant: "alice", name: "u")
        #expect(code { try fixture.driver.fork(name, as: other, small) } == "volume-below-use")
        #expect(try fixture.driver.list() == [copy, name])
        #expect(try fixture.settled())
    }

    @Test(arguments: Projects.kinds)
    func `a snapshot cannot be written to, and a restore puts it back`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try make(fixture)
        try runAsUser("echo before >f", in: volume)
        try fixture.driver.snapshot(name, as: kept)
        try runAsUser("echo after >f; echo new >g", in: volume)
        let snapshot = try fixture.driver.open(kept)
        #expect(try run("cat f", in: snapshot).output == "before\n")
        #expect(try run("echo more >f", in: snapshot).errors.contains("Read-only file system"))
        #expect(code { try fixture.driver.snapshot(name, as: kept) } == "volume-exists")
        #expect(code { try fixture.driver.restore(name, from: name) } == "volume-unsupported")
        try fixture.driver.restore(name, from: kept)
        #expect(try fixture.driver.limits(of: name) == VolumeLimits(bytes: 16 * megabyte, inodes: 1000))
        let restored = try fixture.driver.open(name)
        #expect(try run("cat f; ls", in: restored).output == "before\nf\n")
        #expect(try runAsUser("head -c 20M /dev/zero >h", in: restored).errors.contains(kind.refusal))
        #expect(try fixture.settled())
        #expect(try run("ls", in: volume).output == "", "who had it open finds nothing any more")
        #expect(try fixture.driver.list() == [name, kept])
    }

    @Test(arguments: Projects.kinds)
    func `a copy is made in steps, and one that is given up leaves nothing`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try make(fixture)
        try runAsUser("mkdir d; for i in 1 2 3 4 5 6 7 8 9; do echo $i >d/$i; done", in: volume)
        do {
            let copy = try fixture.driver.copying(name, as: kept, VolumeLimits())
            #expect(try !copy.advance(bytes: 1))
            #expect(try !copy.advance(bytes: 1))
            #expect(try fixture.driver.settle() == 0, "what is being made is left alone")
            #expect(code { try fixture.driver.open(kept) } == "volume-absent")
            #expect(File.names(in: "\(fixture.path)/removed").count == 1)
        }
        #expect(try fixture.settled())
        #expect(File.names(in: "\(fixture.path)/removed").isEmpty)
        let copy = try fixture.driver.copying(name, as: kept, VolumeLimits())
        var steps = 0
        while try !copy.advance(bytes: 4096) { steps += 1 }
        #expect(steps >= 10)
        _ = try fixture.driver.finish(copy)
        #expect(code { try fixture.driver.finish(copy) } == "volume-absent", "once")
        #expect(try run("cat d/*", in: fixture.driver.open(kept)).output == "1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    }

    @Test(arguments: Projects.kinds)
    func `the limits of a tenant's volumes add up to no more than its total`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        try fixture.make("a", bytes: 8 * megabyte)
        #expect(
            code { try fixture.driver.setTotal(of: "alice", bytes: 4 * megabyte) } == "volume-limit")
        try fixture.driver.setTotal(of: "alice", bytes: 24 * megabyte)
        try fixture.restart()
        try fixture.make("b", bytes: 16 * megabyte)
        #expect(code { try fixture.make("c", bytes: megabyte) } == "volume-tenant-full")
        #expect(code { try fixture.make("c") } == "volume-unsupported", "one without a limit")
        let first = Fixture.session("a")
        #expect(
            code { try fixture.driver.resize(first, to: VolumeLimits(bytes: 9 * megabyte)) }
                == "volume-tenant-full")
        #expect(
            code { try fixture.driver.fork(first, as: Fixture.session("d"), VolumeRequest()) }
                == "volume-tenant-full")
        try fixture.make("c", bytes: 32 * megabyte, of: "bob")
        let total = try fixture.driver.total(of: "alice")
        #expect(total.limit == 24 * megabyte && total.used != nil)
        try fixture.driver.resize(first, to: VolumeLimits(bytes: 7 * megabyte))
        try fixture.make("c", bytes: megabyte)
        try fixture.driver.setTotal(of: "alice", bytes: nil)
        try fixture.make("e")
        #expect(code { try fixture.driver.setTotal(of: "alice", bytes: 1 << 40) } == "volume-unsupported")
        #expect(try !fixture.driver.forget(tenant: "alice"))
        for id in ["a", "b", "c", "e"] { try fixture.driver.remove(Fixture.session(id)) }
        #expect(try fixture.driver.forget(tenant: "alice"))
        #expect(try fixture.settled())
    }

    // MARK: Removal

    @Test(arguments: Projects.kinds)
    func `a removed volume's number is free again when nothing has it any more`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let session = Fixture.session("a")
        var volume: Held<Volume>? = Held(try fixture.make("a", bytes: 32 * megabyte, inodes: 100))
        let fill = "head -c 20M /dev/zero >f; mkdir -p d/e; : >d/e/g; chmod 0 d"
        #expect(try volume.map { try runAsUser(fill, in: $0.value).status } == 0)
        let project = try fixture.project("a")
        var open: Held<FileDescriptor>? = Held(try #require(volume).value.directory.open("f", O_RDONLY))
        #expect(open != nil)
        try fixture.driver.remove(session)
        #expect(code { try fixture.driver.open(session) } == "volume-absent")
        #expect(code { try fixture.driver.remove(session) } == "volume-absent")
        #expect(try fixture.driver.settle() == 1, "somebody has a file of it open")
        #expect(try fixture.quota(ofProject: project).bytes >= 20 * megabyte)
        #expect(try fixture.quota(ofProject: project).limits != VolumeLimits(), "it is not free")
        open = nil
        volume = nil
        #expect(try fixture.settled())
        #expect(try eventually { try fixture.quota(ofProject: project).isUnused })
        #expect(File.names(in: "\(fixture.path)/removed").isEmpty)
    }

    @Test(arguments: Projects.kinds)
    func `removals and makings that were cut off are got to the end of by the next process`(
        kind: ProjectKind
    ) throws {
        let fixture = try ProjectFixture(kind)
        try runAsUser("echo x >f", in: fixture.make("a", bytes: megabyte))
        let removed = try fixture.project("a")
        try fixture.driver.remove(Fixture.session("a"))
        let spare = try fixture.driver.makeSpare(
            VolumeLimits(bytes: megabyte), for: Fixture.session("b"))
        #expect(try fixture.quota(ofProject: spare.project).limits.bytes == megabyte)
        try fixture.restart()
        #expect(try fixture.driver.list() == [])
        #expect(try fixture.settled())
        for project in [removed, spare.project] {
            #expect(try fixture.quota(ofProject: project).limits == VolumeLimits())
        }
    }

    @Test(arguments: Projects.kinds)
    func `one settling removes a bounded number of names`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a")
        let script = """
            python3 -c '
            import os
            for name in range(12): os.mkdir(str(name)); [os.mknod(f"{name}/{n}") for n in range(20)]'
            """
        #expect(try run(script, in: volume).status == 0)
        try fixture.driver.remove(Fixture.session("a"))
        fixture.driver.namesAtATime = 100
        #expect(try fixture.driver.settle() == 1)
        let left = try run("find . | wc -l", in: volume).output
        #expect((100...160).contains(Int(left.dropLast()) ?? 0), "of 253: \(left)")
        #expect(try fixture.settled())
    }
}
