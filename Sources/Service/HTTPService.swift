import CMicroHTTPD
import Glibc
package import Linux
import Network

/// HTTP/1.1 on a listening unix or TCP socket, on the thread of an ``EventLoop``.
///
/// libmicrohttpd does the parsing; its epoll descriptor is watched by the loop and it runs when that is
/// readable, when a time has come, and when an answer is given. One thread, no lock: what an endpoint
/// does, it does between two events of the loop. A service must be stopped before it is let go of.
@safe package final class HTTPService: EventHandler {
    package let limits: ServiceLimits
    package let endpoints: [Endpoint]
    /// Requests that were begun.
    package private(set) var requests: UInt64 = 0

    let loop: EventLoop
    let router: Router
    let clients = Clients()
    let admit: (RequestHead) throws(ServiceError) -> UInt32?
    /// Whether it listens at a TCP socket.
    let isNetwork: Bool
    var daemon: OpaquePointer?
    var stopping: Stopping?
    /// Nil when the service has ended, so that it holds its owner no more.
    private var answers: (any Answering)?
    /// The library's epoll descriptor, a copy.
    private let ready: FileDescriptor
    private var token: EventLoop.Token?
    private var timer: Timer?
    var listener: Listener?
    private var isScheduled = false
    /// Who is at the other end of the connection that the library is being given.
    private var arriving: Peer?
    /// Connections that were handed over, for the library to forget when it is not at work.
    private var forgotten: [OpaquePointer] = unsafe []

    package struct Stopping {
        let deadline: BootTime
        let done: () -> Void
    }

    var isStopping: Bool { stopping != nil }

    /// Connections that speak HTTP, and those that were upgraded.
    package var connections: Int { clients.all.count }
    package var upgradedConnections: Int { clients.upgradedCount }

    /// Begins to serve.
    ///
    /// - Parameters:
    ///   - listening: a listening stream socket, non-blocking or not. It is closed when the service stops.
    ///   - admit: asked before the table is looked at, such as for `Host` and tokens. What it says becomes the
    ///     request's badge, see ``cut(badge:)``.
    package static func start<Owner>(
        _ routes: [Route<Owner>], for owner: Owner, on loop: EventLoop, listening: consuming FileDescriptor,
        limits: ServiceLimits = ServiceLimits(),
        admit: @escaping (RequestHead) throws(ServiceError) -> UInt32? = { (_) throws(ServiceError) in nil }
    ) throws(SystemError) -> HTTPService {
        let problems = Router.problems(in: routes.map(\.endpoint))
        precondition(problems.isEmpty, "the table of routes: \(problems.joined(separator: "; "))")
        try listening.setNonBlocking()
        let isNetwork = TCPAddress(ofSocket: listening.number) != nil
        let context = ServiceContext()
        guard let daemon = unsafe startDaemon(context, limits) else {
            throw SystemError("MHD_start_daemon", nil, Errno(rawValue: errno))
        }
        let ready: FileDescriptor
        do {
            let epoll = unsafe corral_mhd_epoll(daemon)
            ready = FileDescriptor(
                owning: try call("fcntl(F_DUPFD_CLOEXEC)") { fcntl(epoll, F_DUPFD_CLOEXEC, 3) })
        } catch {
            unsafe MHD_stop_daemon(daemon)
            throw error
        }
        let answers = OwnedRoutes(routes: routes, owner: owner)
        let service = unsafe HTTPService(
            loop, daemon, ready, routes.map(\.endpoint), answers, limits, isNetwork, admit)
        context.service = service
        service.context = context
        do {
            try service.register(listening)
        } catch {
            service.end()
            throw error
        }
        return service
    }

    /// Kept for the library, which has a bare pointer to it.
    private var context: ServiceContext?

    private init(
        _ loop: EventLoop, _ daemon: OpaquePointer, _ ready: consuming FileDescriptor,
        _ endpoints: [Endpoint], _ answers: any Answering,
        _ limits: ServiceLimits, _ isNetwork: Bool,
        _ admit: @escaping (RequestHead) throws(ServiceError) -> UInt32?
    ) {
        self.loop = loop
        unsafe self.daemon = daemon
        self.ready = ready
        self.endpoints = endpoints
        self.answers = answers
        self.limits = limits
        self.admit = admit
        self.isNetwork = isNetwork
        router = Router(endpoints)
    }

    private func register(_ listening: consuming FileDescriptor) throws(SystemError) {
        timer = try Timer.make(on: loop) { [weak self] in self?.timePassed() }
        clients.onDeadline = { [weak self] in self?.wake(atLatest: $0) }
        token = try loop.add(ready, for: .readable, handler: self)
        listener = try Listener.make(on: loop, listening, for: self)
    }

    /// - Parameter index: the endpoint's place in the table.
    func answer(_ index: Int, _ request: Request) throws(ServiceError) -> Reply {
        guard let answers else { throw ServiceError(.unavailable, "the service has ended") }
        return try answers.answer(index, request)
    }

    // MARK: turns

    package func ready(_ token: EventLoop.Token, _ events: Events) {
        // One that was asked for and has been had meanwhile.
        if events.rawValue == 0, !isScheduled { return }
        turn()
    }

    /// Sends what was answered since the last turn, now instead of behind what else is ready. Not to be called
    /// from an endpoint.
    /// - Returns: whether there was a turn, in which requests may have come as well.
    @discardableResult
    package func sendAnswers() -> Bool {
        guard isScheduled else { return false }
        turn()
        return true
    }

    /// Has the library run once more, soon.
    func schedule() {
        guard !isScheduled, let token else { return }
        isScheduled = true
        loop.again(token)
    }

    /// Has the deadlines looked at no later than this.
    func wake(atLatest time: BootTime) { timer?.fire(atLatest: time) }

    private func turn() {
        isScheduled = false
        guard let daemon = unsafe daemon else { return }
        // The library has connections ready that its descriptor does not show; bounded, so that a busy
        // client does not starve what else is on the loop.
        for _ in 0..<16 {
            countReads()
            _ = unsafe MHD_run(daemon)
            forget()
            guard let patience = unsafe patience(of: daemon) else { return endIfPossible() }
            if patience > 0 {
                wake(atLatest: Timer.now + patience * 1_000_000)
                return endIfPossible()
            }
        }
        schedule()
    }

    /// Milliseconds until the library has something to do; nil for never.
    private func patience(of daemon: OpaquePointer) -> UInt64? {
        var milliseconds: UInt64 = 0
        guard unsafe MHD_get_timeout(daemon, &milliseconds) == .YES else { return nil }
        return min(milliseconds, 3_600_000)
    }

    private func timePassed() {
        let now = Timer.now
        listener?.resume()
        if let next = clients.sweep(limits, now: now) { wake(atLatest: next) }
        if let stopping, stopping.deadline > now { wake(atLatest: stopping.deadline) }
        turn()
    }

    // MARK: connections

    var hasRoom: Bool { clients.all.count < limits.connections }

    func accepted(_ socket: consuming FileDescriptor) {
        guard let daemon = unsafe daemon, let peer = Peer(socket, isNetwork: isNetwork) else { return }
        if isNetwork { socket.watchPeer() }
        // Over the limit by so much that nobody is told: closed with this value.
        guard clients.admits(peer, limits) else { return }
        arriving = peer
        _ = unsafe corral_mhd_add(daemon, socket.release())
        arriving = nil
        schedule()
    }

    /// The library has taken the connection that it was given.
    func opened(_ connection: OpaquePointer) -> Client? {
        guard let arriving else { return nil }
        let client = unsafe clients.add(corral_mhd_socket(connection), arriving, limits)
        wake(atLatest: Timer.now + client.headTime(limits))
        return client
    }

    func closed(_ client: Client) {
        clients.remove(client)
        listener?.resume()
    }

    func begun(_ exchange: Exchange) {
        requests += 1
        exchange.client.exchange = exchange
    }

    func exchangeOver(_ client: Client) {
        if isStopping { client.cut() }
        wake(atLatest: Timer.now + client.headTime(limits))
    }

    /// The connection becomes the owner's; the library is told to forget it when it has returned.
    func handedOver(_ exchange: Exchange, _ socket: CInt, early: [UInt8], _ handle: OpaquePointer) {
        unsafe forgotten.append(handle)
        guard let upgrade = exchange.upgrade else { return }
        exchange.upgrade = nil
        let copy = fcntl(socket, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { return exchange.client.cut() }
        let connection = Upgraded(
            FileDescriptor(owning: copy), early: early, peer: exchange.client.peer,
            badge: exchange.head?.badge, clients: clients)
        upgrade.begin(connection)
    }

    private func forget() {
        let handles = unsafe forgotten
        unsafe forgotten = []
        unsafe handles.forEach { unsafe corral_mhd_close_upgraded($0) }
        if unsafe !handles.isEmpty { schedule() }
    }

    // MARK: badges

    /// What those who are being answered, and those who were handed over, were admitted by.
    package var badges: Set<UInt32> { clients.badges }

    /// Ends whatever goes on for requests with this badge: streams, uploads, waiting, upgraded connections.
    package func cut(badge: UInt32) { clients.cut(badge: badge) }

    // MARK: the end

    /// Stops the library and lets go of everything. No connection may be left.
    func end() {
        listener?.close()
        listener = nil
        if let token { loop.remove(ready, token) }
        token = nil
        timer?.cancel()
        timer = nil
        if let daemon = unsafe daemon { unsafe MHD_stop_daemon(daemon) }
        unsafe daemon = nil
        context = nil
        answers = nil
    }
}
