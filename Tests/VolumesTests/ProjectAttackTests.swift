import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Ways out of a project's limits, each tried as a sandbox could, and with what makes it fail taken away.
@Suite(.serialized, .enabled(if: !Projects.kinds.isEmpty, Projects.why)) struct ProjectAttackTests {
    private let name = Fixture.session("a")

    /// Gives a file another project, or none, or takes the inheritance off a directory (FS_IOC_FSSETXATTR,
    /// FS_IOC_SETFLAGS). Prints what became of each.
    private static let escapes = """
        python3 -c '
        import errno, fcntl, os, struct
        GET, SET, GETFLAGS, SETFLAGS = 0x801c581f, 0x401c5820, 0x80086601, 0x40086602
        def attempt(change):
            try: change()
            except OSError as error: return errno.errorcode[error.errno]
            return "done"
        def attributes(path, project=None, inherit=True):
            fd = os.open(path, os.O_RDONLY)
            words = list(struct.unpack("=5I8s", fcntl.ioctl(fd, GET, bytes(28))))
            if project is not None: words[3] = project
            if not inherit: words[0] &= ~0x200
            fcntl.ioctl(fd, SET, struct.pack("=5I8s", *words))
        def flags(path):
            fd = os.open(path, os.O_RDONLY)
            value = struct.unpack("=l", fcntl.ioctl(fd, GETFLAGS, bytes(8))[:4])[0]
            fcntl.ioctl(fd, SETFLAGS, struct.pack("=l", value & ~0x20000000))
        open("f", "w").close()
        for name in ("d", "e"): os.makedirs(name, exist_ok=True)
        print(attempt(lambda: attributes("f", project=0)), attempt(lambda: attributes("f", project=77)),
              attempt(lambda: attributes("d", inherit=False)), attempt(lambda: flags("e")))'
        """
    /// As the only user of a new user namespace, which is what a sandbox has at most.
    private static func inNamespace(_ script: String) -> String {
        "unshare --user --map-root-user sh -c \"$(cat <<'END'\n\(script)\nEND\n)\""
    }

    @Test(arguments: Projects.kinds)
    func `nobody in a user namespace gives a file another project`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: 16 * megabyte)
        let outcome = try runAsUser(Self.inNamespace(Self.escapes), in: volume)
        let refused = outcome.output.split(whereSeparator: \.isWhitespace)
        #expect(
            refused.count == 4 && refused.allSatisfy { $0 != "done" }, "\(outcome.output) \(outcome.errors)")
        #expect(refused.first == "EINVAL")
        let fill = "head -c 20M /dev/zero >d/f || head -c 20M /dev/zero >e/f || head -c 20M /dev/zero >f"
        #expect(try runAsUser(fill, in: volume).errors.contains(kind.refusal))
        #expect(try fixture.quota("a").bytes > 15 * megabyte)
    }

    /// The control, and why the driver is for sandboxes with user namespaces alone.
    @Test(arguments: Projects.kinds)
    func `outside of user namespaces a file's owner can, and has left the limit`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: 16 * megabyte)
        let outcome = try runAsUser(Self.escapes, in: volume)
        #expect(outcome.output.hasPrefix("done done done"), "\(outcome.output) \(outcome.errors)")
        #expect(try runAsUser("head -c 20M /dev/zero >d/f", in: volume).status == 0)
        #expect(try fixture.quota("a").bytes < 4 * megabyte)
    }

    @Test(arguments: Projects.kinds)
    func `root of a user namespace is kept to the limit`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: 8 * megabyte)
        let fill = "head -c 12M /dev/zero >f"
        #expect(try runAsUser(Self.inNamespace(fill), in: volume).errors.contains(kind.refusal))
        // CAP_SYS_RESOURCE of the first namespace goes beyond it, on ext4.
        #expect(try run("head -c 12M /dev/zero >g", in: volume).status == 0 || kind == .xfs)
        #expect((try fixture.quota("a").bytes > 8 * megabyte) == (kind == .ext4))
    }

    /// Raises a limit, and asks for it (quotactl_fd with Q_XSETQLIM and Q_XGETQUOTA). Prints what became of both.
    private static func raise(_ project: UInt32) -> String {
        """
        python3 -c '
        import ctypes, errno, os, struct
        libc = ctypes.CDLL(None, use_errno=True)
        place = os.open(".", os.O_RDONLY)
        def attempt(command):
            # Both hard limits, as struct fs_disk_quota has them.
            quota = struct.pack("=bbHI4Q", 1, 2, 15, \(project), 1 << 30, 0, 1 << 30, 0) + bytes(72)
            done = libc.syscall(443, place, command << 8 | 2, \(project), ctypes.c_char_p(quota))
            return "done" if done == 0 else errno.errorcode[ctypes.get_errno()]
        print(attempt(0x5804), attempt(0x5803))'
        """
    }

    @Test(arguments: Projects.kinds)
    func `nobody without the host's privileges changes a limit, root of a user namespace included`(
        kind: ProjectKind
    ) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: megabyte, inodes: 10)
        let script = Self.raise(try fixture.project("a"))
        #expect(try runAsUser(script, in: volume).output == "EPERM EPERM\n")
        #expect(try runAsUser(Self.inNamespace(script), in: volume).output == "EPERM EPERM\n")
        #expect(try fixture.driver.limits(of: name) == VolumeLimits(bytes: megabyte, inodes: 10))
        #expect(try run(script, in: volume).output == "done done\n", "the control")
        #expect(try fixture.driver.limits(of: name) == VolumeLimits(bytes: 512 << 30, inodes: 1 << 30))
    }

    @Test(arguments: Projects.kinds)
    func `a file does not move or get a name in another project`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let first = try fixture.make("a", bytes: 8 * megabyte)
        try fixture.make("b", bytes: 8 * megabyte)
        try runAsUser("head -c 4M /dev/zero >f; mkdir d; : >d/g", in: first)
        // As root, whom no permission stops, and with both directories in reach.
        let script = """
            cd \(fixture.path)/sessions/alice && python3 -c '
            import errno, os
            for action, name, place in ((os.rename, "a/f", "b/f"), (os.link, "a/f", "b/f"), (os.rename, "a/d", "b/d"),
                                        (os.link, "a/f", "a/h"), (os.rename, "a/h", "a/d/h")):
                try:
                    action(name, place)
                    print("done")
                except OSError as error: print(errno.errorcode[error.errno])'
            """
        #expect(try run(script, in: first).output == "EXDEV\nEXDEV\nEXDEV\ndone\ndone\n")
        #expect(try fixture.quota("b").bytes < megabyte)
        #expect(try fixture.quota("a").bytes >= 4 * megabyte)
    }

    @Test(arguments: Projects.kinds)
    func `whoever has a removed volume open can write no more to it`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let volume = try fixture.make("a", bytes: 8 * megabyte, inodes: 100)
        try fixture.driver.remove(name)
        #expect(try runAsUser("head -c 1M /dev/zero >f", in: volume).errors.contains(kind.refusal))
    }

    @Test(arguments: Projects.kinds)
    func `what lies in a volume's place and is none is refused and stays`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        try fixture.make("b", bytes: megabyte)
        let place = "\(fixture.path)/sessions/alice"
        try File.makeDirectories("\(place)/a")
        try File.write(Array("kept".utf8), to: "\(place)/a/f")
        #expect(unsafe symlink("b", "\(place)/l") == 0)
        #expect(code { try fixture.driver.open(name) } == "volume-not-a-volume", "it has no project")
        #expect(code { try fixture.driver.remove(name) } == "volume-not-a-volume")
        #expect(code { try fixture.make("a", bytes: megabyte) } == "volume-exists")
        #expect(code { try fixture.driver.open(Fixture.session("l")) } == "volume-not-a-volume")
        #expect(code { try fixture.driver.open(Fixture.session("none")) } == "volume-absent")
        #expect(try fixture.settled())
        #expect(File.text("\(place)/a/f") == "kept")
    }
}
