// Who is served, and what harm anybody else can do.

import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

/// Takes no part.
private final class Nobody: WardenLinkDelegate {
    func warden(_ link: WardenLink, tells event: WardenEvent, _ packet: Packet) {}
    func warden(_ link: WardenLink, isLostBecause why: String) {}
}

/// Why somebody is not served; nil where it is.
private func refusal(
    at socket: String, build: String = CorralVersion.current, version: UInt32 = WardenFormat.version
) throws -> WardenLinkError? {
    let (loop, nobody) = (try EventLoop(), Nobody())
    defer { loop.removeAll() }
    do throws(WardenLinkError) {
        _ = try WardenLink.connect(to: socket, build: build, on: loop, delegate: nobody, version: version)
        return nil
    } catch {
        return error
    }
}

@Suite(.enabled(if: Host.isRoot, "the warden's sandboxes need root")) struct AdmissionTests {
    @Test func `a second corrald is refused and the first goes on`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let second = try refusal(at: warden.socket)
        let sentence = "this warden serves another corrald, pid \(getpid())"
        #expect(second == .refused(Refusal(.notServed, sentence)))
        guard case .status(let status) = try client.ask(.status) else {
            Issue.record("no status")
            return
        }
        #expect(status.pid == warden.program.pid && status.sessions == 0 && status.descriptors == 0)
    }

    @Test func `another protocol is refused and told what an upgrade does, another build is not`() throws {
        let warden = try TestWarden()
        let error = try #require(
            try refusal(at: warden.socket, build: "0.0.9", version: WardenFormat.version + 1))
        #expect(error == .otherVersion(warden: CorralVersion.current, own: "0.0.9"))
        #expect(error.description.contains("an upgrade of the warden ends sessions"))
        #expect(try refusal(at: warden.socket, build: "0.0.9") == nil)
    }

    @Test func `a socket that the caller has opened is served, and anything else is refused`() throws {
        let directory = try TemporaryDirectory()
        let path = directory("given.sock")
        let socket = try FileDescriptor.packetSocket()
        try socket.bind(to: path)
        let words = [Product.path("corral-warden"), "--socket-fd", "3"]
        let environment = Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 }
        // It does not listen yet.
        let early = try Program.run(words, environment: environment, descriptors: [socket.number])
        #expect(early.status == 1 && early.errors.contains("--socket-fd 3"), "\(early.errors)")
        try socket.listen(queue: 4)
        let program = try Program(words, environment: environment, descriptors: [socket.number]).start()
        #expect(try Client(path).list().isEmpty)
        try program.signal(SIGTERM)
        #expect(try program.wait(timeout: 60).status == 0)
    }

    /// The socket's mode keeps others away; here it lets them in, so that the credentials have to.
    @Test func `another user is refused even where the socket lets it connect`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let warden = try TestWarden(in: directory, allowing: 12_345)
        var status = stat()
        #expect(unsafe lstat(warden.socket, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600 && status.st_uid == 12_345)
        let hello = ToWarden(1, .hello(version: WardenFormat.version, build: CorralVersion.current))
        try directory.write("speak.py", speak)
        let words = ["/usr/bin/python3", directory("speak.py"), warden.socket]
        let input = hello.encoded().bytes
        let kept = try Program.run(words, stdin: input, uid: Host.ordinaryUser)
        #expect(kept.output == "PermissionError\n", "\(kept.errors)")

        #expect(unsafe chmod(warden.socket, 0o666) == 0)
        let answered = try Program.run(words, stdin: input, uid: Host.ordinaryUser)
        #expect(answered.output.contains("this warden serves the user 12345 and root"), "\(answered.errors)")
        let allowed = try Program.run(words, stdin: input, uid: 12_345)
        #expect(allowed.output.contains(CorralVersion.current), "\(allowed.errors)")
    }

    /// Sends its input as one message and shows the text in the answer.
    private let speak = """
        import socket, sys
        try:
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            peer.connect(sys.argv[1])
            peer.send(sys.stdin.buffer.read())
            print(peer.recv(65536).decode("utf-8", "replace"))
        except PermissionError:
            print("PermissionError")
        """

    @Test func `who does not greet is told so and makes room for others`() throws {
        let warden = try TestWarden()
        let silent = try (0..<40).map { _ in
            let socket = try FileDescriptor.packetSocket()
            try #require(
                eventually {
                    (try? socket.connect(to: warden.socket)) != nil
                })
            return Held(socket)
        }
        _ = silent.last?.value.sendPacket(ToWarden(5, .status).encoded().bytes)
        let channel = MessageChannel(try #require(silent.last).value.duplicate())
        var answer: FromWarden?
        #expect(
            try eventually {
                guard case .message(let message, let file, _) = channel.receive() else { return false }
                answer = try FromWarden(message, file: file)
                return true
            })
        #expect(
            answer == .answer(5, .refused(Refusal(.malformed, "the first request has to be a greeting"))))
        #expect(try Client(warden.socket).list().isEmpty)
    }

    @Test func `a second warden does not take the state directory of the first`() throws {
        let directory = try TemporaryDirectory()
        let first = try TestWarden(in: directory)
        let words = [
            Product.path("corral-warden"), "--socket", directory("other.sock"), "--state", directory("state"),
        ]
        let second = try Program.run(words)
        #expect(second.status == 1)
        #expect(second.errors.contains("another warden has the state directory \(directory("state"))"))
        #expect(!File.exists(directory("other.sock")))
        _ = try first.kill()
        _ = try TestWarden(in: directory)
    }

    @Test func `a file in the place of the socket is not touched`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("warden.sock", "precious")
        let outcome = try Program.run([Product.path("corral-warden"), "--socket", path])
        #expect(outcome.status == 1 && outcome.errors.contains("EEXIST"))
        #expect(File.text(path) == "precious")
    }

    @Test func `an ordinary user's warden has no privileges and serves that user`() throws {
        let user = Host.ordinaryUser
        let warden = try TestWarden(allowing: user, user: user)
        let status = try #require(File.text("/proc/\(warden.program.pid)/status"))
        #expect(status.contains("CapEff:\t0000000000000000\n") && status.contains("Uid:\t\(user)\t"))
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id)
        let key = ProcessKey(id, 1)
        try client.start(ProcessOrder(key, .arguments(["id", "-u"])))
        #expect(try client.readAll(key) == "1000\n")
        let layers = try #require(try client.list().first).session.layers
        #expect(layers[.seccomp] == .inForce && layers[.uids] != .inForce)
        try client.finish(id)
    }

    /// Its standard error is a pipe that nobody reads, and is full soon.
    @Test func `a log that nobody reads does not stop it`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        for _ in 0..<1500 { _ = try refusal(at: warden.socket) }
        #expect(try client.list().isEmpty)
        #expect(try warden.end().status == 0)
    }

    @Test func `signals that end others do not end it`() throws {
        let warden = try TestWarden()
        for number in [SIGHUP, SIGPIPE, SIGHUP] { try warden.program.signal(number) }
        #expect(try Client(warden.socket).list().isEmpty)
        let outcome = try warden.end()
        #expect(outcome.status == 0)
        #expect(outcome.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("{\"time\":\"2") })
    }

    /// Messages of every shape, true ones among them, from a client that has greeted and from some that have
    /// not. The number is what bounds it.
    @Test(arguments: [UInt64(1), 2, 3])
    func `garbage harms nobody`(seed: UInt64) throws {
        let warden = try TestWarden(["--ready-networks", "0"])
        let before = File.names(in: "/proc/\(warden.program.pid)/fd").count
        var numbers = Seeded(seed)
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        for round in 0..<30 {
            let socket = try FileDescriptor.packetSocket()
            try socket.connect(to: warden.socket)
            if round % 2 == 0 {
                let hello = WardenRequest.hello(version: WardenFormat.version, build: CorralVersion.current)
                _ = socket.sendPacket(ToWarden(1, hello).encoded().bytes)
            }
            for _ in 0..<100 {
                let count = Int.random(in: 0...3, using: &numbers)
                let descriptors = Array(repeating: null.number, count: count == 3 ? 30 : count)
                _ = socket.sendPacket(Garbage.message(&numbers), descriptors)
                // Answers are read at times, so that both kinds of peers are there.
                if Bool.random(using: &numbers) { _ = socket.receivePacket(limit: 65_536) }
            }
        }
        let client = try Client(warden.socket)
        for entry in try client.list() { try client.finish(entry.session.id) }
        #expect(
            eventually { File.names(in: "/proc/\(warden.program.pid)/fd").count <= before + 2 },
            "descriptors are left open")
        #expect(try warden.end().status == 0)
    }
}

/// Messages that are none, or hardly.
private enum Garbage {
    static func message(_ numbers: inout Seeded) -> [UInt8] {
        var bytes: [UInt8]
        switch Int.random(in: 0...3, using: &numbers) {
        case 0:
            bytes = (0..<Int.random(in: 1...200, using: &numbers)).map { _ in
                UInt8.random(in: 0...255, using: &numbers)
            }
        case 1: bytes = [UInt8](repeating: 0xFF, count: Int.random(in: 60_000...70_000, using: &numbers))
        default:
            // Kinds of requests with fields that may fit, but not the end of the warden.
            bytes = [UInt8.random(in: 2...15, using: &numbers), 0, 0, 0, 16, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]
            bytes += (0..<16).map { _ in UInt8.random(in: 0...3, using: &numbers) }
            for _ in 0..<Int.random(in: 0...2, using: &numbers) {
                bytes[Int.random(in: 2..<bytes.count, using: &numbers)] = UInt8.random(
                    in: 0...255, using: &numbers)
            }
        }
        return bytes
    }
}
