import Client
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@Suite struct DaemonClientTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func client(_ server: Server) -> DaemonClient { DaemonClient(path: server.path) }

    @Test func `Python's server answers, one request after another on one connection`() throws {
        let server = try Server(Server.python)
        let client = client(server)
        for count in [0, 1, 70_000, 3 << 20] {
            let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let answer = try client.ask(HTTPRequest(.post, ["echo"]).with(body: body, type: "x/y"))
            #expect(answer.head.status == 200 && answer.body == body)
        }
        #expect(try client.ask(HTTPRequest(.get, ["big"], query: [("5", "")])).body == bytes("xxxxx"))
        let path = try client.ask(HTTPRequest(.get, ["path"], query: [("a b", "ü&=")]))
        #expect(path.body == bytes("/path?a%20b=%C3%BC%26%3D"))
    }

    @Test func `requests share a connection`() throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        let server = try Server.parts([bytes(answer)], then: "keep")
        let client = client(server)
        for number in 1...3 {
            #expect(try client.ask(HTTPRequest(.get, ["\(number)"])).body == bytes("{}"))
        }
        #expect(try server.prints("request /3\n"))
        #expect(server.count("accepted") == 1)
        #expect(try self.client(server).ask(HTTPRequest(.get, ["4"])).body == bytes("{}"))
        #expect(try server.prints("request /4\n"))
        #expect(server.count("accepted") == 2)
    }

    @Test func `a refusal is an error with what the daemon said, and the connection goes on`() throws {
        let body = #"{"code":"not_found","message":"no session abc","hint":"corral ps lists them"}"#
        let head = "HTTP/1.1 404 Not Found\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let server = try Server.parts([bytes(head), bytes(body)], then: "keep")
        let client = client(server)
        for _ in 0..<2 {
            let error = #expect(throws: ClientError.self) { try client.ask(HTTPRequest(.get, ["x"])) }
            #expect(error?.description == "no session abc; corral ps lists them")
        }
    }

    @Test func `an answer that comes byte by byte is whole`() throws {
        let answer = bytes(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n")
        let server = try Server.parts(answer.map { [$0] })
        #expect(try client(server).ask(HTTPRequest(.get, [])).body == bytes("hello, world"))
    }

    @Test func `a body without a length ends with the connection`() throws {
        let server = try Server.parts([bytes("HTTP/1.1 200 OK\r\n\r\n"), bytes("abc"), bytes("def")])
        let client = client(server)
        for _ in 0..<3 { #expect(try client.ask(HTTPRequest(.get, [])).body == bytes("abcdef")) }
    }

    @Test(arguments: [
        ("", "closed the connection before it had answered"),
        ("HTTP/1.1 20", "ended before the whole answer"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "ended before the whole answer"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "ended before the whole answer"
        ),
        ("SSH-2.0-OpenSSH\r\n\r\n", "which is no HTTP"),
    ])
    func `an answer that breaks off or is none is an error`(answer: String, message: String) throws {
        let server = try Server.parts([bytes(answer)])
        let client = client(server)
        for method in [HTTPRequest.Method.get, .post] {
            let error = #expect(throws: ClientError.self) { try client.ask(HTTPRequest(method, [])) }
            #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        }
        // Nothing of what failed was taken for a descriptor of ours.
        #expect(fcntl(0, F_GETFD) >= 0)
    }

    @Test func `a daemon that closes between requests is asked anew`() throws {
        let server = try Server.parts([bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")])
        let client = client(server)
        for method in [HTTPRequest.Method.get, .get, .post, .get] {
            // The end of the connection may come before the next request or behind it.
            if method == .post { usleep(50_000) }
            #expect(try client.ask(HTTPRequest(method, [])).body == bytes("ok"))
        }
    }

    @Test func `silence is an error after the time that was given`() throws {
        let server = try Server.parts(
            [bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")], then: "hold")
        let client = DaemonClient(path: server.path, patience: 1500)
        let began = Host.now
        let error = #expect(throws: ClientError.self) { try client.ask(HTTPRequest(.get, [])) }
        #expect(error == .timeout(milliseconds: 1500))
        #expect(Host.now - began >= 1.4)
    }

    @Test func `an answer larger than allowed is not kept`() throws {
        let server = try Server(Server.python)
        let request = HTTPRequest(.get, ["big"], query: [("9000000", "")])
        let error = #expect(throws: ClientError.self) { try client(server).ask(request, limit: 100) }
        #expect(error == .tooLarge(limit: 100))
    }

    @Test func `a body is handed on as it comes, and one may stop`() throws {
        let head = bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunks = (0..<20).map { bytes("2\r\n\(10 + $0)\r\n") }
        let server = try Server.parts([head] + chunks, then: "hold")
        var seen: [UInt8] = []
        _ = try client(server).follow(HTTPRequest(.get, ["logs"]), isEndless: true) { part in
            seen += part
            return seen.count < 40
        }
        #expect(seen == bytes((10..<30).map { "\($0)" }.joined()))
    }

    @Test func `events come one by one, whatever the chunks are`() throws {
        let head = bytes(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        let stream = bytes("event: created\nid: 1\ndata: {}\n\n: beat\n\ndata: 值\n\n")
        let chunks = stream.map { bytes("1\r\n") + [$0] + bytes("\r\n") }
        let server = try Server.parts([head] + chunks + [bytes("0\r\n\r\n")])
        var events: [ServerEvent] = []
        try client(server).events(HTTPRequest(.get, ["events"])) { event in
            events.append(event)
            return true
        }
        #expect(events.map(\.name) == ["created", "message"] && events.map(\.data) == ["{}", "值"])
        #expect(events.map(\.id) == ["1", "1"])
    }

    @Test func `a deadline ends the wait for events that do not come`() throws {
        let head = bytes(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        let server = try Server.parts([head, bytes("9\r\ndata: x\n\n\r\n")], then: "hold")
        var (events, isOpen) = (0, false)
        let deadline = Timer.now + 1_500_000_000
        let error = #expect(throws: ClientError.self) {
            try client(server).events(
                HTTPRequest(.get, ["events"]), deadline: deadline, opened: { isOpen = true }
            ) { _ in
                events += 1
                return true
            }
        }
        guard case .timeout = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(isOpen && events == 1 && Timer.now >= deadline)
        // One that has passed takes nothing that would have to be waited for.
        let late = #expect(throws: ClientError.self) {
            try client(server).events(HTTPRequest(.get, ["events"]), deadline: 1) { _ in true }
        }
        guard case .timeout = late else {
            Issue.record("\(String(describing: late))")
            return
        }
    }

    @Test func `an upgraded connection is handed out with what came behind the head`() throws {
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: corral-stream\r\n\r\n"
        let server = try Server.parts([bytes(head + "first")], then: "echo")
        let upgraded = try client(server).upgrade(HTTPRequest(.get, ["attach"]), to: "corral-stream")
        #expect(upgraded.first == bytes("first") && upgraded.head.status == 101)
        #expect(upgraded.socket.send(bytes("hello").span) == .bytes(5))
        var seen: [UInt8] = []
        let came = eventually {
            var buffer = [UInt8](repeating: 0, count: 64)
            var room = buffer.mutableSpan
            var closed: UInt64 = 0
            let transfer = upgraded.socket.receive(into: &room, closedDescriptors: &closed)
            if case .bytes(let count) = transfer { seen += buffer[..<count] }
            return seen.count >= 5
        }
        #expect(came && seen == bytes("hello"))
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answered 200 and did not open a stream"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n",
            "answered 101 and did not open a stream"
        ),
        (
            "HTTP/1.1 409 Conflict\r\nContent-Length: 33\r\n\r\n{\"message\":\"the process is over\"}",
            "the process is over"
        ),
    ])
    func `an upgrade that is refused is an error`(answer: String, message: String) throws {
        let server = try Server.parts([bytes(answer)])
        do {
            _ = try client(server).upgrade(HTTPRequest(.get, ["attach"]), to: "corral-stream")
            Issue.record("no error")
        } catch {
            #expect(error.description.contains(message), "\(error)")
        }
    }

    @Test func `an answer before the whole request was read is taken all the same`() throws {
        let script = """
            import socket, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen(8)
            print('ready')
            while True:
                connection, _ = listener.accept()
                connection.recv(1000)
                body = b'{"message":"the body is too large"}'
                connection.sendall(b'HTTP/1.1 413 Too Large\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body) + body)
                connection.close()
            """
        let server = try Server(script)
        let body = [UInt8](repeating: 7, count: 8 << 20)
        let error = #expect(throws: ClientError.self) {
            try client(server).ask(HTTPRequest(.post, ["exec"]).with(body: body, type: "x/y"))
        }
        #expect(error?.description == "the body is too large")
    }
}

@Suite struct ConnectTests {
    private func error(at path: String) -> String {
        do {
            _ = try DaemonClient(path: path).ask(HTTPRequest(.get, []))
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func `a socket that is not there or that nobody has is told with the cure`() throws {
        let directory = try TemporaryDirectory()
        let path = directory("corral.sock")
        #expect(
            error(at: path).hasPrefix(
                "cannot connect to \(path): there is no such socket. Is corrald running? corral daemon run starts it"
            ))
        let socket = try FileDescriptor.unixSocket(nonBlocking: true)
        try socket.bind(to: path)
        #expect(error(at: path).contains("nobody listens there. corrald has ended; corral daemon run"))
        let file = try directory.write("file", "")
        #expect(error(at: file).contains("it is not a socket"))
        #expect(error(at: "\(file)/x").contains("there is no such socket"))
        #expect(error(at: "/tmp/a\0b").contains("EINVAL"))
    }

    @Test func `paths of any length are connected to`() throws {
        let below = (0..<8).map { _ in String(repeating: "d", count: 100) }.joined(separator: "/")
        let server = try Server(Server.python, name: String(repeating: "s", count: 100), below: below)
        #expect(server.path.utf8.count > 800)
        let answer = try DaemonClient(path: server.path).ask(HTTPRequest(.get, ["path"]))
        #expect(answer.body == Array("/path".utf8))
        #expect(error(at: server.path + "x").contains("there is no such socket"))
    }

    @Test(.enabled(if: Host.isRoot, "skipped: only root can become somebody else"))
    func `who may not connect is told which group may`() async throws {
        // In a process of its own, which gives its rights up.
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let path = directory("corral.sock")
            let socket = try FileDescriptor.unixSocket(nonBlocking: true)
            try socket.bind(to: path)
            try socket.listen(queue: 4)
            _ = unsafe chmod(path, 0o600)
            guard seteuid(Host.ordinaryUser) == 0 else { exit(3) }
            do {
                _ = try DaemonClient(path: path).ask(HTTPRequest(.get, []))
                exit(4)
            } catch {
                _ = seteuid(0)
                guard "\(error)".contains("Members of the group corral may connect: usermod -aG") else {
                    exit(5)
                }
            }
        }
    }
}
