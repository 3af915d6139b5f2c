import CLinux
import Linux
import WardenProtocol

/// One connection to the warden's socket: whoever is at the other end, until it is known to be the corrald
/// that is served, and then as that.
final class Guest: EventHandler {
    /// A connection that does not read is cut at this much; corrald connects again and lists.
    private static let mostWaiting = 8 << 20
    /// Requests at a time, so that sandboxes have their turn.
    private static let turn = 32

    let channel: MessageChannel
    let credentials: PeerCredentials
    private(set) var isOpen = true
    private unowned let server: WardenServer
    private var token: EventLoop.Token?
    private var watched = Events.readable

    init(_ socket: consuming FileDescriptor, _ server: WardenServer) throws(SystemError) {
        credentials = try socket.peerCredentials()
        channel = MessageChannel(socket)
        self.server = server
    }

    func begin() throws(SystemError) {
        token = try server.loop.add(channel.socket, for: .readable, handler: self)
    }

    func ready(_ token: EventLoop.Token, _ events: Events) { drain(isFair: true) }

    /// Sends what waits and carries out what was asked.
    /// - Parameter isFair: the ends of programs and of sandboxes have their turn behind each request that takes long.
    func drain(isFair: Bool = false) {
        do throws(SystemError) {
            try channel.flush()
            for _ in 0..<Guest.turn {
                // Who does not read its answers is not asked for more.
                guard isOpen, channel.waitingMessages == 0, take(channel.receive(), isFair) else { break }
            }
            if isOpen { try watch() }
        } catch {
            close("\(error)")
        }
    }

    /// - Returns: whether there may be more for this turn.
    private func take(_ transfer: ChannelTransfer, _ isFair: Bool) -> Bool {
        switch transfer {
        case .wouldBlock: return false
        case .end: close("it closed the connection")
        case .failed(let errno): close("\(errno)")
        case .malformed(let request, let why):
            answer(request, .refused(Refusal(.malformed, why)))
            return true
        case .message(let message, let file, let packet):
            do throws(WireProblem) {
                let asked = try ToWarden(message, file: file)
                server.handle(asked, packet, of: self)
                return !isFair || !asked.request.takesLong
            } catch {
                answer(message.request, .refused(Refusal(.malformed, error.description)))
                return true
            }
        }
        return false
    }

    func answer(_ number: UInt64, _ answer: WardenAnswer, _ streams: Streams? = nil) {
        send(.answer(number, answer), streams)
    }

    /// - Parameter descriptor: goes beside it.
    func answer(_ number: UInt64, _ answer: WardenAnswer, _ descriptor: consuming FileDescriptor) {
        send(.answer(number, answer), Streams.Outgoing([Held(descriptor)]))
    }

    func send(_ message: FromWarden, _ streams: Streams? = nil) { send(message, streams?.outgoing) }

    private func send(_ message: FromWarden, _ outgoing: Streams.Outgoing?) {
        guard isOpen else { return }
        do throws(SystemError) {
            try channel.send(message.encoded(), descriptors: outgoing?.numbers ?? [], keeping: outgoing)
            try watch()
        } catch {
            return close("\(error)")
        }
        if channel.waitingBytes > Guest.mostWaiting { close("it does not read what it is told") }
    }

    private func watch() throws(SystemError) {
        let wanted: Events = channel.waitingMessages > 0 ? .writable : .readable
        guard let token, wanted != watched else { return }
        watched = wanted
        try server.loop.change(channel.socket, token, to: wanted)
    }

    func close(_ why: String) {
        guard isOpen else { return }
        isOpen = false
        if let token { server.loop.remove(channel.socket, token) }
        server.left(self, why)
    }
}

extension WardenRequest {
    /// Milliseconds, where others take a tenth of one.
    fileprivate var takesLong: Bool {
        switch self {
        case .create, .kill: true
        default: false
        }
    }
}
