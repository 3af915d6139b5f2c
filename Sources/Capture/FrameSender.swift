import Linux

/// The frame that is on its way to one reader: a front of a few bytes, and behind it a payload that goes
/// from a ring's memory to the socket without passing through this process.
///
/// A length that was announced has to be kept. So when the ring lets go of bytes that a slow reader was
/// promised, they are copied first: no more than one frame for each reader.
struct FrameSender {
    /// Up to here one call with a copy is cheaper than two without.
    static let smallPayload = 4096

    private var front: [UInt8] = []
    private var done = 0
    private var ring: OutputRing?
    private var payload: Range<UInt64> = 0..<0

    var isEmpty: Bool { done == front.count && payload.isEmpty }

    /// To be called when ``isEmpty``.
    mutating func take(_ frame: AttachFrame) { (front, done) = (frame.bytes, 0) }

    /// To be called when ``isEmpty``, with no more bytes than a frame may have.
    /// - Parameter first: a frame that goes before it.
    mutating func take(
        _ range: Range<UInt64>, of stream: OutputStream, in ring: OutputRing, behind first: AttachFrame? = nil
    ) throws(CaptureError) {
        front = (first?.bytes ?? []) + AttachFrame.header(stream.kind, false, range.count, range.lowerBound)
        done = 0
        if range.count <= Self.smallPayload {
            front += try ring.bytes(range)
        } else {
            (self.ring, payload) = (ring, range)
        }
    }

    /// Copies what is still to be sent out of `range`, which is about to go.
    mutating func spare(_ range: Range<UInt64>, of ring: OutputRing) throws(CaptureError) {
        guard self.ring === ring, payload.overlaps(range) else { return }
        front = try front[done...] + ring.bytes(payload)
        done = 0
        payload = 0..<0
    }

    /// What came of sending.
    enum Sent: Hashable {
        /// The frame has left; that many bytes went now.
        case all(Int)
        /// The socket takes no more for now.
        case full(Int)
        case failed(Errno)
    }

    /// Sends as much as the socket takes.
    mutating func send(to socket: borrowing FileDescriptor) -> Sent {
        var count = 0
        while done < front.count {
            switch socket.send(front.span.extracting(done..<front.count)) {
            case .bytes(let sent):
                done += sent
                count += sent
            case .wouldBlock: return .full(count)
            case .failed(let code): return .failed(code)
            }
        }
        while let ring, !payload.isEmpty {
            switch ring.send(payload, to: socket) {
            case .bytes(let sent):
                payload = payload.lowerBound + UInt64(sent)..<payload.upperBound
                count += sent
            case .wouldBlock: return .full(count)
            case .failed(let code): return .failed(code)
            }
        }
        ring = nil
        return .all(count)
    }
}
