import Denials
import Sandbox
import TestSupport
import Testing

/// What the mount view and landlock say to paths. That the kernel says the same is shown by
/// ExplainedEventTests, in real sandboxes.
@Suite struct PathTests {
    @Test(arguments: [
        ("/", PathEvent.Access.read), ("/usr/lib/x", .read), ("/usr/bin/x", .execute), ("/bin/sh", .execute),
        ("/etc/motd", .read), ("/etc/passwd", .read), ("/tmp/x", .create), ("/tmp/x", .execute),
        ("/home/x", .write),
        ("/workspace/x", .remove), ("/var/run", .read), ("/proc/self/status", .read), ("/proc/keys", .read),
        ("/dev/null", .write), ("/etc/../tmp/x", .truncate), ("/proc/self/fd/1", .write),
    ])
    func `an allowed path has no denial`(path: String, access: PathEvent.Access) throws {
        #expect(try Fixture().denial(path, access) == nil)
    }

    @Test(arguments: [
        ("/usr/lib/x", PathEvent.Access.write, "EROFS", "images/small.yaml:4" as String?),
        ("/bin/x", .create, "EROFS", "images/small.yaml:4"),
        ("/etc/motd", .truncate, "EROFS", "images/small.yaml:4"),
        ("/etc/passwd", .write, "EACCES", "images/small.yaml:6"),
        ("/etc/open", .write, "EROFS", "images/small.yaml:7"),
        ("/etc/closed", .read, "EACCES", "images/small.yaml:8"),
        ("/etc/closed", .truncate, "EACCES", "images/small.yaml:8"),
        ("/etc/shadow", .read, "ENOENT", "profiles/base.yaml:2"),
        ("/root/.ssh/id", .read, "ENOENT", "profiles/base.yaml:2"),
        ("/etc/passwd/x", .read, "ENOTDIR", "images/small.yaml:6"),
        ("/etc/passwd", .remove, "EROFS", nil), ("/etc/none", .remove, "EROFS", nil),
        ("/a", .read, "ELOOP", nil), ("/tmp", .write, "EISDIR", "images/small.yaml:12"),
        ("/tmp", .execute, "EACCES", "images/small.yaml:12"),
        ("/home/x", .execute, "EACCES", "images/small.yaml:14"),
        ("/run/x", .create, "EACCES", "images/small.yaml:13"),
        ("/var/run/x", .read, "ENOENT", "images/small.yaml:13"),
        ("/secret/x", .read, "EACCES", "images/small.yaml:15"),
        ("/secret", .read, "EACCES", "images/small.yaml:15"), ("/proc/self/comm", .write, "EROFS", nil),
        ("/proc/self/comm", .execute, "EACCES", nil), ("/dev/tty", .read, "ENXIO", "images/small.yaml:16"),
        ("/dev/null", .truncate, "EINVAL", "images/small.yaml:16"), ("/dev/x", .create, "EROFS", nil),
        ("/proc/acpi/x", .read, "ENOENT", "images/small.yaml:17"),
        ("/proc/keys/x", .read, "ENOTDIR", "images/small.yaml:17"),
        ("/", .remove, "EBUSY", nil),
    ])
    func `a refused path has its errno and the place of its rule`(
        path: String, access: PathEvent.Access, errno: String, origin: String?
    ) throws {
        let denial = try #require(try Fixture().denial(path, access))
        #expect(denial.seen == errno)
        #expect(denial.source == .mounts)
        #expect(denial.rule.origin == origin, "\(denial.rule.text)")
        #expect(denial.cure.hasSuffix("."))
    }

    @Test func `what hides a file of proc can be written to as far as landlock lets`() throws {
        var fixture = Fixture()
        let denial = try #require(try fixture.denial("/proc/keys", .write))
        #expect(denial.source == .landlock && denial.seen == "EACCES")
        fixture.landlockABI = 0
        #expect(try fixture.denial("/proc/keys", .write) == nil)
    }

    /// NAME_MAX is the file systems' to enforce, and procfs does not.
    @Test(arguments: [
        ("/tmp/", "", PathEvent.Access.read, "ENAMETOOLONG"), ("/proc/", "", .read, "ENOENT"),
        ("/proc/self/", "", .write, "ENOENT"), ("/proc/acpi/../", "", .truncate, "ENOENT"),
        ("/proc/", "/x", .read, "ENOENT"), ("/tmp/", "/x", .read, "ENAMETOOLONG"),
        ("/proc/", "", .create, "ENOENT"), ("/proc/", "", .remove, "EROFS"),
    ])
    func `a name is too long where its file system says so`(
        directory: String, rest: String, access: PathEvent.Access, errno: String
    ) throws {
        let name = String(repeating: "x", count: 300)
        #expect(try Fixture().denial(directory + name + rest, access)?.seen == errno)
    }

    @Test func `a workspace that is read-only refuses to be written, by the profile's key`() throws {
        var fixture = Fixture(profile: "filesystem:\n  workspace: read_only")
        for (path, errno) in [("/workspace/x", "EROFS"), ("/workspace", "EISDIR")] {
            #expect(try fixture.denial(path, .create)?.seen == errno)
        }
        #expect(try fixture.denial("/workspace/x", .read)?.seen == "ENOENT")
        fixture.hostDirectory = true
        #expect(try fixture.denial("/workspace/x", .read) == nil)
        #expect(
            try fixture.denial("/workspace/x", .write)?.cure
                == "Set filesystem.workspace: writable in the profile.")
    }

    @Test func `the relay's socket is there only with a relay`() throws {
        var fixture = Fixture()
        #expect(try fixture.denial("/var/run/tgo/tgo.sock", .read)?.seen == "ENOENT")
        fixture.sockets = ["/var/run/tgo/tgo.sock"]
        #expect(try fixture.denial("/var/run/tgo/tgo.sock", .read)?.seen == "ENXIO")
        #expect(try fixture.denial("/run/tgo", .read) == nil)
        #expect(try fixture.denial("/run/tgo/tgo.sock", .remove)?.seen == "EACCES")
    }

    @Test func `a filter that refuses the call comes first`() throws {
        var fixture = Fixture()
        fixture.policy = """
            {"defaultAction": "SCMP_ACT_ALLOW",
             "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}
            """
        let denial = try #require(try fixture.denial("/nowhere", .execute))
        #expect(denial.source == .seccomp && denial.seen == "EACCES")
        #expect(denial.rule.origin == "seccomp/base.json:2:15")
    }

    @Test func `the proof names the links, the mount and the rules`() throws {
        let explanation = Evaluator.explanation(
            of: .path(try PathEvent("/bin/sh", .execute)), under: try Fixture().rules())
        #expect(explanation.denial == nil)
        #expect(
            explanation.steps.map(\.rule.text) == [
                "allows execve, as every call for which the policy base has no rule",
                "/bin is a link to usr/bin",
                "/usr is a directory of the host, read-only", "allows read and execute below /",
                "if the host has it and its mode lets others: the modes of the host's files are not rules",
            ])
    }

    @Test(arguments: ["", "etc/passwd", "/etc/", "/etc/.", "/etc/..", "/a\0b"])
    func `what is no path of a name is refused`(path: String) {
        #expect(throws: ValueError.self) { try PathEvent(path, .read) }
    }
}
