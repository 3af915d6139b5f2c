import Linux
import Sandbox

/// One connection of the plugin, joined to one of the host application: its place in the loop.
final class Link: EventHandler {
    private var ends: LinkEnds
    private unowned let owner: Connections
    private var isQueued = false

    init(
        plugin: consuming FileDescriptor, upstream: consuming FileDescriptor, policy: RelayPolicy,
        owner: Connections
    ) {
        self.owner = owner
        ends = LinkEnds(plugin: plugin, upstream: upstream, policy: policy, log: owner.refusals)
    }

    func open() throws(SystemError) { try ends.open(owner.loop, handler: self) }

    /// Bytes wait for a side that does not read.
    var isBlocked: Bool { ends.isBlocked }

    /// Whether a plugin has registered over this connection.
    var isRegistered: Bool { ends.isRegistered }

    /// When ``expire()`` has something to do, in milliseconds; nil for never.
    var due: UInt64? { ends.due }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        if events.rawValue == 0 {
            isQueued = false
        } else {
            ends.told(token, events)
        }
        pump(token)
    }

    /// Does what is due by now.
    func expire() {
        guard ends.expire() else {
            owner.close(self)
            return
        }
        if let token = ends.token { pump(token) }
    }

    /// Moves all that is there, without the pauses for who sends too much.
    func hurry() {
        ends.hurry()
        if let token = ends.token { pump(token) }
    }

    private func pump(_ token: EventLoop.Token) {
        let taken = !ends.isRegistered && owner.isRegistered(besides: self)
        switch ends.pump(taken: taken, spare: &owner.spare, loop: owner.loop) {
        case .wait: break
        case .close: owner.close(self)
        case .again:
            guard !isQueued else { return }
            isQueued = true
            owner.loop.again(token)
        }
    }

    /// Stops being watched; the sockets close when the link is freed.
    func close() { ends.close(owner.loop) }

    /// Adds what passed to `totals`.
    func report(to totals: inout RelayTotals) { ends.report(to: &totals) }
}
