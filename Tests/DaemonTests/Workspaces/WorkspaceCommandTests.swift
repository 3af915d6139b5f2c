import TestSupport
import Testing
import Wire

/// `corral workspace` and what `corral session create` has for it, as somebody at a shell calls them.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceCommandTests {
    private func corral(_ daemon: TestDaemon, _ words: String...) throws -> Program.Outcome {
        try Program.run(
            [Product.path("corral")] + words, environment: daemon.environment, timeout: 120)
    }

    private func prints(_ text: String, _ outcome: Program.Outcome) {
        #expect(outcome.status == 0 && outcome.output == text, "\(outcome.output)\(outcome.errors)")
    }

    @Test func `a workspace lives its whole life at a shell`() throws {
        let daemon = try TestDaemon()
        prints("data\n", try corral(daemon, "workspace", "create", "--disk", "8MiB", "data"))
        let made = try corral(daemon, "session", "create", "--name", "web", "--workspace", "data")
        #expect(made.status == 0, "\(made.errors)")
        try daemon.exec("web", "echo one >f; sync .")
        prints("data@before\n", try corral(daemon, "workspace", "snapshot", "data@before"))
        try daemon.exec("web", "echo two >f")
        prints("data\n", try corral(daemon, "workspace", "resize", "--disk", "16MiB", "data"))
        prints("copy\n", try corral(daemon, "workspace", "fork", "data@before", "copy"))
        let list = try corral(daemon, "workspace", "ls", "-o", "wide", "--no-trunc")
        let lines = list.output.split(separator: "\n")
        #expect(lines.count == 3 && lines[0].hasPrefix("NAME"), "\(list.output)")
        #expect(lines[1].contains("16 MiB") && lines[1].contains("data@before"), "\(list.output)")
        #expect(lines[2].contains(made.output.prefix(16)) && lines[2].contains("btrfs"), "\(list.output)")
        prints("copy\ndata\n", try corral(daemon, "workspace", "list", "-q"))
        prints("data@before\n", try corral(daemon, "workspace", "snapshots", "-q", "data"))
        let inspected = try corral(daemon, "workspace", "inspect", "data", "none")
        #expect(inspected.status == 1 && inspected.errors.contains("no workspace \"none\""))
        let json = try JSONTree(parsing: inspected.stdout)
        #expect(json.list.first?["snapshots"]?.text == "1" && json.list.first?["used_bytes"] != nil)
        let busy = try corral(daemon, "workspace", "rm", "data")
        #expect(busy.status == 1 && busy.errors.contains("is used by session"), "\(busy.errors)")
        #expect(try daemon.corral("rm", "-f", "web").status == 0)
        prints("data\n", try corral(daemon, "workspace", "restore", "data@before"))
        #expect(try daemon.using("data", "cat f") == "one\n")
        prints("copy\ndata@before\n", try corral(daemon, "workspace", "rm", "copy", "data@before"))
        prints("data\n", try corral(daemon, "workspace", "rm", "data"))
        prints("", try corral(daemon, "workspace", "list", "-q"))
    }

    @Test func `sessions at a shell share a workspace, or have a volume of their own`() throws {
        let daemon = try TestDaemon()
        prints(
            "data\n", try corral(daemon, "workspace", "create", "--disk", "8MiB", "--inodes", "100", "data"))
        for name in ["a", "b"] {
            let made = try daemon.corral("create", "--name", name, "--workspace", "data:shared")
            #expect(made.status == 0, "\(made.errors)")
        }
        let own = try daemon.corral("create", "--name", "own", "--disk", "4MiB", "--inodes", "50")
        #expect(own.status == 0, "\(own.errors)")
        let wide = try daemon.corral("ls", "-o", "wide").output
        #expect(wide.contains("data (shared), 8 MiB") && wide.contains("volume, 4 MiB"), "\(wide)")
        let status = try corral(daemon, "daemon", "status", "--set", "state=\(daemon.state)")
        #expect(
            status.output.contains("btrfs") && status.output.contains("bytes enforced"), "\(status.output)")
    }

    @Test func `what is wrong is told with its option, and nothing is made`() throws {
        let daemon = try TestDaemon()
        let cases: [(words: [String], says: String)] = [
            (["workspace", "create", "x"], "--disk: "),
            (["workspace", "create", "--disk", "1g", "x"], "--disk: "),
            (["workspace", "create", "--disk", "-1MiB", "x"], "must not be negative"),
            (["workspace", "create", "--disk", "0", "x"], "--disk: \"0\" is too small"),
            (["workspace", "create", "--disk", "1MiB", "../x"], "name"),
            (["workspace", "create", "--adopt", "x"], "without a record"),
            (["workspace", "resize", "x"], "--disk or --inodes is missing"),
            (["workspace", "resize", "--disk", "1MiB", "x"], "no workspace \"x\""),
            (["workspace", "resize", "--disk", "1MiB", "x@y"], "is a snapshot"),
            (["workspace", "snapshot", "x"], "names no snapshot"),
            (["workspace", "snapshot", "x@y"], "no workspace \"x\""),
            (["workspace", "restore", "x@"], "names no snapshot"),
            (["workspace", "fork", "x", "y"], "no workspace \"x\""),
            (["workspace", "rm", "x"], "no workspace \"x\""), (["workspace", "rm", "x@y"], "no workspace"),
            (["workspace", "rm", ""], "no workspace"),
            (["session", "create", "--workspace", "x"], "--workspace: there is no workspace \"x\""),
            (["session", "create", "--workspace", "x:all"], "expected NAME or NAME:shared"),
            (["session", "create", "--inodes", "5"], "--inodes goes with --disk"),
            (["session", "create", "--allow-soft-quota"], "--allow-soft-quota goes with --disk"),
            (["session", "create", "--disk", "1KiB"], "65536"),
            (["session", "create", "--persistent"], "--persistent: "),
        ]
        for (words, says) in cases {
            let outcome = try Program.run(
                [Product.path("corral")] + words, environment: daemon.environment, timeout: 60)
            #expect(outcome.status == 1 && outcome.errors.contains(says), "\(words): \(outcome.errors)")
            #expect(outcome.output == "", "\(words)")
        }
        #expect(try daemon.workspaces().isEmpty)
    }
}
