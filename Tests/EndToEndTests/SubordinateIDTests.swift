// `corral run` by an ordinary user who has a range of ids (subuid(5)).

import Linux
import TestSupport
import Testing

@Suite(
    .enabled(if: Host.isRoot, "only root can give a user a range of ids"),
    .enabled(if: File.exists("/usr/bin/newuidmap"), "newuidmap is not installed"),
    .enabled(if: File.exists("/etc/subuid") && File.exists("/etc/subgid"), "there is no /etc/subuid"))
struct SubordinateIDTests {
    /// A user that this host does not have.
    static let uid = "3999017"

    /// Gives the user a name and a range, in a mount namespace of its own.
    private static let asUser = """
        set -eu
        for file in passwd subuid subgid; do cp "/etc/$file" "$1/$file"; done
        echo "corral-test:x:$2:$2::/:/bin/sh" >>"$1/passwd"
        echo "corral-test:700000:65536" >>"$1/subuid"
        echo "corral-test:700000:65536" >>"$1/subgid"
        for file in passwd subuid subgid; do mount --bind "$1/$file" "/etc/$file"; done
        uid=$2
        shift 2
        exec setpriv --reuid "$uid" --regid "$uid" --groups "$uid,1" -- "$@"
        """

    private static func run(_ user: OrdinaryUser, _ words: [String]) throws -> Program.Outcome {
        try start(user, [user.corral, "run"] + words)
    }

    /// Runs a command line as the user.
    static func start(_ user: OrdinaryUser, _ words: [String]) throws -> Program.Outcome {
        let etc = user.directory("etc")
        try File.makeDirectories(etc)
        return try Corral.leavesNothing {
            try Program.run(
                ["unshare", "--mount", "sh", "-c", asUser, "sh", etc, uid] + words)
        }
    }

    @Test func `the init has a uid of its own, and groups are dropped`() throws {
        let user = try OrdinaryUser()
        let script = "id; grep -h '^Uid' /proc/1/status; echo; cat /proc/self/uid_map"
        let outcome = try Self.run(user, ["--json", "--", "sh", "-c", script])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let words = outcome.output.split { $0.isWhitespace }.map(String.init)
        let expected = [
            "uid=1000(plugin)", "gid=1000(plugin)", "groups=1000(plugin)", "Uid:", "0", "0", "0", "0",
            "0", "700000", "1", "1000", Self.uid, "1",
        ]
        #expect(words == expected)
        let report = try Report(in: outcome.errors)
        #expect(report.text("layers", "uids") == "in force")
        #expect(report.text("layers", "groups") == "in force")
        #expect(Set(OrdinaryUser.weakLayers(in: report).keys) == ["memory", "swap", "cpu"])
        #expect(!outcome.errors.contains("uids partial"))
    }

    @Test func `files of a workspace stay the user's`() throws {
        let user = try OrdinaryUser()
        let workspace = user.directory("workspace")
        try File.makeDirectories(workspace)
        _ = try Program.run(["chown", "\(Self.uid):\(Self.uid)", workspace])
        let outcome = try Self.run(user, ["--workspace", workspace, "--", "sh", "-c", "echo text >file"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try OrdinaryUser.owner(of: "\(workspace)/file") == "\(Self.uid):\(Self.uid)")
    }

    @Test func `strict still refuses, for want of a cgroup`() throws {
        let outcome = try Self.run(try OrdinaryUser(), ["--profile", "strict", "--", "true"])
        Refusal("", [], says: "requires the layer memory", "no delegated cgroup", "Delegate=yes").check(
            outcome)
    }
}
