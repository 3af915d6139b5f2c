import Glibc
import Linux
import Wire

/// The host's end of the relay's connection: frames in, frames out, never blocking.
struct HostLink: ~Copyable {
    private var connection: FileDescriptor?
    private var incoming: FrameBuffer
    private var outgoing: [UInt8] = []

    /// - Parameter limit: the longest message, in bytes.
    init(limit: Int) { incoming = FrameBuffer(limit: limit) }

    mutating func open(_ connection: consuming FileDescriptor) { self.connection = consume connection }

    var interest: pollfd {
        let events = Int16(POLLIN) | (outgoing.isEmpty ? 0 : Int16(POLLOUT))
        return pollfd(fd: connection.numberOrNone, events: events, revents: 0)
    }

    var isOpen: Bool { connection.numberOrNone >= 0 }

    /// What came of one attempt to read.
    enum Event {
        case message([UInt8])
        /// Nothing more for now.
        case nothing
        case ended
    }

    /// The next message.
    mutating func receive() -> Event {
        while true {
            do throws(FrameError) {
                if let place = try incoming.frame() {
                    let message = incoming.withPayload(place) { span in span.indices.map { span[$0] } }
                    incoming.skip(place)
                    return .message(message)
                }
            } catch {
                // The relay has a limit of its own, which is not above ours.
                return .ended
            }
            switch fill() {
            case .bytes(0), .failed: return .ended
            case .bytes: continue
            case .wouldBlock: return .nothing
            }
        }
    }

    private mutating func fill() -> Transfer {
        var closed: UInt64 = 0
        var transfer = Transfer.bytes(0)
        switch connection {
        case .none: return .bytes(0)
        case .some(let socket):
            incoming.fill { memory in
                transfer = socket.receive(into: &memory, closedDescriptors: &closed)
                if case .bytes(let count) = transfer { return count }
                return 0
            }
        }
        return transfer
    }

    mutating func send(_ message: [UInt8]) {
        outgoing += framed(message)
        flush()
    }

    /// Sends what fits. A reader that is gone is seen by ``receive()``.
    mutating func flush() {
        guard !outgoing.isEmpty else { return }
        switch connection {
        case .none: outgoing = []
        case .some(let socket):
            if case .bytes(let count) = socket.send(outgoing.span) { outgoing.removeFirst(count) }
        }
    }

    mutating func close() { connection = nil }
}
