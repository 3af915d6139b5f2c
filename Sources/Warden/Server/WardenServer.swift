import CLinux
import Glibc
import Linux
import Sandbox
import ServiceManager
import WardenProtocol

/// The warden's side of the protocol: one corrald at a time, and everything that lives on without it.
///
/// It knows who may ask and what may be asked when; what an order may contain is the engine's to judge.
final class WardenServer {
    struct Settings: Sendable {
        /// The uid that is served besides root.
        var allowedUID: UInt32
        var build: String
        /// Told by `status`, as far as something could not be done as it should.
        var remarks: [String]
    }

    /// Connections that have not said who they are; the oldest makes room.
    private static let mostGuests = 16

    let loop: EventLoop
    let engine: any SandboxEngine
    let log: WardenLog
    let settings: Settings
    /// Differs for every warden that ever was: corrald sees that its sessions are not this one's.
    let instance: UInt64
    var table = CustodyTable()
    /// Sessions that wait for what has to be made before them.
    var expected: Set<SandboxID> = []
    var budget: DescriptorBudget
    /// Who is served.
    private(set) var corrald: Guest?
    private var guests: [Guest] = []
    private(set) var isEnding = false
    /// Told of the end.
    var manager: ManagerLink?

    init(
        _ engine: any SandboxEngine, _ settings: Settings, on loop: EventLoop, hardLimit: Int, log: WardenLog
    ) {
        self.loop = loop
        self.engine = engine
        self.settings = settings
        self.log = log
        instance = UInt64.random(in: 1 ... .max)
        budget = DescriptorBudget(hardLimit: hardLimit)
    }

    /// Serves connections to `listener`, a listening SOCK_SEQPACKET socket that is non-blocking.
    func listen(on listener: consuming FileDescriptor) throws(SystemError) {
        let door = Door(Held(listener), self)
        try door.open()
    }

    /// Runs until everything has ended after ``end(_:)``.
    func run() throws(SystemError) {
        try engine.begin(on: loop) { [unowned self] event in take(event) }
        while !(isEnding && !table.isBusy) { _ = try loop.turn(timeout: -1) }
        // What it is told last.
        corrald?.drain()
        engine.finish()
        loop.removeAll()
    }

    /// Ends every session, and then ``run()``.
    func end(_ why: String) {
        guard !isEnding else { return }
        isEnding = true
        manager?.tell(.stopping(status: "ending \(table.sessions.count) sessions"))
        log.line(.info, "ending \(table.sessions.count) sessions: \(why)")
        for session in table.sessions.values where !session.isDead { kill(session) }
    }

    // MARK: Connections

    fileprivate func admit(_ socket: consuming FileDescriptor) throws(SystemError) {
        let guest = try Guest(socket, self)
        if guests.count >= WardenServer.mostGuests { guests.first?.close("too many connections wait") }
        guests.append(guest)
        try guest.begin()
    }

    func left(_ guest: Guest, _ why: String) {
        guests.removeAll { $0 === guest }
        guard corrald === guest else { return }
        corrald = nil
        log.line(.info, "corrald (pid \(guest.credentials.pid)) is gone: \(why); sessions go on")
    }

    /// The first request of a connection.
    private func greet(_ guest: Guest, _ number: UInt64, version: UInt32, build: String) {
        if let refusal = refusal(of: guest, version, build) {
            log.line(
                .warning,
                "refused pid \(guest.credentials.pid) of uid \(guest.credentials.uid): \(refusal.sentence)")
            guest.answer(number, .refused(refusal))
            return guest.close("it was refused")
        }
        guests.removeAll { $0 === guest }
        corrald = guest
        let differs = build == settings.build ? "" : ", which is of another build"
        log.line(.info, "serving corrald \(build) (pid \(guest.credentials.pid))\(differs)")
        guest.answer(
            number, .welcome(version: WardenFormat.version, build: settings.build, instance: instance))
    }

    private func refusal(of guest: Guest, _ version: UInt32, _ build: String) -> Refusal? {
        let uid = guest.credentials.uid
        guard uid == settings.allowedUID || uid == 0 else {
            return Refusal(
                .notServed,
                "this warden serves the user \(settings.allowedUID) and root; the caller is \(uid)")
        }
        // Builds may differ: corrald can be upgraded while sessions run.
        guard version == WardenFormat.version else {
            return Refusal(
                .version,
                "this warden, \(settings.build), speaks version \(WardenFormat.version) of the protocol, and the "
                    + "caller, \(build), version \(version): start the warden again with the caller's build, which "
                    + "ends all sessions",
                limit: "version", asked: build, allowed: settings.build)
        }
        // One that was killed a moment ago may not have been noticed yet.
        corrald?.drain()
        return corrald.map {
            Refusal(.notServed, "this warden serves another corrald, pid \($0.credentials.pid)")
        }
    }

    func handle(_ message: ToWarden, _ packet: Packet, of guest: Guest) {
        if guest === corrald { return answer(message, packet, guest) }
        if case .hello(let version, let build) = message.request {
            return greet(guest, message.number, version: version, build: build)
        }
        guest.answer(message.number, .refused(Refusal(.malformed, "the first request has to be a greeting")))
        guest.close("it did not say who it is")
    }

    /// Tells corrald, if there is one. What it misses is in custody.
    func tell(_ event: WardenEvent, _ streams: Streams? = nil) { corrald?.send(.event(event), streams) }
}

/// The listening socket.
private final class Door: EventHandler {
    private let listener: Held<FileDescriptor>
    private unowned let server: WardenServer

    init(_ listener: Held<FileDescriptor>, _ server: WardenServer) {
        self.listener = listener
        self.server = server
    }

    func open() throws(SystemError) {
        _ = try server.loop.add(listener.value, for: .readable, handler: self)
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        do throws(SystemError) {
            guard let socket = try listener.value.accept() else { return }
            try server.admit(socket)
        } catch {
            server.log.line(.error, "a connection could not be accepted: \(error)")
        }
    }
}
