package import Linux
package import Sandbox
import Synchronization

/// Relays plugins' connections on a thread of its own, for as long as it exists.
///
/// What it does with a connection: checks the peer's uid, joins it to a connection of the upstream,
/// and from then on forwards the frames that the dialect lets through, byte for byte and each in
/// one write, in both directions. A side that does not read stops the other. What becomes of a frame
/// that is refused is the policy's to say: it is left out, or the connection closes after what came
/// before it was delivered, or whoever reads ``news`` ends the sandbox. An end of one side is passed on to the other. No
/// descriptor passes.
package final class RelayThread: Sendable {
    /// What is refused, while the relay runs.
    package let news: RelayNews
    private let mailbox: Mailbox<Connections>
    private let thread: Mutex<Thread?>
    private let outcome: Outcome

    /// The thread's last word.
    private final class Outcome: Sendable {
        let totals = Mutex(RelayTotals())
    }

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - listener: a listening stream socket of the family AF_UNIX, made inside the sandbox.
    ///   - upstream: connected to again for each connection of the plugin but the first.
    ///   - first: a connection of `upstream` for the plugin's first one, because simple host
    ///     applications accept once only; nil to connect for that one as well.
    ///   - peer: the uid, as this process sees it, that a connecting process must have; nil for any.
    /// - Throws: when the kernel has no descriptor, memory or thread left.
    package static func start(
        listener: consuming FileDescriptor, upstream: consuming Upstream, first: consuming FileDescriptor?,
        policy: RelayPolicy, peer: UInt32?
    ) throws(SystemError) -> RelayThread {
        let mailbox = try Mailbox<Connections>()
        let news = try RelayNews()
        let connections = try Connections(
            loop: EventLoop(), listener: listener, upstream: upstream, first: first, policy: policy,
            peer: peer, news: news)
        try mailbox.attach(to: connections.loop, owner: connections)
        do throws(SystemError) {
            try connections.open()
        } catch {
            connections.close()
            throw error
        }
        let outcome = Outcome()
        let parcel = Parcel(connections)
        do throws(SystemError) {
            let thread = try Thread.start {
                guard let connections = parcel.take() else { return }
                let totals = connections.serve()
                outcome.totals.withLock { $0 = totals }
            }
            return RelayThread(news, mailbox, thread, outcome)
        } catch {
            parcel.take()?.close()
            throw error
        }
    }

    private init(
        _ news: RelayNews, _ mailbox: Mailbox<Connections>, _ thread: consuming Thread, _ outcome: Outcome
    ) {
        self.news = news
        self.mailbox = mailbox
        self.thread = Mutex(thread)
        self.outcome = outcome
    }

    deinit { _ = stop(drain: .zero) }

    /// Ends the relay and closes every connection.
    ///
    /// What a plugin sent before it ended is still delivered: call this when the plugin is gone.
    ///
    /// - Parameter drain: how long to wait for a side that does not read what is on its way.
    /// - Returns: what passed, and what did not; the same again when called again.
    @discardableResult
    package func stop(drain: Duration = .milliseconds(500)) -> RelayTotals {
        if let thread = thread.withLock({ $0.take() }) {
            mailbox.post { $0.stop(drain: drain) }
            thread.join()
        }
        return outcome.totals.withLock { $0 }
    }
}
