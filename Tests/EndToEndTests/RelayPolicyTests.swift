// What `corral run` does about plugins that break the relay's rules, and how hosts and plugins come and
// go under them.

import TestSupport
import Testing

@Suite struct RelayPolicyTests {
    /// Registers, and reads frames.
    private static let plugin = """
        def message(connection):
            return json.loads(exactly(connection, struct.unpack(">I", exactly(connection, 4))[0]))
        connection = connect()
        connection.sendall(GOOD)
        exactly(connection, len(TAKEN))

        """

    private static let host = """
        exactly(connection, len(GOOD))
        connection.sendall(TAKEN)
        rest = b""
        while piece := connection.recv(65536): rest += piece
        print(rest)
        """

    private func profile(_ directory: TemporaryDirectory, _ section: String) throws -> [String] {
        let text = "description: x\nextends: default\nrelay:\n  \(section)\n"
        return ["--profile", try directory.write("rules.yaml", text)]
    }

    /// Lines of standard error but the report and what an ordinary user's sandbox lacks.
    private func lines(_ errors: String) -> [Substring] {
        errors.split(separator: "\n").filter {
            !$0.hasPrefix("{") && !$0.hasPrefix("corral run: not in force in full: ")
        }
    }

    @Test func `a violation that kills ends the sandbox, with what was written before and the reason`() throws
    {
        let directory = try TemporaryDirectory()
        let exchange = try Exchange.run(
            host: Self.host,
            plugin: Self.plugin + """
                print("written before", flush=True)
                connection.sendall(frame(b'{"id": 9, "result": "forged"}'))
                time.sleep(100)
                """, options: try profile(directory, "violation: kill"))
        #expect(exchange.plugin.status == 154, "\(exchange.plugin.errors)")
        #expect(exchange.plugin.output == "written before\n")
        #expect(exchange.hostSaid == "b''\n", "\(exchange.host.errors)")
        #expect(exchange.report.text("cause") == "policy")
        #expect(exchange.report.number("code") == 154)
        #expect(exchange.report.refusals == ["pending": 1])
        #expect(exchange.report.text("relay", "violation", "rule") == "pending")
        let reason = "from the plugin: an answer has the id 9, which no call waits with"
        #expect(
            lines(exchange.plugin.errors) == [
                "corral run: relay: refused (pending): \(reason)",
                "corral run: ended by its relay: \(reason) (rule pending; relay.violation: kill)",
            ])
    }

    /// Whoever is first, the plugin's exit or our noticing: the answer is the same.
    @Test func `a plugin that breaks a rule and exits at once is told as what it is`() throws {
        let directory = try TemporaryDirectory()
        for _ in 0..<5 {
            let exchange = try Exchange.run(
                host: Self.host,
                plugin: Self.plugin + #"connection.sendall(frame(b'{"id": 9, "result": 1}'))"#,
                options: try profile(directory, "violation: kill"))
            #expect(exchange.plugin.status == 154, "\(exchange.plugin.errors)")
            #expect(exchange.report.text("cause") == "policy")
        }
    }

    /// The same plugin, but for the profile.
    @Test func `a violation that is only dropped ends nothing`() throws {
        let exchange = try Exchange.run(
            host: Self.host,
            plugin: Self.plugin + #"connection.sendall(frame(b'{"id": 9, "result": 1}'))"#)
        #expect(exchange.plugin.status == 0, "\(exchange.plugin.errors)")
        #expect(exchange.report.text("cause") == "exited" && exchange.report.refusals == ["pending": 1])
        #expect(exchange.report.text("relay", "violation", "rule") == nil)
    }

    @Test(arguments: [
        ("plugin: {name: x}", nil), ("plugin: {name: y}", "identity"), ("plugin: {id: x}", "identity"),
        ("plugin: {capabilities: []}", nil),
    ])
    func `a profile says who the plugin is`(section: String, rule: String?) throws {
        let directory = try TemporaryDirectory()
        let exchange = try Exchange.run(
            plugin: """
                connection = connect()
                connection.sendall(GOOD)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096): pass
                """, options: try profile(directory, section))
        #expect(exchange.hostSaid == (rule == nil ? "good\n" : "nothing\n"))
        #expect(exchange.report.refusals == (rule.map { [$0: 1] } ?? [:]), "\(exchange.plugin.errors)")
    }

    /// The plugin tells when it sees the line on our standard error, which it does not: the test does,
    /// while the plugin still runs.
    @Test func `the first refusal of a rule is told while the plugin runs, on one line of its own`() throws {
        let exchange = try Exchange.run(
            host: Self.host,
            plugin: Self.plugin + """
                for _ in range(50):
                    name = "\\x1b[2J\\ncorral run: all is well\\u2028"
                    connection.sendall(frame(json.dumps({"id": 7, "method": name}).encode()))
                    message(connection)
                """)
        #expect(exchange.plugin.status == 0, "\(exchange.plugin.errors)")
        #expect(exchange.report.refusals == ["call": 50])
        #expect(
            lines(exchange.plugin.errors) == [
                #"corral run: relay: refused (call): from the plugin: the plugin calls "#
                    + #""\u{1b}[2J\u{a}corral run: all is well\u{2028}"; all that it may call is register, once"#
            ])
    }

    /// What stands in `dev_token` is a secret of the developer's.
    @Test func `a secret in a registration is neither passed nor told`() throws {
        let exchange = try Exchange.run(
            host: """
                data = b""
                while piece := connection.recv(65536): data += piece
                print(b"canary" in data, b"register" in data)
                """,
            plugin: """
                connection = connect()
                for _ in range(2):
                    params = {"name": "x", "dev_token": "canary"}
                    text = json.dumps({"id": 1, "method": "register", "params": params})
                    connection.sendall(frame(text.encode()))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096): pass
                """)
        #expect(exchange.hostSaid == "False True\n", "\(exchange.host.errors)")
        #expect(exchange.report.refusals == ["registered": 1])
        #expect(!exchange.plugin.errors.contains("canary"))
    }

    @Test func `a plugin that does not register in time is closed`() throws {
        let directory = try TemporaryDirectory()
        let exchange = try Exchange.run(
            plugin: """
                connection = connect()
                connection.sendall(GOOD[:20])
                print(connection.recv(1))
                """, options: try profile(directory, "registration: 300ms"))
        #expect(exchange.plugin.output == "b''\n", "\(exchange.plugin.errors)")
        #expect(exchange.hostSaid == "nothing\n")
        #expect(exchange.report.refusals.keys.contains("registration"))
    }

    /// The plugin's process stays: what TGO's end with their connection for, this one connects again.
    @Test func `a host that is started again serves the plugin that connects again`() throws {
        let exchange = try Exchange.run(
            host: """
                exactly(connection, len(GOOD))
                connection.sendall(TAKEN)
                listener.close()
                os.unlink(sys.argv[1])
                connection.close()
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(sys.argv[1])
                listener.listen(16)
                listener.settimeout(20)
                connection, _ = listener.accept()
                print(exactly(connection, len(GOOD)) == GOOD)
                connection.sendall(TAKEN + frame(b'{"id": 1, "method": "ping"}'))
                print(json.loads(exactly(connection, struct.unpack(">I", exactly(connection, 4))[0])))
                """,
            plugin: """
                def message(connection):
                    return json.loads(exactly(connection, struct.unpack(">I", exactly(connection, 4))[0]))
                registered = 0
                while registered < 2:
                    try:
                        connection = connect()
                        connection.sendall(GOOD)
                        if connection.recv(len(TAKEN)) != TAKEN: continue
                    except OSError:
                        continue
                    registered += 1
                    if registered == 1:
                        print(connection.recv(1))
                message(connection)
                connection.sendall(frame(b'{"id": 1, "result": true}'))
                """)
        #expect(exchange.plugin.output == "b''\n", "\(exchange.plugin.errors)")
        #expect(exchange.hostSaid == "True\n{'id': 1, 'result': True}\n", "\(exchange.host.errors)")
        #expect(exchange.plugin.status == 0)
    }

    /// Where the relay listens, nobody inside can put something else.
    @Test func `a plugin cannot take its host's socket away, nor put one in its place`() throws {
        let exchange = try Exchange.run(
            plugin: """
                path = "/var/run/tgo/tgo.sock"
                def bind():
                    socket.socket(socket.AF_UNIX).bind(os.path.dirname(path) + "/other.sock")
                attempts = [
                    lambda: os.unlink(path), lambda: os.rename(path, path + "2"),
                    lambda: os.symlink("/tmp/x", path), bind, lambda: os.chmod(path, 0o777),
                    lambda: os.rename("/tmp", os.path.dirname(path)), lambda: os.rmdir(os.path.dirname(path)),
                ]
                for attempt in attempts:
                    try:
                        attempt()
                        print("done")
                    except OSError:
                        pass
                # In a directory of its own all of this works.
                os.mkdir("/tmp/own")
                path = "/tmp/own/tgo.sock"
                socket.socket(socket.AF_UNIX).bind(path)
                bind()
                os.chmod(path, 0o777)
                os.unlink(path)
                connect().sendall(GOOD)
                """)
        #expect(exchange.plugin.output == "" && exchange.plugin.status == 0, "\(exchange.plugin.errors)")
        #expect(exchange.hostSaid == "good\n")
    }
}
