import CLinux
import Glibc
import Linux
import Sandbox
import Wire

/// The socket inside a sandbox and the connections that came through it. Lives on the relay's
/// thread.
final class Connections: EventHandler {
    /// Connections accepted in one turn before others have theirs.
    private static let turn = 16
    /// Milliseconds without a message after which memory for large frames is given back.
    private static let quiet: UInt64 = 1_000

    let loop: EventLoop
    let refusals: RefusalLog
    /// Memory that an idle flow leaves to the next one that reads.
    var spare: [UInt8] = []

    private let listener: FileDescriptor
    private var listening: EventLoop.Token?
    private let upstream: Upstream
    /// Opened before the plugin was started; the plugin's first connection is joined to it.
    private var first: FileDescriptor?
    private let policy: RelayPolicy
    private let peer: UInt32?
    private var links: [ObjectIdentifier: Link] = [:]
    private var totals = RelayTotals()
    /// Given up for a moment to accept, and so to refuse, a connection when no other is left.
    private var reserve: FileDescriptor?
    private var drain = Duration.zero

    init(
        loop: EventLoop, listener: consuming FileDescriptor, upstream: consuming Upstream,
        first: consuming FileDescriptor?, policy: RelayPolicy, peer: UInt32?, news: RelayNews
    ) throws(SystemError) {
        self.loop = loop
        refusals = RefusalLog(news)
        self.upstream = upstream
        self.first = first
        self.policy = policy
        self.peer = peer
        try listener.setNonBlocking()
        reserve = try listener.duplicate()
        self.listener = listener
    }

    func open() throws(SystemError) {
        listening = try loop.add(listener, for: .readable, handler: self)
    }

    /// Runs the loop until ``stop(drain:)``, and a little longer where bytes are on their way.
    func serve() -> RelayTotals {
        do throws(SystemError) {
            while !loop.isStopped {
                let due = nextDue()
                let calls = try loop.turn(timeout: timeout(until: due))
                if calls == 0, isSpareLarge { spare = [] }
                // What became due meanwhile is found in the next turn, which does not wait for it.
                expire(due)
            }
            try finish()
        } catch {
            totals.failure = "\(error)"
        }
        links.values.forEach { $0.report(to: &totals) }
        close()
        totals.refusals = refusals.counts
        totals.violation = refusals.violation
        return totals
    }

    /// Milliseconds until something is due that no message brings; -1 for never.
    private func timeout(until due: UInt64) -> CInt {
        let most = isSpareLarge ? Self.quiet : .max
        guard due < .max else { return most < .max ? CInt(clamping: most) : -1 }
        let now = Judge.clock()
        return due <= now ? 0 : CInt(clamping: min(due - now, most))
    }

    /// What is left to the next flow is more than it needs for small frames.
    private var isSpareLarge: Bool { spare.count > FrameBuffer.base }

    /// In milliseconds; the largest number for never.
    private func nextDue() -> UInt64 {
        var next = UInt64.max
        for link in links.values { next = min(next, link.due ?? .max) }
        return next
    }

    private func expire(_ due: UInt64) {
        guard due < .max else { return }
        let now = Judge.clock()
        guard due <= now else { return }
        for link in links.values where link.due ?? .max <= now { link.expire() }
    }

    /// Whether a plugin has registered over another connection than this.
    func isRegistered(besides link: Link) -> Bool {
        links.values.contains { $0 !== link && $0.isRegistered }
    }

    /// Has ``serve()`` return once what was sent is delivered, after `drain` at the latest.
    func stop(drain: Duration) {
        self.drain = drain
        loop.stop()
    }

    /// Closes everything.
    func close() {
        links = [:]
        loop.removeAll()
    }

    func close(_ link: Link) {
        link.close()
        link.report(to: &totals)
        links[ObjectIdentifier(link)] = nil
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        for _ in 0..<Self.turn {
            do throws(SystemError) {
                guard let connection = try listener.accept() else { return }
                admit(connection)
            } catch {
                shed(error)
                return
            }
        }
    }

    private func admit(_ plugin: consuming FileDescriptor) {
        guard links.count < Int(policy.connections) else {
            let most = policy.connections
            return refusals.add(.connections, "more than \(most) connections at once")
        }
        do throws(SystemError) {
            if let peer {
                let uid = try plugin.peerCredentials().uid
                guard uid == peer else {
                    return refusals.add(.peer, "uid \(uid) connected where uid \(peer) is expected")
                }
            }
            guard let upstream = connectUpstream() else { return }
            let link = Link(plugin: plugin, upstream: upstream, policy: policy, owner: self)
            links[ObjectIdentifier(link)] = link
            totals.connections += 1
            do throws(SystemError) {
                try link.open()
            } catch {
                close(link)
                throw error
            }
        } catch {
            refusals.add(.openFiles, "\(error)")
        }
    }

    private func connectUpstream() -> FileDescriptor? {
        if let first = first.take() { return first }
        do throws(UpstreamError) {
            return try upstream.connect()
        } catch {
            refusals.add(.upstream, "\(error)")
            return nil
        }
    }

    /// Deals with a connection that could not be accepted and would be announced again and again.
    private func shed(_ error: SystemError) {
        switch error.errno {
        case .tooManyFiles, .tooManyFilesInSystem:
            refusals.add(.openFiles, "\(error)")
            reserve = nil
            do throws(SystemError) {
                _ = try listener.accept()
                reserve = try listener.duplicate()
            } catch {
                // Another thread took the place; the next announcement tries again.
            }
        case .outOfMemory, Errno(rawValue: ENOBUFS):
            break
        default:
            totals.failure = "no connection is accepted any more: \(error)"
            if let listening { loop.remove(listener, listening) }
        }
    }

    /// Goes on until nothing is ready and no write is blocked: what a process wrote before it ended
    /// is in its socket and is found at once.
    private func finish() throws(SystemError) {
        let deadline = clinux_boottime() + nanoseconds(drain)
        for link in links.values { link.hurry() }
        while true {
            let now = clinux_boottime()
            let isBlocked = links.values.contains { $0.isBlocked }
            let left = now < deadline ? (deadline - now) / 1_000_000 + 1 : 0
            let calls = try loop.turn(timeout: isBlocked ? CInt(clamping: left) : 0)
            if now >= deadline || calls == 0 && !isBlocked { return }
        }
    }
}

private func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(clamping: seconds) &* 1_000_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000)
}
