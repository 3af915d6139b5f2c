// Plugins and hosts that somebody else wrote for TGO, as they are, and our own examples.

import Linux
import TestSupport
import Testing

@Suite struct UnmodifiedPluginTests {
    /// A plugin's directory and how it is started.
    struct Plugin: Sendable, CustomTestStringConvertible {
        /// Below the shared material, or below the source tree.
        let directory: String
        let isShared: Bool
        let command: [String]
        var testDescription: String { directory }

        /// Nil, and a line that says so, where the plugin or its interpreter is not there.
        func copied(to target: String) throws -> String? {
            let found = isShared ? Shared.path(directory) : Repository.path(directory)
            guard let source = found else {
                Host.skip("\(directory) is not beside the source tree")
                return nil
            }
            guard File.exists("/usr/bin/\(command[0])") else {
                Host.skip("/usr/bin/\(command[0]) is not there")
                return nil
            }
            try File.makeDirectories(target)
            for name in File.names(in: source) {
                try File.write(File.read("\(source)/\(name)"), to: "\(target)/\(name)")
            }
            return target
        }
    }

    static let plugins = [
        Plugin(directory: "plugins/tgo-quickstart-python", isShared: true, command: ["python3", "main.py"]),
        Plugin(directory: "plugins/tgo-quickstart-node", isShared: true, command: ["node", "main.js"]),
        Plugin(directory: "examples/tgo/plugin", isShared: false, command: ["python3", "main.py"]),
    ]

    @Test(arguments: plugins)
    func `a plugin serves the example host from registration to exit`(plugin: Plugin) throws {
        let directory = try TemporaryDirectory()
        guard let workspace = try plugin.copied(to: directory("plugin")) else { return }
        let files = File.names(in: workspace)
        let socket = directory("host.sock")
        let report = directory("report.json")
        try Corral.leavesNothing {
            let host = try Program([
                Corral.python, "-B", Repository.path("examples/tgo/host/host.py"), socket,
            ]).start()
            try #require(eventually { Host.listens(at: socket) })
            let outcome = try Corral.run(
                ["--relay", "tgo=\(socket)", "--workspace", workspace, "--report", report, "--"]
                    + plugin.command)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let served = try host.wait(timeout: 60)
            #expect(served.status == 0, "\(served.errors)")
            #expect(served.output.contains("plugin -> host  shutdown answered: success"))
        }
        let result = try Report(try #require(File.text(report)))
        #expect(result.text("cause") == "exited" && result.number("exit") == 0)
        #expect(result.number("relay", "connections") == 1)
        #expect(result.number("relay", "from_plugin", "frames") == 5)
        #expect(result.number("relay", "from_upstream", "frames") == 5)
        #expect(result.refusals == [:])
        // The host removes its socket; our plugin writes its notes, the others write nothing.
        #expect(File.names(in: directory.path) == ["plugin", "report.json"])
        #expect(Set(File.names(in: workspace)).subtracting(files).isSubset(of: ["notes.json"]))
    }

    /// The test server always listens at /var/run/tgo/tgo.sock. It gets a /run of its own, and corral
    /// with it; but all runs of one host must agree on the locks in /run/corral.
    private static let inOwnRun = """
        set -eu
        mkdir "$1/corral"
        mount --bind /run/corral "$1/corral"
        mount -t tmpfs tgo-test /run
        [ -L /var/run ] || mount -t tmpfs tgo-test /var/run
        mkdir /run/corral
        mount --bind "$1/corral" /run/corral
        "$2" -u "$3" >"$1/server.log" 2>&1 &
        tries=0
        until [ -S /var/run/tgo/tgo.sock ] || [ $tries -gt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
        shift 3
        "$@"
        wait $!
        [ ! -e /var/run/tgo/tgo.sock ]
        """

    @Test(.enabled(if: Host.isRoot, "only root can give the server a /run of its own"), arguments: plugins)
    func `a plugin serves the test server of TGO's quick start`(plugin: Plugin) throws {
        guard let server = Shared.path("plugins/tgo-quickstart-test-server/test_server.py") else {
            return Host.skip("the test server is not beside the source tree")
        }
        let directory = try TemporaryDirectory()
        guard let workspace = try plugin.copied(to: directory("plugin")) else { return }
        // Makes /run/corral where nothing was run before.
        try #require(try Corral.run(["true"]).status == 0)
        let hostHadSocket = File.exists("/var/run/tgo")
        let outcome = try Corral.leavesNothing {
            try Program.run(
                [
                    "unshare", "--mount", "sh", "-c", Self.inOwnRun, "sh", directory.path, Corral.python,
                    server,
                    Corral.path, "run", "--relay", "tgo=/var/run/tgo/tgo.sock", "--workspace", workspace,
                    "--timeout", "20s", "--",
                ] + plugin.command, timeout: 120)
        }
        let log = File.text(directory("server.log")) ?? ""
        #expect(outcome.status == 0, "\(outcome.errors)\n\(log)")
        #expect(log.contains("{'jsonrpc': '2.0', 'id': 99, 'result': {'success': True}}"), "\(log)")
        #expect(File.exists("/var/run/tgo") == hostHadSocket)
    }
}
