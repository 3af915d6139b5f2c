// `corral plugin test` as somebody at a shell calls it, and plugins in Python for it.

import Linux
import TestSupport
import Testing

/// One call, in a directory of its own in which nothing may be left.
struct PluginTest {
    let outcome: Program.Outcome

    /// What each plugin of these tests begins with.
    private static let common = """
        import json, os, signal, socket, struct, sys
        def raw(body): connection.sendall(struct.pack(">I", len(body)) + body)
        def send(message): raw(json.dumps({"jsonrpc": "2.0", **message}).encode())
        def exactly(count):
            data = b""
            while len(data) < count:
                piece = connection.recv(count - len(data))
                if not piece:
                    sys.exit(0)
                data += piece
            return data
        def receive(): return json.loads(exactly(struct.unpack(">I", exactly(4))[0]))
        def answer(call, result): send({"id": call["id"], "result": result})
        def register():
            panel = {"type": "visitor_panel", "title": "A panel"}
            send({"id": 1, "method": "register", "params": {"name": "a", "version": "1", "capabilities": [panel]}})
            receive()
        def render(call): answer(call, {"template": "text", "data": {"text": "hello"}})
        def event(call): answer(call, {"action": "noop"})
        def shutdown(call): answer(call, {"success": True})
        def serve():
            while True:
                call = receive()
                name = call["method"].split("/")[-1]
                {"render": render, "event": event, "shutdown": shutdown}[name](call)
                if name == "shutdown":
                    return
        connection = socket.socket(socket.AF_UNIX)
        connection.connect("/var/run/tgo/tgo.sock")

        """

    static let manifest = #"{"name": "a", "version": "1", "command": "python3", "args": ["main.py"]}"#

    /// A package with this main program behind the common part.
    static func package(_ main: String, in directory: TemporaryDirectory, manifest: String = manifest) throws
    {
        try directory.write("plugin/plugin.json", manifest)
        try directory.write("plugin/main.py", common + main)
    }

    /// Tests a plugin that is written in Python.
    static func run(_ main: String, _ options: [String] = []) throws -> PluginTest {
        let directory = try TemporaryDirectory()
        try package(main, in: directory)
        return try run(directory, options)
    }

    /// Tests the package `plugin` in `directory`.
    static func run(_ directory: TemporaryDirectory, _ options: [String] = []) throws -> PluginTest {
        try File.makeDirectories(directory("tmp"))
        let outcome = try Corral.leavesNothing {
            try Program.run(
                [Corral.path, "plugin", "test"] + options + [directory("plugin")],
                environment: environment(directory), timeout: 120)
        }
        #expect(File.names(in: directory("tmp")) == [], "the host's socket is removed")
        return PluginTest(outcome: outcome)
    }

    static func environment(_ directory: TemporaryDirectory) -> [String: String] {
        Program.environment.merging(["TMPDIR": directory("tmp")]) { $1 }
    }

    var lines: [String] { outcome.output.split(separator: "\n").map(String.init) }
    /// What is wrong with the plugin.
    var wrong: [String] { lines.filter { $0.hasPrefix("wrong: ") }.map { String($0.dropFirst(7)) } }
    var warnings: [String] { lines.filter { $0.hasPrefix("warning: ") }.map { String($0.dropFirst(9)) } }
}
