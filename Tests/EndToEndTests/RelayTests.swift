// `corral run --relay` with plugins and hosts that behave, and with some that do not.

import TestSupport
import Testing

@Suite struct RelayTests {
    @Test func `a frame of 1 MiB arrives whole on both ways`() throws {
        let exchange = try Exchange.run(
            host: """
                header = exactly(connection, 4)
                body = exactly(connection, struct.unpack(">I", header)[0])
                print(len(body), hashlib.sha256(body).hexdigest())
                connection.sendall(frame(b'{"id": 1, "result": ' + body + b"}"))
                """,
            plugin: """
                text = "".join(chr(0x61 + number * 7 % 26) for number in range(1 << 20))
                body = json.dumps({"id": 1, "method": "register", "params": {"description": text}}).encode()
                connection = connect()
                connection.sendall(frame(body))
                back = frame(b'{"id": 1, "result": ' + body + b"}")
                print("same" if exactly(connection, len(back)) == back else "different")
                print(len(body), hashlib.sha256(body).hexdigest())
                """)
        #expect(exchange.plugin.status == 0, "\(exchange.plugin.errors)")
        #expect(exchange.host.status == 0, "\(exchange.host.errors)")
        #expect(exchange.plugin.output == "same\n" + exchange.hostSaid)
        #expect(exchange.report.refusals == [:])
        let bytes = try #require(exchange.report.number("relay", "from_plugin", "bytes"))
        #expect(bytes > 1 << 20)
        #expect(exchange.report.number("relay", "from_upstream", "bytes") == bytes + 21)
        #expect(exchange.report.number("relay", "from_plugin", "frames") == 1)
    }

    @Test func `a plugin may take its time to connect`() throws {
        let exchange = try Exchange.run(
            plugin: """
                time.sleep(0.5)
                connection = connect()
                connection.sendall(GOOD)
                """)
        #expect(exchange.plugin.status == 0 && exchange.hostSaid == "good\n")
        #expect(exchange.report.number("relay", "connections") == 1)
    }

    @Test func `a plugin that never connects is ended by the time limit`() throws {
        let exchange = try Exchange.run(
            host: """
                print("something came" if connection.recv(4) else "nothing came")
                """,
            plugin: "time.sleep(100)", options: ["--timeout", "1s"])
        #expect(exchange.plugin.status == 124)
        #expect(exchange.hostSaid == "nothing came\n")
        #expect(exchange.report.number("relay", "connections") == 0)
    }

    @Test func `a plugin sees the end of an upstream that dies`() throws {
        let exchange = try Exchange.run(
            host: """
                exactly(connection, len(GOOD))
                connection.sendall(TAKEN)
                """,
            plugin: """
                connection = connect()
                connection.sendall(GOOD)
                exactly(connection, len(TAKEN))
                print("end of file" if connection.recv(1) == b"" else "something")
                """)
        #expect(exchange.plugin.output == "end of file\n")
        #expect(exchange.plugin.status == 0 && exchange.host.status == 0)
    }

    @Test func `a second connection of the plugin is one more of the host's`() throws {
        let exchange = try Exchange.run(
            host: """
                print(exactly(connection, len(GOOD)) == GOOD, connection.recv(1) == b"")
                connection.close()
                second, _ = listener.accept()
                print(exactly(second, len(GOOD)) == GOOD)
                """,
            plugin: """
                for _ in range(2):
                    connection = connect()
                    connection.sendall(GOOD)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1)
                    connection.close()
                """)
        #expect(exchange.hostSaid == "True True\nTrue\n", "\(exchange.host.errors)")
        #expect(exchange.report.number("relay", "connections") == 2)
        #expect(exchange.report.refusals == [:])
    }

    /// The host would take the second for the first, and forget the first when it closes.
    @Test func `a plugin does not register twice at once`() throws {
        let exchange = try Exchange.run(
            host: """
                second, _ = listener.accept()
                print(exactly(connection, len(GOOD)) == GOOD, second.recv(1) == b"")
                connection.sendall(TAKEN)
                """,
            plugin: """
                first, second = connect(), connect()
                first.sendall(GOOD)
                time.sleep(0.2)
                second.sendall(GOOD)
                length = struct.unpack(">I", exactly(second, 4))[0]
                print(json.loads(exactly(second, length))["error"]["code"], second.recv(1))
                exactly(first, len(TAKEN))
                """)
        #expect(exchange.hostSaid == "True True\n", "\(exchange.host.errors)")
        #expect(exchange.plugin.output == "-32600 b''\n", "\(exchange.plugin.errors)")
        #expect(exchange.report.refusals == ["registered": 1])
    }

    /// The profile's section `relay` decides, and the report tells.
    @Test func `a profile says what the host may call`() throws {
        let directory = try TemporaryDirectory()
        let profile = try directory.write(
            "calls.yaml", "description: x\nextends: default\nrelay:\n  methods: [a/b]\n")
        for (options, answers) in [([], "-32601 True\n"), (["--profile", profile], "True -32601\n")] {
            let exchange = try Exchange.run(
                host: """
                    exactly(connection, len(GOOD))
                    connection.sendall(TAKEN)
                    answers = []
                    for method in ["a/b", "ping"]:
                        call = {"id": 7, "method": method}
                        connection.sendall(frame(json.dumps(call).encode()))
                        answer = json.loads(exactly(connection, struct.unpack(">I", exactly(connection, 4))[0]))
                        answers.append(answer["error"]["code"] if "error" in answer else answer["result"])
                    print(*answers)
                    """,
                plugin: """
                    connection = connect()
                    connection.sendall(GOOD)
                    exactly(connection, len(TAKEN))
                    exactly(connection, struct.unpack(">I", exactly(connection, 4))[0])
                    connection.sendall(frame(b'{"id": 7, "result": true}'))
                    connection.recv(1)
                    """, options: options)
            #expect(exchange.hostSaid == answers, "\(exchange.host.errors) \(exchange.plugin.errors)")
            #expect(exchange.report.refusals == ["method": 1])
        }
    }

    /// What a plugin sends behind one good frame, and what is made of it.
    struct Abuse: Sendable, CustomTestStringConvertible {
        let name: String
        /// Python: sends it on `connection`.
        let send: String
        let rule: String
        var testDescription: String { name }
    }

    @Test(arguments: [
        Abuse(name: "half a length, then exit", send: #"connection.sendall(b"\0\0")"#, rule: "truncated"),
        Abuse(
            name: "half a body, then exit", send: #"connection.sendall(frame(b"{}" * 100)[:50])"#,
            rule: "truncated"),
        Abuse(
            name: "a length of 4 GiB", send: #"connection.sendall(b"\xff" * 4 + b"{}"); closed()"#,
            rule: "frame-size"),
        Abuse(
            name: "one byte over the limit",
            send: #"connection.sendall(struct.pack(">I", (4 << 20) + 1)); closed()"#,
            rule: "frame-size"),
        Abuse(name: "no JSON", send: #"connection.sendall(frame(b"{'a': 1}")); closed()"#, rule: "json"),
        Abuse(
            name: "no UTF-8", send: #"connection.sendall(frame(b'{"a": "\xff"}')); closed()"#, rule: "json"),
        Abuse(name: "an empty frame", send: "connection.sendall(frame(b'')); closed()", rule: "json"),
        Abuse(name: "no object", send: "connection.sendall(frame(b'[1]')); closed()", rule: "object"),
    ])
    func `what a plugin must not send reaches no upstream`(abuse: Abuse) throws {
        let exchange = try Exchange.run(
            plugin: """
                def closed():
                    try:
                        print("closed" if connection.recv(1) == b"" else "open")
                    except ConnectionResetError:
                        print("closed")
                connection = connect()
                connection.sendall(GOOD)
                \(abuse.send)
                """)
        #expect(exchange.plugin.status == 0, "\(exchange.plugin.errors)")
        #expect(exchange.plugin.output == (abuse.send.contains("closed()") ? "closed\n" : ""))
        #expect(exchange.hostSaid == "good\n")
        #expect(exchange.report.refusals == [abuse.rule: 1])
        #expect(exchange.report.number("relay", "from_plugin", "frames") == 1)
    }

    @Test func `half a length from a plugin that then hangs ends with it`() throws {
        let exchange = try Exchange.run(
            plugin: """
                connection = connect()
                connection.sendall(GOOD + b"\\0\\0")
                time.sleep(100)
                """, options: ["--timeout", "4s"])
        #expect(exchange.plugin.status == 124)
        #expect(exchange.hostSaid == "good\n")
        #expect(exchange.report.refusals == ["truncated": 1])
    }

    @Test func `a descriptor that is sent along does not arrive`() throws {
        let exchange = try Exchange.run(
            host: """
                data, ancillary, flags, _ = connection.recvmsg(len(GOOD), 4096)
                print(data == GOOD, ancillary, flags)
                """,
            plugin: """
                connection = connect()
                socket.send_fds(connection, [GOOD], [0, 1, 2])
                """)
        #expect(exchange.plugin.status == 0, "\(exchange.plugin.errors)")
        #expect(exchange.hostSaid == "True [] 0\n")
        #expect(try #require(exchange.report.number("relay", "descriptors_closed")) >= 1)
    }

    @Test func `more connections at once than the profile allows are refused`() throws {
        let exchange = try Exchange.run(
            host: "while connection.recv(4096): pass",
            plugin: """
                first = connect()
                first.sendall(GOOD)
                rest = [connect() for _ in range(11)]
                ended = 0
                for connection in rest[7:]:
                    connection.settimeout(5)
                    try:
                        ended += connection.recv(1) == b""
                    except ConnectionResetError:
                        ended += 1
                print(ended)
                """)
        #expect(exchange.plugin.output == "4\n", "\(exchange.plugin.errors)")
        #expect(exchange.report.number("relay", "connections") == 8)
        #expect(exchange.report.refusals == ["connections": 4])
    }
}
