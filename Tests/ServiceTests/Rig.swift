import Glibc
import Linux
import Network
import Synchronization
import TestSupport
import Wire

@testable import Service

/// A service on a thread of its own, with endpoints that tests need, and its socket in a directory that
/// goes with it.
final class Rig: Sendable {
    let directory: TemporaryDirectory
    let mailbox: Mailbox<Desk>
    private let thread: Mutex<Parcel<Linux.Thread>?>

    var path: String { directory("s") }
    /// Of one at a TCP socket.
    let address: TCPAddress?

    /// - Parameter tcp: an address to listen at instead of the unix socket.
    init(
        limits: ServiceLimits = ServiceLimits(), webSocket: WebSocket.Limits = .init(), tcp: TCPAddress? = nil
    ) throws {
        let directory = try TemporaryDirectory()
        let mailbox = try Mailbox<Desk>()
        let listener = try Rig.listener(directory("s"), tcp)
        address = TCPAddress(ofSocket: listener.number)
        let parcel = Parcel(listener)
        let thread = try Linux.Thread.start {
            do {
                guard let listener = parcel.take() else { return }
                try Desk.run(listener, mailbox, limits, webSocket)
            } catch {
                preconditionFailure("the service's thread: \(error)")
            }
        }
        self.directory = directory
        self.mailbox = mailbox
        self.thread = Mutex(Parcel(thread))
    }

    private static func listener(_ path: String, _ tcp: TCPAddress?) throws(SystemError) -> FileDescriptor {
        if let tcp { return try .tcpListener(at: tcp, queue: 512) }
        let listener = try FileDescriptor.unixSocket(nonBlocking: true)
        try listener.bind(to: path)
        try listener.listen(queue: 512)
        return listener
    }

    deinit { stop() }

    /// Ends the thread when the service has stopped; cuts off what is still there.
    func stop() {
        mailbox.post { $0.stop(within: 0) }
        join()
    }

    /// Waits for the thread's end.
    func join() {
        let parcel = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let thread = parcel?.take() { thread.join() }
    }

    /// Asks the service's thread.
    func ask<Value: Sendable>(_ question: @escaping @Sendable (Desk) -> Value) -> Value? {
        let answer = Answer<Value>()
        guard mailbox.post({ answer.give(question($0)) }) else { return nil }
        _ = eventually { answer.value != nil }
        return answer.value
    }

    private final class Answer<Value: Sendable>: Sendable {
        private let content = Mutex<Value?>(nil)
        var value: Value? { content.withLock { $0 } }
        func give(_ value: Value) { content.withLock { $0 = value } }
    }

    /// Runs curl against the socket.
    func curl(_ arguments: [String], input: [UInt8]? = nil) throws -> Program.Outcome {
        let words = ["curl", "-sS", "--max-time", "\(20 * Host.patience)", "--unix-socket", path]
        return try Program.run(words + arguments, stdin: input, timeout: 60)
    }

    /// Runs a Python program, which finds the socket's path in `sys.argv[1]`.
    func python(_ program: String, _ arguments: [String] = []) throws -> Program.Outcome {
        try Program.run(["/usr/bin/python3", "-c", program, path] + arguments, timeout: 60)
    }
}

/// What answers in a rig, on the loop's thread.
final class Desk {
    let loop: EventLoop
    let webSocketLimits: WebSocket.Limits
    var service: HTTPService?
    var pending: [Pending] = []
    var events: [EventStream] = []
    var lastEventIDs: [UInt64?] = []
    var sockets: [WebSocket] = []
    var uploads: [Upload] = []
    var attached: [Upgraded] = []
    var cancelled = 0
    var streamEnds: [StreamEnd] = []
    var closeCodes: [UInt16] = []
    var isStopped = false
    /// How often the loop has woken.
    private(set) var turns = 0

    private init(_ loop: EventLoop, _ limits: WebSocket.Limits) {
        self.loop = loop
        webSocketLimits = limits
    }

    static func run(
        _ listener: consuming FileDescriptor, _ mailbox: Mailbox<Desk>, _ limits: ServiceLimits,
        _ webSocket: WebSocket.Limits
    ) throws(SystemError) {
        let loop = try EventLoop()
        let desk = Desk(loop, webSocket)
        try mailbox.attach(to: loop, owner: desk)
        desk.service = try HTTPService.start(
            desks, for: desk, on: loop, listening: listener, limits: limits,
            admit: { (head) throws(ServiceError) in
                if head.target.path == "/forbidden" { throw ServiceError(.forbidden, "not for you") }
                return try head.headers.single("x-badge").flatMap { UInt32($0) }
            })
        while !loop.isStopped {
            _ = try loop.turn(timeout: -1)
            desk.turns += 1
        }
        mailbox.close()
        loop.removeAll()
    }

    func stop(within time: BootTime) {
        guard let service else { return }
        service.stop(within: time) { [weak self] in
            self?.service = nil
            self?.isStopped = true
            self?.loop.stop()
        }
    }

    func openEvents(_ request: Request) throws(ServiceError) -> Reply {
        lastEventIDs.append(try request.lastEventID())
        let stream = EventStream(limit: 64 << 10) { [weak self] in self?.streamEnds.append(.cut) }
        events.append(stream)
        return .now(stream.response(heartbeat: 50_000_000))
    }

    func openSocket(_ request: Request) throws(ServiceError) -> Reply {
        let response = try Response.webSocket(request.head, origins: { $0 == "http://good.example" }) {
            [weak self] upgraded, _ in
            guard let self, let socket = try? WebSocket.begin(upgraded, on: loop, limits: webSocketLimits)
            else { return }
            socket.onMessage = { [weak socket] message in
                if message == .text("close me") { socket?.close(code: 4_000, reason: "asked") }
                if message == .text("cut me") { socket?.abort() }
                if message == .text("pause") { socket?.isReadingEnabled = false }
                _ = socket?.send(message)
            }
            socket.onClose = { [weak self] code in self?.closeCodes.append(code) }
            sockets.append(socket)
        }
        return .now(response)
    }

    func attach(_ request: Request) throws(ServiceError) -> Reply {
        let upgrade = Upgrade(to: "corral-attach/1") { [weak self] upgraded in
            // Echoes what was sent early, then is silent.
            let early = upgraded.takeEarly(.max)
            _ = upgraded.socket.value.send(Array("early:".utf8).span)
            _ = upgraded.socket.value.send(early.span)
            upgraded.onStop = { [weak self] in self?.attached = [] }
            self?.attached.append(upgraded)
        }
        return .now(try Response.upgrade(request.head, upgrade))
    }
}

/// Makes so many bytes, each the low byte of its offset.
final class Counting: StreamSource {
    private var at = 0
    private let count: Int
    private let onEnd: (StreamEnd) -> Void

    init(_ count: Int, _ onEnd: @escaping (StreamEnd) -> Void) {
        self.count = count
        self.onEnd = onEnd
    }

    func next(into memory: inout MutableSpan<UInt8>) -> StreamStep {
        if at == count { return .end }
        let some = min(memory.count, count - at)
        for index in 0..<some { memory[index] = UInt8(truncatingIfNeeded: at + index) }
        at += some
        return .bytes(some)
    }

    func finished(_ how: StreamEnd) { onEnd(how) }
}

/// Counts what it is given; takes at most `portion` bytes and then waits to be asked for more.
final class Upload: BodySink {
    private(set) var count = 0
    private(set) var sum: UInt64 = 0
    private(set) var isAborted = false
    private var room: Int
    private let portion: Int
    private(set) var flow: UploadFlow?

    init(portion: Int) {
        self.portion = portion
        room = portion
    }

    func begin(_ flow: UploadFlow) { self.flow = flow }

    func take(_ bytes: Span<UInt8>) throws(ServiceError) -> Int {
        if bytes.count > 0, bytes[0] == 0xFF { throw ServiceError(.full, "no space for that") }
        let some = min(bytes.count, room)
        for index in 0..<some { sum += UInt64(bytes[index]) }
        count += some
        room -= some
        return some
    }

    func makeRoom() {
        room = portion
        flow?.resume()
    }

    func complete() throws(ServiceError) -> Reply {
        .now(
            .json(
                .object {
                    $0.add("count", count); $0.add("sum", sum)
                }))
    }

    func abort() { isAborted = true }
}

/// The table of a rig.
let desks: [Route<Desk>] = [
    Route(Endpoint(.get, "/v1/ping", name: "ping")) { (_, _) in
        .now(.json(.object { $0.add("pong", true) }))
    },
    Route(Endpoint(.get, "/v1/who", name: "who")) { (_, request) in
        .now(
            .json(
                .object {
                    $0.add("uid", request.peer.user?.uid ?? .max)
                    $0.add("pid", request.peer.user?.pid ?? -1)
                }))
    },
    Route(Endpoint(.get, "/v1/items/{id}", name: "item", query: ["verbose"])) { (_, request) in
        .now(
            .json(
                .object {
                    $0.add("id", request.parameter("id"))
                    $0.add("verbose", request.query["verbose"])
                }))
    },
    Route(Endpoint(.delete, "/v1/items/{id}", name: "item.remove")) { (_, _) in .now(.nothing) },
    Route(Endpoint(.post, "/v1/json", name: "json", body: .json(limit: 1_000))) { (_, request) in
        .now(.json(.object { $0.add("kind", request.json?.kind) }))
    },
    Route(Endpoint(.post, "/v1/optional", name: "optional", body: .json(limit: 1_000, optional: true))) {
        (_, request) in
        .now(.json(.object { $0.add("kind", request.json?.kind) }))
    },
    Route(Endpoint(.put, "/v1/bytes", name: "bytes", body: .bytes(limit: 100_000))) {
        (_, request) throws(ServiceError) in
        guard case .bytes(let bytes) = request.body else { throw ServiceError(.fault, "no bytes") }
        return .now(.json(.object { $0.add("count", bytes.count) }))
    },
    Route(Endpoint(.put, "/v1/upload", name: "upload", body: .stream(limit: nil), query: ["portion"])) {
        (desk, request) in
        let upload = Upload(portion: request.query["portion"].flatMap { Int($0) } ?? .max)
        desk.uploads.append(upload)
        return .upload(upload)
    },
    Route(Endpoint(.put, "/v1/small", name: "small", body: .stream(limit: 10_000))) { (desk, _) in
        let upload = Upload(portion: .max)
        desk.uploads.append(upload)
        return .upload(upload)
    },
    Route(Endpoint(.get, "/v1/later", name: "later")) { (desk, _) in
        let pending = Pending { [weak desk] in desk?.cancelled += 1 }
        desk.pending.append(pending)
        return .later(pending)
    },
    Route(Endpoint(.get, "/v1/soon", name: "soon")) { (_, _) in
        let pending = Pending()
        pending.complete(.text("at once"))
        return .later(pending)
    },
    Route(Endpoint(.get, "/v1/stream", name: "stream", query: ["bytes"])) { (desk, request) in
        let count = request.query["bytes"].flatMap { Int($0) } ?? 0
        let source = Counting(count) { [weak desk] in desk?.streamEnds.append($0) }
        return .now(.stream(ResponseStream(source), type: "application/octet-stream"))
    },
    Route(Endpoint(.get, "/v1/events", name: "events")) { (desk, request) throws(ServiceError) in
        try desk.openEvents(request)
    },
    Route(Endpoint(.get, "/v1/attach", name: "attach")) { (desk, request) throws(ServiceError) in
        try desk.attach(request)
    },
    Route(Endpoint(.get, "/v1/socket", name: "socket")) { (desk, request) throws(ServiceError) in
        try desk.openSocket(request)
    },
    Route(Endpoint(.get, "/v1/fail", name: "fail")) { (_, _) throws(ServiceError) in
        throw ServiceError(.conflict, "it is \"taken\"", field: "limits.memory", hint: "ask later")
    },
]
