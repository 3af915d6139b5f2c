import Capture
import FailPoints
import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// A client of docs/attach.md.
private final class AttachClient {
    private let socket: FileDescriptor
    private var decoder = AttachDecoder(from: .server)
    private(set) var output = ""
    private(set) var credit: UInt64 = 0
    private(set) var exit: JSONTree?
    private var sent: UInt64 = 0
    private(set) var head = ""

    init(_ daemon: TestDaemon, _ path: String) throws {
        socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.connect(to: daemon.socket)
        let request =
            "POST \(path) HTTP/1.1\r\nHost: corral\r\nConnection: Upgrade\r\nUpgrade: corral-attach/1\r\n"
            + "Content-Length: 0\r\n\r\n"
        try socket.writeAll(Array(request.utf8))
    }

    /// Reads until `condition` holds or the connection ends.
    func read(until condition: (AttachClient) -> Bool) throws {
        let deadline = Host.now + 60 * Host.patience
        while !condition(self) {
            try #require(Host.now < deadline, "waited in vain; so far \(head) \(output)")
            var poll = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            guard unsafe Glibc.poll(&poll, 1, 200) > 0 else { continue }
            var room = [UInt8](repeating: 0, count: 64 << 10)
            var span = room.mutableSpan
            let count = try socket.read(into: &span)
            if count == 0 { return }
            try take(Array(room.prefix(count)))
        }
    }

    private func take(_ bytes: [UInt8]) throws {
        var bytes = bytes[...]
        // The answer's head comes first, and frames may be right behind it.
        while !head.hasSuffix("\r\n\r\n"), let byte = bytes.popFirst() {
            head.unicodeScalars.append(Unicode.Scalar(byte))
        }
        decoder.append(Array(bytes).span)
        while let frame = try decoder.next() {
            switch frame.kind {
            case .output, .errors: output += String(decoding: frame.payload, as: UTF8.self)
            case .credit: credit = frame.offset
            case .exit: exit = try JSONTree(parsing: frame.payload)
            default: break
            }
        }
    }

    func type(_ text: String, isEnd: Bool = false) throws {
        try socket.writeAll(AttachFrame.input(Array(text.utf8), offset: sent, isEnd: isEnd).bytes)
        sent += UInt64(text.utf8.count)
    }
}

@Suite(.serialized) struct AttachTests {
    @Test func `a client types into a process, another one reads along, and a late one gets it all`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let made = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes", #"{"argv":["cat"],"stdin":true}"#)
        let path = "/v1/sessions/\(id)/processes/\(made.text("id"))"
        #expect(try eventually { try daemon.call("GET", path).text("state") == "running" })
        let writer = try AttachClient(daemon, "\(path)/attach?stdin=true&stdout=0")
        try writer.read { $0.credit > 0 }
        #expect(writer.head.hasPrefix("HTTP/1.1 101"))
        try writer.type("one\n")
        try writer.read { $0.output == "one\n" }
        let reader = try AttachClient(daemon, "\(path)/attach?stdout=1")
        try reader.read { $0.output == "ne\n" }
        try writer.type("two\n", isEnd: true)
        try writer.read { $0.exit != nil }
        try reader.read { $0.exit != nil }
        #expect(writer.output == "one\ntwo\n")
        #expect(reader.output == "ne\ntwo\n")
        #expect(writer.exit?["exit"]?.text == "0")
        // Replay, then its end; with the daemon that saw it and with the next one.
        for _ in 0..<2 {
            let late = try AttachClient(daemon, "\(path)/attach")
            try late.read { $0.exit != nil }
            #expect(late.output == "one\ntwo\n")
            try daemon.kill()
            try daemon.startAgain()
        }
    }

    @Test func `who attaches to a process that has ended gets all of it and then its end`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let made = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes", #"{"shell":"echo out; echo err >&2; exit 5"}"#)
        let path = "/v1/sessions/\(id)/processes/\(made.text("id"))"
        #expect(try eventually { try daemon.call("GET", path).text("state") == "ended" })
        for round in 0..<2 {
            let client = try AttachClient(daemon, "\(path)/attach")
            try client.read { $0.exit != nil }
            #expect(client.output.contains("out\n") && client.output.contains("err\n"))
            #expect(client.exit?["exit"]?.text == "5")
            guard round == 0 else { continue }
            try daemon.kill()
            try daemon.startAgain()
        }
    }

    @Test func `attached clients see a stop of the daemon, and go on with the next one where they were`()
        throws
    {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let made = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes",
            #"{"shell":"echo a; until [ -e /tmp/go ]; do sleep 0.05; done; echo b"}"#)
        let path = "/v1/sessions/\(id)/processes/\(made.text("id"))"
        #expect(try eventually { try daemon.call("GET", path).text("state") == "running" })
        let first = try AttachClient(daemon, "\(path)/attach?stdout=0")
        try first.read { $0.output == "a\n" }
        #expect(try daemon.stop() == 0)
        try first.read { _ in false }
        try daemon.startAgain()
        try daemon.exec(id, "touch /tmp/go")
        let second = try AttachClient(daemon, "\(path)/attach?stdout=2")
        try second.read { $0.exit != nil }
        #expect(second.output == "b\n")
    }

    /// An exec that was on record and never reached the warden, because the daemon died in between.
    @Test func `who attaches to what never ran is told its end`() throws {
        let place = try TemporaryDirectory()
        let sheet = try #require(FailPointSheet(path: place("points"), creating: true))
        let daemon = try TestDaemon(environment: ["CORRAL_TEST_FAIL_POINTS": place("points")])
        let id = try daemon.session()
        sheet.arm(.daemonBeforeStart, 1)
        let body = #"{"argv":["true"],"detach":true}"#
        _ = try Program.run(daemon.curl("POST", "/v1/sessions/\(id)/exec", body))
        #expect(try daemon.endingSignal() == SIGKILL)
        try daemon.startAgain()
        var process: JSONTree?
        #expect(
            try eventually {
                process = try daemon.call("GET", "/v1/sessions/\(id)/processes")["processes"]?.list.first
                return process?["state"]?.text == "ended"
            })
        let path = "/v1/sessions/\(id)/processes/\(try #require(process?["id"]?.text))"
        let client = try AttachClient(daemon, "\(path)/attach?stdout=0")
        try client.read { $0.exit != nil }
        #expect(client.head.hasPrefix("HTTP/1.1 101"), "\(client.head)")
        #expect(client.output.isEmpty)
        #expect(client.exit?["cause"]?.text == "daemon-restart")
    }
}
