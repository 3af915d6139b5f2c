import CWslay
import Glibc
package import Linux

/// A WebSocket on the loop's thread (RFC 6455): whole messages in, messages out, both bounded.
///
/// wslay does the frames, answers pings and the closing handshake. A peer that does not read is not read
/// from once too much waits for it, and cut off when it took nothing for too long.
@safe package final class WebSocket: EventHandler {
    package enum Message: Hashable, Sendable {
        case text(String)
        case binary([UInt8])
    }

    package struct Limits: Hashable, Sendable {
        /// Bytes of one message that is received; a longer one ends the connection with 1009.
        package var message = 1 << 20
        /// Bytes that may wait to be sent.
        package var waiting = 1 << 20
        /// Time in which a peer that is sent something takes nothing.
        package var stall: BootTime = 30_000_000_000
        /// Time for the peer's half of the closing handshake.
        package var goodbye: BootTime = 5_000_000_000

        package init() {}
    }

    package var onMessage: (Message) -> Void = { _ in }
    /// Everything that waited was sent.
    package var onDrained: () -> Void = {}
    /// Called once; the code is the peer's, 1006 when it ended without one.
    package var onClose: (_ code: UInt16) -> Void = { _ in }

    let loop: EventLoop
    let limits: Limits
    /// Nil when it is over.
    var connection: Upgraded?
    private var token: EventLoop.Token?
    private var watched: Events = []
    private var frames: OpaquePointer?
    private var isReading = true
    private var isReceiving = false
    private var isClosing = false
    /// Bytes that may still be received in this turn, so that one peer does not hold up others.
    var budget = 0
    /// The other end is closed, or the socket broken.
    var isPeerGone = false

    /// Takes over a connection after the 101.
    package static func begin(
        _ connection: Upgraded, on loop: EventLoop, limits: Limits = Limits()
    ) throws(SystemError) -> WebSocket {
        let socket = WebSocket(connection, loop, limits)
        guard socket.startFrames() else {
            throw SystemError("wslay_event_context_server_init", nil, .outOfMemory)
        }
        try connection.socket.value.setNonBlocking()
        socket.watched = .readable
        let token = try loop.add(connection.socket.value, for: .readable, handler: socket)
        socket.token = token
        connection.onStop = { [weak socket] in socket?.close(code: 1001, reason: "the server stops") }
        // What came with the request shows on no descriptor.
        if !connection.early.isEmpty { loop.again(token) }
        return socket
    }

    private init(_ connection: Upgraded, _ loop: EventLoop, _ limits: Limits) {
        self.connection = connection
        self.loop = loop
        self.limits = limits
    }

    deinit { unsafe wslay_event_context_free(frames) }

    private func startFrames() -> Bool {
        let own = unsafe Unmanaged.passUnretained(self).toOpaque()
        guard let made = unsafe makeFrames(own, maximum: limits.message) else { return false }
        unsafe frames = made
        return true
    }

    /// Bytes that wait to be sent.
    package var waitingBytes: Int {
        guard connection != nil else { return 0 }
        return unsafe wslay_event_get_queued_msg_length(frames)
    }

    package var isOpen: Bool { connection != nil && !isClosing }

    /// Sends a message when there is room for it, or nothing waits at all.
    ///
    /// - Returns: false when too much waits already (``onDrained`` tells when not) or it is over.
    package func send(_ message: Message) -> Bool {
        switch message {
        case .text(let text): send(Array(text.utf8).span, opcode: 1)
        case .binary(let bytes): send(bytes.span, opcode: 2)
        }
    }

    /// The same for bytes that are elsewhere.
    package func send(binary bytes: Span<UInt8>) -> Bool { send(bytes, opcode: 2) }

    private func send(_ bytes: Span<UInt8>, opcode: UInt8) -> Bool {
        guard isOpen, waitingBytes == 0 || waitingBytes + bytes.count <= limits.waiting else { return false }
        let queued = unsafe bytes.withUnsafeBufferPointer { buffer in
            var message = unsafe wslay_event_msg(
                opcode: opcode, msg: buffer.baseAddress, msg_length: buffer.count)
            return unsafe wslay_event_queue_msg(frames, &message)
        }
        flush()
        return queued == 0
    }

    /// Begins the closing handshake; what waits is sent before.
    package func close(code: UInt16 = 1000, reason: String = "") {
        guard isOpen else { return }
        isClosing = true
        let text = Array(reason.utf8.prefix(120))
        unsafe text.span.withUnsafeBufferPointer { buffer in
            _ = unsafe wslay_event_queue_close(frames, code, buffer.baseAddress, buffer.count)
        }
        connection?.cutOff(at: Timer.now + limits.goodbye)
        flush()
    }

    /// Ends it without a word.
    package func abort() { finish() }

    /// Whether messages are received. Those that are half received when it becomes false still come.
    package var isReadingEnabled: Bool {
        get { isReading }
        set {
            isReading = newValue
            guard let token else { return }
            updateInterest()
            // What wslay has buffered shows on no descriptor.
            if newValue { loop.again(token) }
        }
    }

    /// A peer that only sends pings would fill the memory with answers.
    var mayReceive: Bool {
        if isPeerGone { return true }
        let messages = unsafe wslay_event_get_queued_msg_count(frames)
        return isReading && messages < 1_024 && waitingBytes < limits.waiting
    }

    // MARK: events

    package func ready(_ token: EventLoop.Token, _ events: Events) {
        guard connection != nil else { return }
        if events.hasAny(of: [.hungUp, .failed]) { isPeerGone = true }
        receive()
        flush()
    }

    private func receive() {
        guard mayReceive, unsafe wslay_event_want_read(frames) != 0 else { return }
        budget = 256 << 10
        isReceiving = true
        // An owner that closes or lets go meanwhile does not take the memory away from below.
        let result = withExtendedLifetime(self) { unsafe wslay_event_recv(frames) }
        isReceiving = false
        guard result != 0 else { return }
        if !isPeerGone, waitingBytes == 0 {
            // A frame that is none: wslay would say goodbye without a reason. 1002 is "protocol error".
            _ = connection?.socket.value.send([0x88, 2, 0x03, 0xEA].span)
        }
        finish()
    }

    private func flush() {
        guard connection != nil, !isReceiving else { return }
        let before = waitingBytes
        let hadSomething = unsafe wslay_event_want_write(frames) != 0
        guard unsafe wslay_event_send(frames) == 0 else { return finish() }
        let wantsMore = unsafe wslay_event_want_write(frames) != 0
        if !wantsMore, unsafe wslay_event_want_read(frames) == 0 { return finish() }
        // Cleared when everything is sent, begun anew when something was.
        if !isClosing, !wantsMore || waitingBytes != before || !hasStallLimit {
            hasStallLimit = wantsMore
            connection?.cutOff(at: wantsMore ? Timer.now + limits.stall : nil)
        }
        updateInterest()
        if hadSomething, !wantsMore { onDrained() }
    }

    private var hasStallLimit = false

    private func updateInterest() {
        guard let connection, let token else { return }
        var events: Events = []
        if mayReceive, unsafe wslay_event_want_read(frames) != 0 { events = .readable }
        if unsafe wslay_event_want_write(frames) != 0 { events = events.with(.writable) }
        guard events != watched else { return }
        watched = events
        // Fails only for a descriptor that is not watched.
        try? loop.change(connection.socket.value, token, to: events)
    }

    private func finish() {
        guard let connection, let token else { return }
        let code = unsafe wslay_event_get_status_code_received(frames)
        loop.remove(connection.socket.value, token)
        self.token = nil
        self.connection = nil
        connection.onStop = nil
        // 0 and 1005 stand for a close without a code.
        let known = unsafe wslay_event_get_close_received(frames) != 0
        let action = onClose
        onMessage = { _ in }
        onDrained = {}
        onClose = { _ in }
        action(known ? (code == 0 ? 1005 : code) : 1006)
    }
}
