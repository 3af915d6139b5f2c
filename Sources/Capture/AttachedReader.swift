package import Linux

/// What a client that is attached to a process sends, and how it leaves.
package protocol AttachDelegate: AnyObject {
    /// A frame of input, resize or signal. Input never exceeds what was granted.
    func received(_ frame: AttachFrame, from reader: AttachedReader)
    /// The reader was let go of; its socket closes with it.
    func ended(_ reader: AttachedReader, _ end: AttachEnd)
}

/// Why a reader is no longer attached.
package enum AttachEnd: Hashable, Sendable {
    /// It got everything, the end of the process last.
    case finished
    /// It closed its connection.
    case left
    case failed(Errno)
    /// It sent what is no frame, or more than it was granted.
    case refused(String)
    /// ``AttachedReader/detach()`` was called.
    case detached
}

/// One client on a connection of its own, which speaks docs/attach.md.
///
/// A client that does not read costs its cursors and at most one frame; one that reads again is told what
/// it lost and goes on with the oldest byte there is. Nobody waits for it.
package final class AttachedReader: EventHandler, InputSender {
    /// The most bytes sent or received in one turn of the loop: others wait meanwhile.
    private static let turn = 256 << 10
    /// What is on its way to a client at most, in bytes, with what the kernel needs beside it: a client that
    /// reads again has enough to read until our next turn. net.core.wmem_max may allow less.
    private static let room = 512 << 10

    private let socket: FileDescriptor
    private let loop: EventLoop
    private var token: EventLoop.Token?
    private var output: ProcessOutput?
    private var delegate: (any AttachDelegate)?
    private var order: ReadingOrder
    private var sender = FrameSender()
    private var decoder = AttachDecoder(from: .client)
    private var isScheduled = false
    private var canReceive = true
    /// Whether there may be something to receive.
    private var hasInput = true
    private var ending: AttachEnd?
    private var isFarewellTaken = false
    /// Bytes of input that it may have sent since the beginning, and whether it knows.
    private var granted: UInt64 = 0
    private var isGrantTold = true
    private var received: UInt64 = 0
    private var taken: UInt64 = 0
    private var isInputEnded = false
    /// Milliseconds since 1970 of a moment of the rings, where this client is told of times.
    private let calendar: ((BootTime) -> UInt64)?
    /// The moment that was told last, of each stream; nil before the first.
    private var told: [BootTime?] = [nil, nil]

    init(
        _ socket: consuming FileDescriptor, at offsets: [UInt64], of output: ProcessOutput,
        on loop: EventLoop, calendar: ((BootTime) -> UInt64)? = nil,
        delegate: (any AttachDelegate)?
    ) {
        self.socket = socket
        self.loop = loop
        self.output = output
        self.delegate = delegate
        self.calendar = calendar
        order = ReadingOrder(cursors: offsets.map { ReadingOrder.Cursor(offset: $0) })
        order.isTimed = calendar != nil
    }

    /// What a client that is told of times has to know before the bytes from `offset` on.
    private func time(of stream: OutputStream, _ offset: UInt64, in ring: OutputRing) -> AttachFrame? {
        guard let calendar else { return nil }
        // 0: before every time that is known.
        let time = ring.times.time(of: offset) ?? 0
        guard told[stream.rawValue] != time else { return nil }
        told[stream.rawValue] = time
        return .time(time == 0 ? 0 : calendar(time), of: stream, offset: offset)
    }

    /// How far into a stream it is; what was promised to it and is not yet sent counts as behind it.
    func offset(of stream: OutputStream) -> UInt64 {
        stream.rawValue < order.cursors.count ? order.cursors[stream.rawValue].offset : .max
    }

    func begin(behind bytes: [UInt8]) throws(SystemError) {
        try socket.setNonBlocking()
        socket.setSendRoom(Self.room)
        token = try loop.add(
            socket, for: [.readable, .writable, .peerClosed, .edgeTriggered], handler: self)
        decoder.append(bytes.span)
        wake()
    }

    /// Lets the client send input, as much as ``AttachFrame/inputWindow`` at first.
    package func acceptInput() { inputTaken(0) }

    /// The process took `count` more bytes of this client's input, which may send as many again.
    package func inputTaken(_ count: Int) {
        taken += UInt64(count)
        granted = taken + AttachFrame.inputWindow
        isGrantTold = false
        wake()
    }

    /// Lets go of the client without a word.
    package func detach() { end(.detached) }

    /// There may be something to send.
    func wake() {
        guard let token, !isScheduled else { return }
        isScheduled = true
        loop.again(token)
    }

    func spare(_ range: Range<UInt64>, of ring: OutputRing) {
        do {
            try sender.spare(range, of: ring)
        } catch {
            end(.failed(error.code))
        }
    }

    // MARK: Turns

    package func ready(_ token: EventLoop.Token, _ events: Events) {
        if events.rawValue == 0 { isScheduled = false }
        if events.hasAny(of: Events.readable.with(.peerClosed)) { hasInput = true }
        if canReceive, hasInput { receive() }
        // What it said before it left counts.
        if events.hasAny(of: Events.hungUp.with(.failed)) { return end(.left) }
        if self.token != nil { send() }
    }

    private func receive() {
        var room = [UInt8](repeating: 0, count: 16 << 10)
        var count = 0
        while true {
            guard decode() else { return }
            if count >= Self.turn { return wake() }
            var descriptors: UInt64 = 0
            var memory = room.mutableSpan
            switch socket.receive(into: &memory, closedDescriptors: &descriptors) {
            case .bytes(0):
                // It sends no more, and may go on reading.
                canReceive = false
                return
            case .bytes(let got):
                count += got
                decoder.append(room.span.extracting(0..<got))
            case .wouldBlock:
                hasInput = false
                return
            case .failed(let code): return end(code.isPeerGone ? .left : .failed(code))
            }
        }
    }

    /// Hands over the frames that came whole; false when the client is no longer listened to.
    private func decode() -> Bool {
        do {
            while let frame = try decoder.next() {
                if let problem = problem(with: frame) {
                    refuse(problem)
                    return false
                }
                delegate?.received(frame, from: self)
                if token == nil { return false }
            }
            return true
        } catch {
            refuse(error.description)
            return false
        }
    }

    private func problem(with frame: AttachFrame) -> String? {
        guard frame.kind == .input else { return nil }
        if isInputEnded { return "input behind the end of the input" }
        if frame.offset != received { return "input from \(frame.offset) on where \(received) was expected" }
        received += UInt64(frame.payload.count)
        isInputEnded = frame.isEnd
        return received > granted ? "input up to \(received), and \(granted) was granted" : nil
    }

    /// Says why, as the last frame.
    private func refuse(_ why: String) {
        canReceive = false
        ending = .refused(why)
        wake()
    }

    private func send() {
        var left = Self.turn
        while left > 0 {
            if sender.isEmpty {
                do {
                    guard try takeNext() else { return }
                } catch {
                    return end(.failed(error.code))
                }
            }
            switch sender.send(to: socket) {
            case .all(let count): left -= count
            case .full: return  // The loop says when there is room again.
            case .failed(let code): return end(code.isPeerGone ? .left : .failed(code))
            }
        }
        wake()
    }

    /// Puts the next frame together; false when there is none.
    private func takeNext() throws(CaptureError) -> Bool {
        if let ending {
            guard case .refused(let why) = ending, token != nil, !isFarewellTaken else {
                end(ending)
                return false
            }
            isFarewellTaken = true
            sender.take(.error(why))
            return true
        }
        if !isGrantTold {
            isGrantTold = true
            sender.take(.credit(granted))
            return true
        }
        guard let output else { return false }
        switch order.next(output.rings, until: output.end?.offsets) {
        case .bytes(let stream, let range):
            let ring = output.rings[stream.rawValue]
            try sender.take(
                range, of: stream, in: ring, behind: time(of: stream, range.lowerBound, in: ring))
            output.advanced(self)
        case .lost(let stream, let range): sender.take(.gap(range, of: stream))
        case .end(let stream, let offset):
            sender.take(.bytes([], of: stream, offset: offset, isEnd: true))
        case .complete:
            sender.take(.exit(output.end?.result ?? []))
            ending = .finished
        case .nothing: return false
        }
        return true
    }

    private func end(_ end: AttachEnd) {
        guard let token else { return }
        self.token = nil
        loop.remove(socket, token)
        // What the client has not yet read stays readable to it.
        socket.shutdown(.sending)
        output?.forget(self)
        output = nil
        let delegate = delegate
        self.delegate = nil
        delegate?.ended(self, end)
    }
}

extension Errno {
    fileprivate var isPeerGone: Bool { self == .brokenPipe || self == .connectionReset }
}

extension CaptureError {
    fileprivate var code: Errno {
        if case .system(let error) = self { error.errno } else { .invalidArgument }
    }
}
