import Capture
import Client
import Glibc
import Linux

/// The client's end of docs/attach.md.
final class AttachConnection {
    private let socket: FileDescriptor
    private var decoder = AttachDecoder(from: .server)
    private var room = [UInt8](repeating: 0, count: 256 << 10)
    /// Frames that wait to be sent.
    private var outgoing: [UInt8] = []
    /// Bytes of input sent, and how many may be.
    private(set) var sent: UInt64 = 0
    private var credit: UInt64 = 0
    private(set) var isInputEnded = false
    /// As the daemon calls it, where it told.
    let process: String?

    init(_ connection: consuming UpgradedConnection) {
        process = connection.head.headers["Corral-Process"]
        decoder.append(connection.first.span)
        socket = connection.takeSocket()
    }

    // MARK: Receiving

    /// The next frame; nil when more has to be received first.
    func next() throws(AttachFrameError) -> AttachFrame? {
        while let frame = try decoder.next() {
            guard frame.kind == .credit else { return frame }
            credit = max(credit, frame.offset)
        }
        return nil
    }

    /// Takes what has come.
    /// - Returns: false when the connection is over.
    func receive() -> Bool {
        var descriptors: UInt64 = 0
        // Taken out of this object meanwhile, so that it is not copied.
        var room = room
        self.room = []
        defer { self.room = room }
        var memory = room.mutableSpan
        switch socket.receive(into: &memory, closedDescriptors: &descriptors) {
        case .bytes(0), .failed: return false
        case .bytes(let count):
            decoder.append(room.span.extracting(0..<count))
            return true
        case .wouldBlock: return true
        }
    }

    // MARK: Sending

    /// How many bytes of input may be sent now.
    var allowance: Int {
        isInputEnded || !outgoing.isEmpty
            ? 0 : Int(min(credit - min(credit, sent), UInt64(AttachFrame.payloadLimit)))
    }

    /// Whether everything that was sent has reached the process.
    var isInputTaken: Bool { credit == 0 || sent + AttachFrame.inputWindow <= credit }

    func send(input bytes: [UInt8], isEnd: Bool = false) {
        outgoing += AttachFrame.input(bytes, offset: sent, isEnd: isEnd).bytes
        sent += UInt64(bytes.count)
        if isEnd { isInputEnded = true }
        flush()
    }

    func send(_ frame: AttachFrame) {
        outgoing += frame.bytes
        flush()
    }

    /// Sends what the socket takes. That nobody is there is found when receiving.
    func flush() {
        var done = 0
        sending: while done < outgoing.count {
            switch socket.send(outgoing.span.extracting(done..<outgoing.count)) {
            case .bytes(let count): done += count
            case .wouldBlock: break sending
            case .failed: done = outgoing.count
            }
        }
        outgoing.removeFirst(done)
    }

    /// Waits until everything is sent, or for as long as nobody takes any of it.
    func drain() {
        while !outgoing.isEmpty {
            var ready = pollfd(fd: socket.number, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&ready, 1, 5000) > 0 else { return }
            flush()
        }
    }

    /// What to wait for.
    /// - Parameter receiving: false while what came has to be written first.
    func interest(receiving: Bool) -> pollfd {
        let events = (receiving ? POLLIN : 0) | (outgoing.isEmpty ? 0 : POLLOUT)
        return pollfd(fd: events == 0 ? -1 : socket.number, events: Int16(events), revents: 0)
    }
}
