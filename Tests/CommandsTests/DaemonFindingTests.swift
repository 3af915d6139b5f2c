import Glibc
import Linux
import TestSupport
import Testing
import Wire

@testable import Commands

/// What `corral doctor` makes of what it found about a daemon; with real ones it is tried in DaemonTests.
@Suite struct DaemonFindingTests {
    @Test(arguments: [
        (nil, nil, DoctorFinding.State.ok, ""), ("2", "2", .ok, ""), (nil, "2", .ok, ""),
        ("1", "1", .warning, "--sessions"), ("2", "1", .warning, "--sessions"),
        ("1", nil, .warning, "corral daemon stop &&"),
    ])
    func `versions are to be one, and the cure is for the part that is another`(
        corrald: String?, warden: String?, state: DoctorFinding.State, cure: String
    ) {
        let finding = DaemonFindings.versions(corral: "2", corrald: corrald, warden: warden)
        #expect(finding.state == state && (finding.cure ?? "").contains(cure), "\(finding)")
    }

    @Test func `findings of the daemon can be asked for by their names, and no others`() throws {
        let asked = try Arguments(parsing: ["state space", "clock"], for: DoctorCommand.command)
        #expect(asked.operands == ["state space", "clock"])
        let error = #expect(throws: UsageError.self) {
            _ = try Arguments(parsing: ["clok"], for: DoctorCommand.command)
        }
        #expect(error?.description.contains("did you mean clock?") == true, "\(error?.description ?? "")")
        // Each under its own name, in the order of the table, whatever the order in which they were asked for.
        let directory = try TemporaryDirectory()
        let place = try Arguments(parsing: ["--state", directory("state")], for: DoctorCommand.command)
        let findings = try DaemonFindings(place)
        let few = ["systemd", "clock", "state space", "descriptors", "socket"]
        #expect(
            findings.found(few).map(\.name) == ["socket", "state space", "descriptors", "clock", "systemd"])
        for name in few { #expect(findings.found([name]).map(\.name) == [name]) }
        #expect(findings.found([]).isEmpty)
        #expect(
            Completion(["doctor", "sys"], names: .init(profiles: { [] }, images: { [] })).text
                == "systemd\t\n:none")
    }

    @Test func `the guide has every finding of the daemon`() throws {
        let page = try #require(File.text(Repository.path("docs/operators.md")))
        let table = page.split(separator: "\n").filter { $0.hasPrefix("| `") }
        for name in DaemonFindings.names {
            #expect(
                table.contains { $0.split(separator: "|").first?.contains("`\(name)`") == true }, "\(name)")
        }
    }

    private func volumes(_ driver: String?, _ enforced: String) throws -> DaemonStatus.Volumes {
        var volumes = DaemonStatus.Volumes(DaemonAnswer(try JSONTree(parsing: Array("{}".utf8))))
        (volumes.driver, volumes.enforced, volumes.reason) = (driver, enforced, "for a reason")
        return volumes
    }

    @Test func `limits of volumes that nothing enforces are a warning`() throws {
        #expect(DaemonFindings.volumeLimits(nil).state == .ok)
        let kept = try volumes("btrfs", "bytes enforced, inodes counted as bytes")
        #expect(DaemonFindings.volumeLimits(kept).state == .ok)
        let soft = DaemonFindings.volumeLimits(try volumes("directory", "bytes not enforced (wished)"))
        #expect(soft.state == .warning && soft.cure?.contains("quotas") == true)
        let none = DaemonFindings.volumeLimits(try volumes(nil, ""))
        #expect(none.state == .warning && none.what == "there are no volumes: for a reason")
    }

    private func socket(_ mode: mode_t, group: gid_t = 5) -> DoctorFinding {
        var status = stat()
        (status.st_mode, status.st_gid) = (mode, group)
        return SocketFinding.finding("/run/c.sock", status, mode: 0o660, group: 5, groupName: "corral")
    }

    @Test func `a socket is to have the mode and the group that are set`() {
        #expect(socket(S_IFSOCK | 0o660).state == .ok)
        #expect(socket(S_IFSOCK | 0o666).cure == "chmod 0660 /run/c.sock")
        #expect(socket(S_IFSOCK | 0o600).cure == "chmod 0660 /run/c.sock")
        #expect(socket(S_IFSOCK | 0o660, group: 0).cure == "chgrp corral /run/c.sock")
        #expect(socket(S_IFREG | 0o660).state == .failed)
        var open = stat()
        open.st_mode = S_IFSOCK | 0o666
        let meant = SocketFinding.finding("/c", open, mode: 0o666, group: nil, groupName: nil)
        #expect(meant.state == .warning && meant.what.contains("every user"))
    }

    @Test(arguments: [
        (UInt64(10) << 30, UInt64(100_000), DoctorFinding.State.ok), (500 << 20, 100_000, .warning),
        (10 << 20, 100_000, .failed), (10 << 30, 10, .failed),
    ])
    func `little room is a warning, and next to none a failure`(
        free: UInt64, entries: UInt64, state: DoctorFinding.State
    ) {
        let finding = StateSpaceFinding.finding(
            "/var/lib/corral", free: free, entries: entries, mostEntries: 1)
        #expect(finding.state == state, "\(finding)")
        #expect(
            StateSpaceFinding.finding("/x", free: 10 << 30, entries: 0, mostEntries: 0).state == .ok,
            "btrfs does not count files")
    }

    @Test func `descriptors are to be as many as the settings can take`() {
        #expect(DescriptorFinding.finding(limit: 6000, needed: 5600, isDaemons: true).state == .ok)
        let few = DescriptorFinding.finding(limit: 1024, needed: 5600, isDaemons: true)
        #expect(few.state == .warning && few.cure?.hasPrefix("LimitNOFILE=5600 ") == true)
        #expect(DescriptorFinding.finding(limit: nil, needed: 5600, isDaemons: false).state == .warning)
    }

    @Test func `a clock that nobody sets is a warning`() {
        #expect(ClockFinding.finding(result: 0, error: .noSuchProcess).state == .ok)
        #expect(ClockFinding.finding(result: 5, error: .noSuchProcess).cure?.hasPrefix("timedatectl") == true)
        #expect(ClockFinding.finding(result: -1, error: .notPermitted).what.contains("cannot be asked"))
        // Of this host, whichever it is.
        #expect(!ClockFinding.look().what.contains("cannot be asked"))
    }

    private static let passwd = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"

    @Test(arguments: [
        ("alice:100000:65536\n", DoctorFinding.State.ok, ""), ("", .ok, ""),
        ("alice:134464:65536\n", .ok, ""),
        ("alice:134465:65536\n", .warning, "alice in /etc/subuid"),
        ("a:265535:1\n", .warning, "a in"), ("a:265536:1\n", .ok, ""),
        ("odd\nalice:200000\nalice:x:5\nalice:200000:0\nalice:200000:99999999999999\n", .ok, ""),
        ("a:18446744073709551615:2\nb:4294967295:4294967295\n", .ok, ""),
        ("a:200000:1\nb:200000:1\nc:200000:1\nd:200000:1\ne:200000:1\n", .warning, "and 2 more"),
    ])
    func `ids of sandboxes are to be nobody else's`(
        subuid: String, state: DoctorFinding.State, what: String
    ) {
        let finding = IDRangeFinding.finding(
            200_000...265_535,
            [("/etc/passwd", Self.passwd, false), ("/etc/subuid", subuid, true)])
        #expect(finding.state == state && finding.what.contains(what), "\(finding)")
    }

    @Test func `a user among the ids of sandboxes is found, and the cure is a range behind all others`() {
        let passwd = Self.passwd + "carol:x:200001:5::/:/bin/sh\nnobody:x:4294967294:5::/:/bin/sh\n"
        let finding = IDRangeFinding.finding(
            200_000...265_535,
            [("/etc/passwd", passwd, false), ("/etc/subuid", "a:300000:65536\n", true)])
        #expect(finding.what.contains("carol in /etc/passwd"))
        #expect(finding.cure?.hasSuffix("such as 396608-462143") == true, "\(finding.cure ?? "")")
    }

    @Test func `leftovers are told by the first, and how many more there are`() {
        #expect(LeftoverFinding.finding([]).state == .ok)
        let two = LeftoverFinding.finding(["/sys/fs/cgroup/corral-run-1-a", "/sys/fs/cgroup/corral-run-2-b"])
        #expect(two.state == .warning)
        #expect(two.what.hasPrefix("/sys/fs/cgroup/corral-run-1-a and 1 more: "))
    }
}

@Suite struct RedactionTests {
    private let redaction = Redaction(
        homes: ["/data/people/me", "/root"], names: [("buildhost", "HOST"), ("wil", "USER")],
        variables: ["CORRAL_INIT=/srv/own/init", "CORRAL_LOG_LEVEL=info", "CORRAL_EMPTY="])

    @Test(arguments: [
        ("in /data/people/me/x", "in ~/x"), ("/root: no", "~: no"), ("/rootless", "/rootless"),
        ("at /home/somebody/state, and /home/b", "at ~/state, and ~"), ("/home/", "~"),
        ("buildhost buildhosts wil wild (wil)", "HOST buildhosts USER wild (USER)"),
        ("/srv/own/init does not say", "$CORRAL_INIT does not say"),
        // Too short to be told from a word of ours.
        ("info", "info"),
        ("token corral_0123abcd_89abcdef_" + String(repeating: "7", count: 64) + " is", "token TOKEN is"),
        ("corral_build_info and corrald", "corral_build_info and corrald"), ("", ""), ("a\n\nb", "a\n\nb"),
        ("c/", "c/"),
    ])
    func `what is somebody's is left out, and nothing else`(text: String, left: String) {
        #expect(redaction.applied(to: text) == left)
    }

    @Test func `what is replaced is not replaced once more`() {
        let nested = Redaction(
            homes: ["/data"], names: [("data", "USER")], variables: ["CORRAL_STATE=/data/state"])
        #expect(nested.applied(to: "/data/state /data data") == "$CORRAL_STATE ~ USER")
    }
}
