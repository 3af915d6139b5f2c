import FailPoints
import Glibc
package import Linux

/// What wants to know of events, and of the warden's end.
package protocol WardenLinkDelegate: AnyObject {
    /// - Parameter packet: the descriptors that the event's roles name.
    func warden(_ link: WardenLink, tells event: WardenEvent, _ packet: Packet)
    /// The connection is over, and no completion is called any more; those who wait are told next. Connecting
    /// again is the delegate's.
    func warden(_ link: WardenLink, isLostBecause why: String)
}

/// Why there is no connection to the warden.
package enum WardenLinkError: Error, Hashable, Sendable {
    case system(SystemError)
    /// It does not serve this caller, or is of another version.
    case refused(Refusal)
    case otherVersion(warden: String, own: String)
    /// It said something else than it should have, or nothing.
    case protocolBroken(String)
}

extension WardenLinkError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let error): "the warden cannot be reached: \(error)"
        case .refused(let refusal): "the warden refused: \(refusal)"
        case .otherVersion(let warden, let own):
            "the warden is of version \(warden) and this is \(own), and they do not speak the same protocol: start "
                + "the warden again from the build of this; an upgrade of the warden ends sessions"
        case .protocolBroken(let what): "the warden broke the protocol: \(what)"
        }
    }
}

/// Corrald's end of the connection to the warden, on an ``EventLoop``.
package final class WardenLink: EventHandler {
    /// Takes one answer and the descriptors that came with it, in the order of their roles.
    package typealias Completion = (WardenAnswer, Packet) -> Void

    private struct Pending {
        let completion: Completion
        let isList: Bool
        let lost: (() -> Void)?
    }

    /// Differs for every warden that ever was.
    package private(set) var instance: UInt64 = 0
    /// May be another than our own, as long as both speak the same version of the protocol.
    package private(set) var wardenBuild = ""
    package private(set) var isOpen = true
    private let channel: MessageChannel
    private let loop: EventLoop
    private var token: EventLoop.Token?
    private weak var delegate: (any WardenLinkDelegate)?
    private var pending: [UInt64: Pending] = [:]
    /// 1 was the greeting's.
    private var lastRequest: UInt64 = 1
    private var awaitsWriting = false

    /// Connects and compares versions, which waits for the warden's answer for at most `patience` ms.
    /// - Parameter version: of the protocol; another only in tests.
    package static func connect(
        to path: String, build: String, on loop: EventLoop, delegate: any WardenLinkDelegate,
        patience: Int32 = 10_000, version: UInt32 = WardenFormat.version
    ) throws(WardenLinkError) -> WardenLink {
        let channel: MessageChannel
        do throws(SystemError) {
            let socket = try FileDescriptor.packetSocket()
            try socket.connect(to: path)
            channel = MessageChannel(socket)
            let hello = WardenRequest.hello(version: version, build: build)
            try channel.send(ToWarden(1, hello).encoded())
        } catch {
            throw .system(error)
        }
        let link = WardenLink(channel, loop, delegate)
        try link.greet(by: channel.firstAnswer(patience), build)
        do throws(SystemError) {
            link.token = try loop.add(channel.socket, for: .readable, handler: link)
        } catch {
            throw .system(error)
        }
        return link
    }

    private func greet(by answer: WardenAnswer, _ build: String) throws(WardenLinkError) {
        switch answer {
        case .welcome(WardenFormat.version, let theirs, let instance):
            wardenBuild = theirs
            self.instance = instance
        case .welcome(_, let theirs, _): throw .otherVersion(warden: theirs, own: build)
        case .refused(let refusal) where refusal.code == .version:
            throw .otherVersion(warden: refusal.allowed, own: build)
        case .refused(let refusal): throw .refused(refusal)
        default: throw .protocolBroken("it answered a greeting with something else")
        }
    }

    private init(_ channel: MessageChannel, _ loop: EventLoop, _ delegate: any WardenLinkDelegate) {
        self.channel = channel
        self.loop = loop
        self.delegate = delegate
    }

    /// Asks for something. The completion is called once, or for `list` once for each entry and then for the
    /// page's end; not at all when the connection is lost first.
    /// - Parameters:
    ///   - descriptors: sent beside the request; they stay the caller's, who keeps them open until the answer
    ///     unless `owner` does.
    ///   - lost: called in place of the completion when the connection is lost before the answer, for whom the
    ///     comparison with the next warden does not serve. Whether what was asked for came about is not known.
    package func send(
        _ request: WardenRequest, descriptors: [CInt] = [], keeping owner: AnyObject? = nil,
        orLost lost: (() -> Void)? = nil, _ completion: @escaping Completion
    ) {
        guard isOpen else {
            lost?()
            return
        }
        let failPoints = request.failPoints
        failPoints.map { FailPoint.pass($0.before) }
        defer { failPoints.map { FailPoint.pass($0.after) } }
        lastRequest += 1
        var isList = false
        if case .list = request { isList = true }
        pending[lastRequest] = Pending(completion: completion, isList: isList, lost: lost)
        do throws(SystemError) {
            try channel.send(
                ToWarden(lastRequest, request).encoded(), descriptors: descriptors, keeping: owner)
            try watch()
        } catch {
            lose(error.description)
        }
    }

    /// Ends the connection; sessions go on.
    package func close() {
        guard isOpen else { return }
        isOpen = false
        pending = [:]
        if let token { loop.remove(channel.socket, token) }
        token = nil
    }

    package func ready(_ token: EventLoop.Token, _ events: Events) {
        do throws(SystemError) {
            if events.hasAny(of: .writable) { try channel.flush() }
            // A bounded number, so that others on the loop have their turn.
            for _ in 0..<64 {
                guard isOpen, try take(channel.receive()) else { break }
            }
            if isOpen { try watch() }
        } catch {
            lose(error.description)
        }
    }

    /// - Returns: whether there may be more.
    private func take(_ transfer: ChannelTransfer) throws(SystemError) -> Bool {
        switch transfer {
        case .wouldBlock: return false
        case .end: lose("it closed the connection")
        case .failed(let errno): throw SystemError("recvmsg", nil, errno)
        case .malformed(_, let why): lose("it broke the protocol: \(why)")
        case .message(let message, let file, let packet):
            do throws(WireProblem) {
                take(try FromWarden(message, file: file), packet)
                return true
            } catch {
                lose("it broke the protocol: \(error)")
            }
        }
        return false
    }

    private func take(_ message: FromWarden, _ packet: Packet) {
        switch message {
        case .event(let event): delegate?.warden(self, tells: event, packet)
        case .answer(let number, let answer):
            guard let asked = pending[number] else {
                if case .refused(let refusal) = answer { lose(refusal.sentence) }
                return
            }
            if !asked.isList || answer.endsList { pending[number] = nil }
            asked.completion(answer, packet)
        }
    }

    private func watch() throws(SystemError) {
        let isFull = channel.waitingMessages > 0
        guard let token, isFull != awaitsWriting else { return }
        awaitsWriting = isFull
        try loop.change(channel.socket, token, to: isFull ? .readable.with(.writable) : .readable)
    }

    private func lose(_ why: String) {
        guard isOpen else { return }
        let waiting = pending.sorted { $0.key < $1.key }.compactMap(\.value.lost)
        close()
        delegate?.warden(self, isLostBecause: why)
        for tell in waiting { tell() }
    }
}

extension WardenAnswer {
    /// Whether nothing more of a list follows.
    fileprivate var endsList: Bool {
        switch self {
        case .session, .process: false
        default: true
        }
    }
}

extension WardenRequest {
    fileprivate var failPoints: (before: FailPoint, after: FailPoint)? {
        switch self {
        case .create: (.daemonBeforeCreate, .daemonAfterCreate)
        case .start: (.daemonBeforeStart, .daemonAfterStart)
        case .signal: (.daemonBeforeSignal, .daemonAfterSignal)
        case .pause, .resume: (.daemonBeforePause, .daemonAfterPause)
        case .kill: (.daemonBeforeKill, .daemonAfterKill)
        case .remove: (.daemonBeforeRemove, .daemonAfterRemove)
        case .acknowledge: (.daemonBeforeAcknowledge, .daemonAfterAcknowledge)
        default: nil
        }
    }
}

extension MessageChannel {
    /// Waits for the answer to the greeting, before which nothing else is said.
    fileprivate func firstAnswer(_ patience: Int32) throws(WardenLinkError) -> WardenAnswer {
        var request = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        let count: CInt
        do throws(SystemError) {
            count = try call("poll") { unsafe poll(&request, 1, patience) }
        } catch {
            throw .system(error)
        }
        if count == 0 { throw .protocolBroken("it did not answer within \(patience) ms") }
        switch receive() {
        case .message(let message, let file, _):
            guard case .answer(_, let answer) = try? FromWarden(message, file: file) else { break }
            return answer
        case .end: throw .protocolBroken("it closed the connection without an answer")
        case .failed(let errno): throw .system(SystemError("recvmsg", nil, errno))
        case .malformed, .wouldBlock: break
        }
        throw .protocolBroken("it answered a greeting with something else")
    }
}
