import CLinux
import Dialects
import Linux
import Wire

/// One direction of one connection: reads frames from its source, has them judged, and writes
/// those let through to its target.
///
/// It reads only when everything accepted has been written: that is the back-pressure, and why it
/// never holds more than one frame of the largest size.
struct Flow: ~Copyable {
    private enum Stage {
        case open
        /// The source sends no more; its end is passed on once all before it is.
        case ending
        /// A frame was refused, or was the last: nothing more is read, and the link closes once all
        /// before it is delivered.
        case closing
        /// Nothing more passes.
        case over
    }

    /// Bytes read in one turn before others have theirs.
    private static let turn = 256 << 10

    private static let gone = Events.hungUp.with(.failed)
    private static let ends = gone.with(.peerClosed)

    private var stage = Stage.open
    private var frames: FrameBuffer
    let sender: Sender
    /// A frame that is not passed on as it is, and what is in its place. It waits for those before it,
    /// from which it cannot be cut off earlier.
    private var exception: (payload: Range<Int>, replacement: [UInt8]?)?
    /// Messages of the relay's own to the target.
    var outbox = Outbox()
    /// The source may have something to read. Set by an event, cleared once it is read empty.
    private var readable = false
    /// The source told its end, so that a short read does not mean that it is empty.
    private var endTold = false
    /// The target takes nothing until it tells.
    private(set) var isBlocked = false

    private(set) var traffic = RelayTotals.Traffic()
    private(set) var descriptorsClosed: UInt64 = 0
    private let log: RefusalLog
    /// It stopped because the other direction has too many messages of the relay's own to deliver.
    private(set) var waitsForReplies = false

    init(sender: Sender, limit: Int, log: RefusalLog) {
        self.sender = sender
        self.log = log
        frames = FrameBuffer(limit: limit)
    }

    var isOver: Bool { stage == .over }
    var isClosing: Bool { stage == .closing }
    /// Nothing more comes, and what came is delivered.
    var wantsClose: Bool { stage == .closing && isDelivered }
    /// Nothing waits for the target.
    var isDelivered: Bool { frames.waiting == 0 && exception == nil && outbox.isEmpty }

    /// Takes note of what the source's socket told.
    mutating func sourceTold(_ events: Events) {
        if events.hasAny(of: Self.ends) { endTold = true }
        if events.hasAny(of: Self.ends.with(.readable)) { readable = true }
    }

    /// Takes note of what the target's socket told.
    mutating func targetTold(_ events: Events, source: borrowing FileDescriptor) {
        if events.hasAny(of: .writable) { isBlocked = false }
        // Hung up while this direction is open means that the peer closed: whatever is written
        // now is lost, and the source may as well know.
        if events.hasAny(of: Self.gone) { abandon(source) }
    }

    /// Moves what can be moved now.
    ///
    /// - Parameters:
    ///   - spare: memory to read into, shared by all flows of the thread.
    ///   - judge: decides on the messages of both directions.
    ///   - replies: messages of the relay's own to the source.
    /// - Returns: true when it stopped for the others' sake and wants another turn.
    mutating func pump(
        from source: borrowing FileDescriptor, to target: borrowing FileDescriptor, spare: inout [UInt8],
        judge: inout Judge, replies: inout Outbox
    ) -> Bool {
        frames.borrow(&spare)
        defer { frames.giveBack(&spare) }
        var left = Self.turn
        waitsForReplies = false
        while deliver(to: target, from: source) {
            if settle() { continue }
            // Frames may be there that were not judged yet, because of what came before them.
            if stage == .open, frames.unaccepted > 0, !replies.isFull {
                apply(&judge, &replies)
                if frames.waiting > 0 || exception != nil { continue }
            }
            if stage == .ending { end(target) }
            guard stage == .open else { return false }
            if replies.isFull {
                waitsForReplies = true
                return false
            }
            guard readable else { return false }
            guard left > 0 else { return true }
            left -= receive(from: source)
        }
        return false
    }

    /// Delivers what is on its way and reads nothing.
    mutating func flush(to target: borrowing FileDescriptor, from source: borrowing FileDescriptor) {
        while deliver(to: target, from: source), settle() {}
    }

    /// Takes the exception out of the stream, now that all before it is delivered.
    private mutating func settle() -> Bool {
        guard let (payload, replacement) = exception.take() else { return false }
        frames.skip(payload)
        if let replacement { outbox.add(framed(replacement)) }
        return true
    }

    /// Writes what is accepted, then what is the relay's own; true when all of it is written.
    private mutating func deliver(
        to target: borrowing FileDescriptor, from source: borrowing FileDescriptor
    ) -> Bool {
        while frames.waiting > 0 && !isBlocked {
            var asked = 0
            let transfer = frames.withRun { run in
                asked = run.count
                return target.send(run)
            }
            frames.drop(sent(transfer, of: asked, source))
        }
        // The target has been told the end: there is no way to it any more.
        if stage == .over { outbox.discard() }
        while frames.waiting == 0 && !outbox.isEmpty && !isBlocked {
            var asked = 0
            var transfer = Transfer.wouldBlock
            outbox.send { bytes in
                asked = bytes.count
                transfer = target.send(bytes)
                if case .bytes(let count) = transfer { return count }
                return 0
            }
            _ = sent(transfer, of: asked, source)
        }
        return frames.waiting == 0 && outbox.isEmpty
    }

    /// Takes note of how a write went; returns how many bytes did.
    private mutating func sent(
        _ transfer: Transfer, of asked: Int, _ source: borrowing FileDescriptor
    ) -> Int {
        switch transfer {
        case .bytes(let count):
            isBlocked = count < asked
            return count
        case .wouldBlock: isBlocked = true
        case .failed: abandon(source)
        }
        return 0
    }

    /// Reads once; returns how much.
    private mutating func receive(from source: borrowing FileDescriptor) -> Int {
        var transfer = Transfer.wouldBlock
        var room = 0
        let closedBefore = descriptorsClosed
        frames.fill { memory in
            room = memory.count
            transfer = source.receive(into: &memory, closedDescriptors: &descriptorsClosed)
            if case .bytes(let count) = transfer { return count }
            return 0
        }
        if descriptorsClosed > closedBefore {
            log.add(
                .descriptor, count: descriptorsClosed - closedBefore,
                "from the \(sender): a descriptor comes with a message, which passes without it")
        }
        switch transfer {
        case .bytes(let count) where count > 0:
            // Less than there was room for means that nothing is left, except in front of the
            // stream's end and behind a message with descriptors, where a read stops (unix(7)).
            if count < room && !endTold && descriptorsClosed == closedBefore { readable = false }
            return count
        case .wouldBlock:
            readable = false
        case .bytes, .failed:
            // A peer that closed without reading everything makes this a reset; all that it sent
            // has been read by then.
            stage = .ending
            if frames.unaccepted > 0 {
                refuse(.truncated(frames.unaccepted))
                stage = .closing
            }
        }
        return 0
    }

    /// Judges the whole frames that have come, up to one that is an exception.
    private mutating func apply(_ judge: inout Judge, _ replies: inout Outbox) {
        while stage == .open, exception == nil, !replies.isFull {
            do throws(FrameError) {
                guard let payload = try frames.frame() else { return }
                let sender = self.sender
                switch frames.withPayload(payload, { judge.judge($0, from: sender) }) {
                case .forward: pass(payload)
                case .farewell:
                    pass(payload)
                    stage = .closing
                case .rewrite(let text):
                    exception = (payload, text)
                    count(text.count)
                case .refuse(let reason, let reply):
                    refuse(reason, kills: judge.kills(for: reason, from: sender))
                    if judge.closes(for: reason, from: sender) { stage = .closing }
                    if let reply, reply.recipient == sender { replies.add(framed(reply.payload)) }
                    exception = (payload, reply?.recipient == sender ? nil : reply?.payload)
                }
            } catch {
                let reason = Refusal.tooLong(error)
                refuse(reason, kills: judge.kills(for: reason, from: sender))
                stage = .closing
            }
        }
    }

    private mutating func pass(_ payload: Range<Int>) {
        frames.accept(payload)
        count(payload.count)
    }

    private mutating func count(_ payload: Int) {
        traffic.frames += 1
        traffic.bytes += UInt64(FrameBuffer.prefix + payload)
    }

    func refuse(_ reason: Refusal, kills: Bool = false) {
        log.add(RelayRule(reason), kills: kills, "from the \(sender): \(reason)")
    }

    private mutating func end(_ target: borrowing FileDescriptor) {
        target.shutdown(.sending)
        stage = .over
    }

    /// Gives up on a target that is gone: the source's writes fail from now on, as if there were
    /// no relay between.
    private mutating func abandon(_ source: borrowing FileDescriptor) {
        frames.discard()
        exception = nil
        outbox.discard()
        guard stage != .over else { return }
        source.shutdown(.receiving)
        stage = .over
    }
}
