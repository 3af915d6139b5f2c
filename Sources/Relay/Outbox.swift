import Linux

/// Messages of the relay's own on their way to one side, each written whole between forwarded frames.
struct Outbox: ~Copyable {
    /// While more bytes than this wait, nothing is read that could add to them.
    static let full = 16 << 10

    private var bytes: [UInt8] = []
    private var sent = 0

    var isEmpty: Bool { sent == bytes.count }
    var isFull: Bool { bytes.count - sent > Self.full }

    /// - Parameter frame: with its length.
    mutating func add(_ frame: [UInt8]) { bytes += frame }

    /// Lends what waits to `send`, which returns how much of it went.
    mutating func send(_ send: (Span<UInt8>) -> Int) {
        sent += send(bytes.span.extracting(sent...))
        if isEmpty { discard() }
    }

    mutating func discard() {
        bytes = []
        sent = 0
    }
}
