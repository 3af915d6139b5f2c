import CMicroHTTPD
import Glibc
import Linux

/// One request and its answer, from the request's line to the last byte sent.
///
/// The library calls ``proceed(_:_:)`` once with the head, then with pieces of the body, then with nothing,
/// and again after a suspension. What it may be told depends on where in this it stands: an answer that
/// is queued before the body was read ends the connection, and none can be queued while a piece of it is
/// looked at.
@safe final class Exchange {
    enum State {
        /// Only the target is known.
        case fresh
        case receiving(Receiving)
        /// Answered, to be queued when the library asks next.
        case ready(Response)
        /// Suspended until the answer is given.
        case waiting(Pending)
        /// Queued; a stream is asked for bytes as the client takes them.
        case answering(ResponseStream?, sourceEnded: Bool)
        case over
    }

    let service: HTTPService
    let client: Client
    let connection: OpaquePointer
    let rawTarget: [UInt8]
    /// Where the target ended in the library's memory.
    private let targetEnd: UInt
    var state = State.fresh
    /// What begins when the 101 is sent.
    var upgrade: Upgrade?
    var head: RequestHead?
    private(set) var isSuspended = false
    /// The client is gone, or was cut off: nothing more is sent.
    private(set) var isGone = false
    private var watch: HangUpWatch?

    init(_ service: HTTPService, _ client: Client, _ connection: OpaquePointer, target: [UInt8], end: UInt) {
        self.service = service
        self.client = client
        unsafe self.connection = connection
        rawTarget = target
        targetEnd = end
    }

    /// What the library has: the request's line, and a piece of the body.
    @unsafe struct Step {
        var method: String
        var version: String
        /// Where the version stands in the library's memory.
        var versionAt: UInt
        /// Valid during the call.
        var piece: UnsafeBufferPointer<UInt8>
    }

    /// - Parameter left: becomes the number of bytes that were not taken.
    /// - Returns: false to have the connection closed.
    func proceed(_ step: Step, left: inout Int) -> Bool {
        if isGone { return false }
        switch state {
        case .fresh:
            // One byte after the target, unless a NUL stands in it, at which C takes it to end.
            return unsafe begin(step.method, step.version, isWhole: step.versionAt == targetEnd + 1)
        case .receiving(let receiving):
            if unsafe step.piece.isEmpty { return receivedAll(receiving) }
            return unsafe take(step.piece, receiving, left: &left)
        case .ready(let response): return queue(response)
        case .waiting: return suspend()
        case .answering, .over: return false
        }
    }

    /// Acts on what an endpoint said.
    func act(on reply: Reply) -> Bool {
        switch reply {
        case .now(let response): return queue(response)
        case .later(let pending):
            if let response = pending.takeResponse() { return queue(response) }
            pending.exchange = self
            state = .waiting(pending)
            client.phase = .answering
            return suspend()
        case .upload:
            return queue(.error(ServiceError(.fault, "the endpoint wants an upload that it did not declare")))
        }
    }

    /// Whether all of the answer is there, and nothing follows that could still be stopped.
    var isAnswered: Bool {
        switch state {
        case .answering(nil, _): return upgrade == nil
        case .ready(let response):
            if case .bytes = response.body { return true }
            return false
        case .fresh, .receiving, .waiting, .answering, .over: return false
        }
    }

    func pendingCompleted() {
        guard case .waiting(let pending) = state, let response = pending.takeResponse() else { return }
        state = .ready(response)
        resume()
    }

    // MARK: suspension

    /// Has the library leave the connection alone until ``resume()``.
    func suspend() -> Bool {
        if isGone { return false }
        if watch == nil {
            do {
                watch = try HangUpWatch.make(
                    on: service.loop, socket: client.socket, isNetwork: service.isNetwork
                ) { [weak self] in
                    self?.lost()
                }
            } catch {
                // Without a watch nobody would notice that the client died.
                return false
            }
        }
        isSuspended = true
        unsafe MHD_suspend_connection(connection)
        return true
    }

    func resume() {
        guard isSuspended else { return }
        isSuspended = false
        unsafe MHD_resume_connection(connection)
        service.schedule()
    }

    /// The client is gone, or is not to be answered: tells whoever works for it, and has the library close
    /// the connection.
    func lost() {
        guard !isGone else { return }
        isGone = true
        letGo()
        client.cut()
        resume()
    }

    /// The library is done with the request.
    func over(completely: Bool) {
        watch?.cancel()
        watch = nil
        if completely, case .answering(let stream?, sourceEnded: true) = state { stream.finish(.complete) }
        letGo()
        client.exchange = nil
        client.readsLeft = -1
        client.phase = .head(since: Timer.now)
        service.exchangeOver(client)
    }

    private func letGo() {
        let last = state
        state = .over
        upgrade = nil
        switch last {
        case .receiving(let receiving): receiving.abort()
        case .waiting(let pending): pending.cancel()
        case .answering(let stream, _): stream?.finish(.cut)
        case .ready(let response):
            if case .stream(let stream) = response.body { stream.finish(.cut) }
        case .fresh, .over: break
        }
    }
}
