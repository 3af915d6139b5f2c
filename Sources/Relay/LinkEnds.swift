import Dialects
import Linux
import Sandbox
import Wire

/// The two sockets of a link, what moves between them, and who decides on it.
///
/// One value, so that a link asks for access to it once for each event: access to each member of an
/// object is checked for overlap at run time, and there were two dozen of them.
struct LinkEnds: ~Copyable {
    /// What a link does next.
    enum Next {
        case wait
        /// It stopped for the others' sake.
        case again
        case close
    }

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

    init(
        plugin: consuming FileDescriptor, upstream: consuming FileDescriptor, policy: RelayPolicy,
        log: RefusalLog
    ) {
        self.plugin = Side(plugin)
        self.upstream = Side(upstream)
        up = Flow(sender: .plugin, limit: Int(policy.frameBytes), log: log)
        down = Flow(sender: .upstream, limit: Int(policy.frameBytes), log: log)
        judge = Judge(policy.messages)
    }

    /// The plugin's socket in the loop; nil before ``open(_:handler:)``.
    var token: EventLoop.Token? { plugin.token }
    var isBlocked: Bool { up.isBlocked || down.isBlocked }
    var isRegistered: Bool { judge.isRegistered }

    /// When ``expire()`` has something to do, in milliseconds; nil for never.
    var due: UInt64? {
        // What is not read any more needs no time to be read again.
        guard !down.isClosing, let resumes = up.resumes else { return judge.due }
        return min(resumes, judge.due ?? .max)
    }

    mutating func open(_ loop: EventLoop, handler: any EventHandler) throws(SystemError) {
        plugin.token = try loop.add(plugin.socket, for: Self.watched, handler: handler)
        upstream.token = try loop.add(upstream.socket, for: Self.watched, handler: handler)
    }

    /// Stops being watched; the sockets close when the link is freed.
    func close(_ loop: EventLoop) {
        if let token = plugin.token { loop.remove(plugin.socket, token) }
        if let token = upstream.token { loop.remove(upstream.socket, token) }
    }

    /// Takes note of what a socket told.
    mutating func told(_ token: EventLoop.Token, _ events: Events) {
        if token == plugin.token {
            up.sourceTold(events)
            down.targetTold(events, source: upstream.socket)
        } else {
            down.sourceTold(events)
            up.targetTold(events, source: plugin.socket)
        }
    }

    /// Does what is due by now; false when the connection is to be closed.
    mutating func expire() -> Bool {
        for expiry in judge.expire() {
            switch expiry {
            case .call(let refusal, let reply):
                up.refuse(refusal)
                up.outbox.add(framed(reply.payload))
            case .connection(let refusal):
                up.refuse(refusal)
                return false
            }
        }
        return true
    }

    /// From now on all is moved that is there, without the pauses for who sends too much.
    mutating func hurry() { up.hurry() }

    /// Moves what can be moved now.
    ///
    /// - Parameters:
    ///   - taken: a plugin has registered over another connection.
    ///   - spare: memory to read into, shared by all flows of the thread.
    mutating func pump(taken: Bool, spare: inout [UInt8], loop: EventLoop) -> Next {
        var again = false
        judge.begin(taken: taken)
        // When one side's last frame has come, what the other still says has nowhere to go.
        if down.isClosing {
            up.flush(to: upstream.socket, from: plugin.socket)
        } else {
            again = up.pump(
                from: plugin.socket, to: upstream.socket, spare: &spare, judge: &judge,
                replies: &down.outbox)
        }
        if up.isClosing {
            down.flush(to: plugin.socket, from: upstream.socket)
        } else {
            let more = down.pump(
                from: upstream.socket, to: plugin.socket, spare: &spare, judge: &judge,
                replies: &up.outbox)
            again = again || more
            up.flush(to: upstream.socket, from: plugin.socket)
        }
        if up.wantsClose || down.wantsClose || up.isOver && down.isOver { return .close }
        if !up.isClosing, !down.isClosing {
            again = again || up.waitsForReplies && !down.outbox.isFull
            again = again || down.waitsForReplies && !up.outbox.isFull
        }
        do throws(SystemError) {
            try Self.watch(&plugin, writes: down.isBlocked && !down.isOver, loop)
            try Self.watch(&upstream, writes: up.isBlocked && !up.isOver, loop)
        } catch {
            // Out of kernel memory: a link that is not woken again must not stay.
            return .close
        }
        return again ? .again : .wait
    }

    private static func watch(
        _ side: inout Side, writes: Bool, _ loop: EventLoop
    ) throws(SystemError) {
        guard writes != side.watchesWrites, let token = side.token else { return }
        side.watchesWrites = writes
        try loop.change(side.socket, token, to: writes ? watchedForWrites : watched)
    }

    /// Adds what passed to `totals`.
    func report(to totals: inout RelayTotals) {
        Self.add(up.traffic, to: &totals.fromPlugin)
        Self.add(down.traffic, to: &totals.fromUpstream)
        totals.descriptorsClosed += up.descriptorsClosed + down.descriptorsClosed
    }

    private static func add(_ traffic: RelayTotals.Traffic, to sum: inout RelayTotals.Traffic) {
        sum.frames += traffic.frames
        sum.bytes += traffic.bytes
    }
}
