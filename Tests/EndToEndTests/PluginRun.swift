// A host application and a plugin, both in Python, and `corral run --relay` between them.

import Linux
import TestSupport
import Testing

/// How both ended, and what the relay reported.
struct Exchange {
    let host: Program.Outcome
    let plugin: Program.Outcome
    let report: Report

    /// What every plugin and host of these tests starts with.
    private static let common = """
        import hashlib, json, os, socket, struct, sys, time
        def frame(body): return struct.pack(">I", len(body)) + body
        GOOD = frame(b'{"jsonrpc": "2.0", "id": 1, "method": "register", "params": {"name": "x"}}')
        TAKEN = frame(b'{"jsonrpc": "2.0", "id": 1, "result": {"success": true}}')
        def exactly(connection, count):
            data = b""
            while len(data) < count:
                piece = connection.recv(count - len(data))
                if not piece:
                    sys.exit("end of file after %d of %d bytes" % (len(data), count))
                data += piece
            return data

        """

    private static let hostStart = """
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen(16)
        listener.settimeout(20)
        print("ready", flush=True)
        connection, _ = listener.accept()
        connection.settimeout(20)

        """

    private static let pluginStart = """
        def connect():
            connection = socket.socket(socket.AF_UNIX)
            connection.connect("/var/run/tgo/tgo.sock")
            return connection

        """

    /// A host that writes down all that comes until the end.
    static let recorder = """
        data = b""
        while piece := connection.recv(65536):
            data += piece
        print("good" if data == GOOD else "nothing" if not data else "bad %r" % data[:200])
        """

    /// Runs a plugin against a host; what they print tells how it went.
    /// - Parameter options: of `corral run`.
    static func run(
        host: String = recorder, plugin: String, options: [String] = []
    ) throws -> Exchange {
        let directory = try TemporaryDirectory()
        let socket = directory("host.sock")
        return try Corral.leavesNothing {
            let host = try Program([Corral.python, "-c", common + hostStart + host, socket]).start()
            try #require(try host.waitForText("ready"))
            let words = ["--relay", "tgo=\(socket)", "--json"] + options
            let plugin = try Corral.run(words + ["--", Corral.python, "-c", common + pluginStart + plugin])
            let outcome = try host.wait(timeout: 60)
            return Exchange(host: outcome, plugin: plugin, report: try Report(in: plugin.errors))
        }
    }

    /// What the host printed after it was ready.
    var hostSaid: String { String(host.output.dropFirst("ready\n".count)) }
}
