import Dialects
import Linux
import Sandbox
import Wire

/// One connection of the plugin, joined to one of the host application.
final class Link: EventHandler {
    private static let watched: Events = [.readable, .peerClosed, .edgeTriggered]
    private static let watchedForWrites: Events = [.readable, .writable, .peerClosed, .edgeTriggered]

    private struct Side: ~Copyable {
        let socket: FileDescriptor
        var token: EventLoop.Token?
        /// EPOLLOUT is asked for only while a write is blocked: asked for always, every read of
        /// the peer would wake this thread.
        var watchesWrites = false

        init(_ socket: consuming FileDescriptor) { self.socket = socket }
    }

    private var plugin: Side
    private var upstream: Side
    private var up: Flow
    private var down: Flow
    private var judge: Judge
    private unowned let owner: Connections
    private var isQueued = false

    init(
        plugin: consuming FileDescriptor, upstream: consuming FileDescriptor, policy: RelayPolicy,
        owner: Connections
    ) {
        self.plugin = Side(plugin)
        self.upstream = Side(upstream)
        self.owner = owner
        up = Flow(sender: .plugin, limit: Int(policy.frameBytes), log: owner.refusals)
        down = Flow(sender: .upstream, limit: Int(policy.frameBytes), log: owner.refusals)
        judge = Judge(policy.messages)
    }

    func open() throws(SystemError) {
        plugin.token = try owner.loop.add(plugin.socket, for: Self.watched, handler: self)
        upstream.token = try owner.loop.add(upstream.socket, for: Self.watched, handler: self)
    }

    /// Bytes wait for a side that does not read.
    var isBlocked: Bool { up.isBlocked || down.isBlocked }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        if events.rawValue == 0 {
            isQueued = false
        } else if token == plugin.token {
            up.sourceTold(events)
            down.targetTold(events, source: upstream.socket)
        } else {
            down.sourceTold(events)
            up.targetTold(events, source: plugin.socket)
        }
        pump(token)
    }

    /// Whether a plugin has registered over this connection.
    var isRegistered: Bool { judge.isRegistered }

    /// When ``expire()`` has something to do, in milliseconds; nil for never.
    var due: UInt64? {
        // What is not read any more needs no time to be read again.
        guard !down.isClosing, let resumes = up.resumes else { return judge.due }
        return min(resumes, judge.due ?? .max)
    }

    /// Does what is due by now.
    func expire() {
        for expiry in judge.expire() {
            switch expiry {
            case .call(let refusal, let reply):
                up.refuse(refusal)
                up.outbox.add(framed(reply.payload))
            case .connection(let refusal):
                up.refuse(refusal)
                owner.close(self)
                return
            }
        }
        if let token = plugin.token { pump(token) }
    }

    /// Moves all that is there, without the pauses for who sends too much.
    func hurry() {
        up.hurry()
        if let token = plugin.token { pump(token) }
    }

    private func pump(_ token: EventLoop.Token) {
        var again = false
        judge.begin(taken: !judge.isRegistered && owner.isRegistered(besides: self))
        // When one side's last frame has come, what the other still says has nowhere to go.
        if down.isClosing {
            up.flush(to: upstream.socket, from: plugin.socket)
        } else {
            again = up.pump(
                from: plugin.socket, to: upstream.socket, spare: &owner.spare, judge: &judge,
                replies: &down.outbox)
        }
        if up.isClosing {
            down.flush(to: plugin.socket, from: upstream.socket)
        } else {
            let more = down.pump(
                from: upstream.socket, to: plugin.socket, spare: &owner.spare, judge: &judge,
                replies: &up.outbox)
            again = again || more
            up.flush(to: upstream.socket, from: plugin.socket)
        }
        if up.wantsClose || down.wantsClose || up.isOver && down.isOver {
            owner.close(self)
            return
        }
        if !up.isClosing, !down.isClosing {
            again = again || up.waitsForReplies && !down.outbox.isFull
            again = again || down.waitsForReplies && !up.outbox.isFull
        }
        do throws(SystemError) {
            try watch(&plugin, writes: down.isBlocked && !down.isOver)
            try watch(&upstream, writes: up.isBlocked && !up.isOver)
        } catch {
            // Out of kernel memory: a link that is not woken again must not stay.
            owner.close(self)
            return
        }
        if again && !isQueued {
            isQueued = true
            owner.loop.again(token)
        }
    }

    private func watch(_ side: inout Side, writes: Bool) throws(SystemError) {
        guard writes != side.watchesWrites, let token = side.token else { return }
        side.watchesWrites = writes
        let events = writes ? Self.watchedForWrites : Self.watched
        try owner.loop.change(side.socket, token, to: events)
    }

    /// Stops being watched; the sockets close when the link is freed.
    func close() {
        if let token = plugin.token { owner.loop.remove(plugin.socket, token) }
        if let token = upstream.token { owner.loop.remove(upstream.socket, token) }
    }

    /// Adds what passed to `totals`.
    func report(to totals: inout RelayTotals) {
        add(up.traffic, to: &totals.fromPlugin)
        add(down.traffic, to: &totals.fromUpstream)
        totals.descriptorsClosed += up.descriptorsClosed + down.descriptorsClosed
    }

    private func add(_ traffic: RelayTotals.Traffic, to sum: inout RelayTotals.Traffic) {
        sum.frames += traffic.frames
        sum.bytes += traffic.bytes
    }
}
