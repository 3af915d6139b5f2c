import Dialects
import Linux

/// One connection of the plugin, joined to one of the host application.
final class Link: EventHandler {
    private static let watched: Events = [.readable, .peerClosed, .edgeTriggered]

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
    private unowned let owner: Connections
    private var isQueued = false

    init(
        plugin: consuming FileDescriptor, upstream: consuming FileDescriptor, limit: Int, owner: Connections
    ) {
        self.plugin = Side(plugin)
        self.upstream = Side(upstream)
        self.owner = owner
        up = Flow(dialect: .tgo, sender: .plugin, limit: limit)
        down = Flow(dialect: .tgo, sender: .upstream, limit: limit)
    }

    func open() throws(SystemError) {
        plugin.token = try owner.loop.add(plugin.socket, for: Self.watched, handler: self)
        upstream.token = try owner.loop.add(upstream.socket, for: Self.watched, handler: self)
    }

    /// Bytes wait for a side that does not read.
    var isBlocked: Bool { up.isBlocked || down.isBlocked }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        if events.isEmpty {
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

    private func pump(_ token: EventLoop.Token) {
        var again = false
        // A refused frame of one side ends the other side's turn as well.
        if !down.isRefused { again = up.pump(from: plugin.socket, to: upstream.socket, spare: &owner.spare) }
        if !up.isRefused {
            let more = down.pump(from: upstream.socket, to: plugin.socket, spare: &owner.spare)
            again = again || more
        }
        if up.wantsClose || down.wantsClose || up.isOver && down.isOver {
            owner.close(self)
            return
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
        let events = writes ? Self.watched.union(.writable) : Self.watched
        try owner.loop.change(side.socket, token, to: events)
    }

    /// Stops being watched; the sockets close when the link is freed.
    func close() {
        if let token = plugin.token { owner.loop.remove(plugin.socket, token) }
        if let token = upstream.token { owner.loop.remove(upstream.socket, token) }
    }

    /// Adds what passed, and what did not, to `totals`.
    func report(to totals: inout RelayTotals) {
        add(up.traffic, to: &totals.fromPlugin)
        add(down.traffic, to: &totals.fromUpstream)
        totals.descriptorsClosed += up.descriptorsClosed + down.descriptorsClosed
        if let refusal = up.refusal { totals.refuse(RelayRule(refusal), "from the plugin: \(refusal)") }
        if let refusal = down.refusal { totals.refuse(RelayRule(refusal), "from the upstream: \(refusal)") }
    }

    private func add(_ traffic: RelayTotals.Traffic, to sum: inout RelayTotals.Traffic) {
        sum.frames += traffic.frames
        sum.bytes += traffic.bytes
    }
}
