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
        /// A frame was refused: nothing more is read, and the link closes once all before it is
        /// delivered.
        case refused
        /// Nothing more passes.
        case over
    }

    /// Bytes read in one turn before others have theirs.
    private static let turn = 256 << 10

    private var stage = Stage.open
    private var frames: FrameBuffer
    private var gate: FrameGate
    /// The source may have something to read. Set by an event, cleared once it is read empty.
    private var readable = false
    /// The source told its end, so that a short read does not mean that it is empty.
    private var endTold = false
    /// The target takes nothing until it tells.
    private(set) var isBlocked = false

    private(set) var traffic = RelayTotals.Traffic()
    private(set) var descriptorsClosed: UInt64 = 0
    private(set) var refusal: Refusal?

    init(dialect: Dialect, sender: Sender, limit: Int) {
        frames = FrameBuffer(limit: limit)
        gate = FrameGate(dialect: dialect, sender: sender)
    }

    var isOver: Bool { stage == .over }
    var isRefused: Bool { stage == .refused }
    /// A frame was refused and what came before it is delivered.
    var wantsClose: Bool { stage == .refused && frames.waiting == 0 }
    var sender: Sender { gate.sender }

    /// Takes note of what the source's socket told.
    mutating func sourceTold(_ events: Events) {
        let ends: Events = [.peerClosed, .hungUp, .failed]
        if !events.isDisjoint(with: ends) { endTold = true }
        if !events.isDisjoint(with: ends.union(.readable)) { readable = true }
    }

    /// Takes note of what the target's socket told.
    mutating func targetTold(_ events: Events, source: borrowing FileDescriptor) {
        if events.contains(.writable) { isBlocked = false }
        // Hung up while this direction is open means that the peer closed: whatever is written
        // now is lost, and the source may as well know.
        if !events.isDisjoint(with: [.hungUp, .failed]) { abandon(source) }
    }

    /// Moves what can be moved now.
    ///
    /// - Parameter spare: memory to read into, shared by all flows of the thread.
    /// - Returns: true when it stopped for the others' sake and wants another turn.
    mutating func pump(
        from source: borrowing FileDescriptor, to target: borrowing FileDescriptor, spare: inout [UInt8]
    ) -> Bool {
        frames.borrow(&spare)
        defer { frames.giveBack(&spare) }
        var left = Self.turn
        while deliver(to: target, from: source) {
            if stage == .ending { end(target) }
            guard stage == .open, readable else { return false }
            guard left > 0 else { return true }
            left -= receive(from: source)
            judge()
        }
        return false
    }

    /// Writes what is accepted; true when all of it is written.
    private mutating func deliver(
        to target: borrowing FileDescriptor, from source: borrowing FileDescriptor
    ) -> Bool {
        while frames.waiting > 0 && !isBlocked {
            var asked = 0
            let transfer = frames.withRun { run in
                asked = run.count
                return target.send(run)
            }
            switch transfer {
            case .bytes(let count):
                frames.drop(count)
                isBlocked = count < asked
            case .wouldBlock: isBlocked = true
            case .failed: abandon(source)
            }
        }
        return frames.waiting == 0
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
            if frames.unaccepted > 0 { refuse(.truncated(frames.unaccepted)) }
        }
        return 0
    }

    /// Judges every whole frame that has come.
    private mutating func judge() {
        while stage == .open {
            do throws(FrameError) {
                guard let payload = try frames.frame() else { return }
                switch frames.withPayload(payload, { gate.decide($0) }) {
                case .forward:
                    frames.accept(payload)
                    traffic.frames += 1
                    traffic.bytes += UInt64(FrameBuffer.prefix + payload.count)
                case .refuse(let reason): refuse(reason)
                }
            } catch {
                refuse(.tooLong(error))
            }
        }
    }

    private mutating func refuse(_ reason: Refusal) {
        refusal = reason
        stage = .refused
    }

    private mutating func end(_ target: borrowing FileDescriptor) {
        target.shutdown(.sending)
        stage = .over
    }

    /// Gives up on a target that is gone: the source's writes fail from now on, as if there were
    /// no relay between.
    private mutating func abandon(_ source: borrowing FileDescriptor) {
        guard stage != .over else { return }
        source.shutdown(.receiving)
        frames.discard()
        stage = .over
    }
}
