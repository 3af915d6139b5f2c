import CLinux
package import Linux

/// What clients send to a process's standard input, on its way into the pipe or the terminal, in the order
/// in which it came.
///
/// It holds no more than ``AttachFrame/inputWindow`` for each client that waits for its input to be taken
/// before it sends more. Once nobody reads the input it takes everything and throws it away, so that no
/// client waits for ever.
package final class InputFeed: EventHandler {
    private struct Piece {
        var bytes: ArraySlice<UInt8>
        let taken: (Int) -> Void
    }

    private let loop: EventLoop
    private var target: FileDescriptor?
    private var token: EventLoop.Token?
    /// The next one last.
    private var pieces: [Piece] = []
    private var isClosing = false
    /// Bytes that the process's pipe took.
    package private(set) var delivered: UInt64 = 0

    private init(_ target: consuming FileDescriptor, _ loop: EventLoop) {
        self.loop = loop
        self.target = consume target
    }

    /// - Parameter target: the writing end of the pipe, or a copy of the terminal's master; becomes
    ///   non-blocking.
    package static func make(
        to target: consuming FileDescriptor, on loop: EventLoop
    ) throws(SystemError) -> InputFeed {
        try target.setNonBlocking()
        let feed = InputFeed(target, loop)
        try feed.watch()
        return feed
    }

    /// Whether the process may still get something.
    package var isOpen: Bool { target.numberOrNone >= 0 }

    /// Bytes that wait for the process.
    package var waiting: Int { pieces.reduce(0) { $0 + $1.bytes.count } }

    /// Passes `bytes` on behind what came before.
    /// - Parameter taken: told how many of them have left, piece by piece.
    package func offer(_ bytes: [UInt8], taken: @escaping (Int) -> Void) {
        if isClosing || !isOpen { return taken(bytes.count) }
        pieces.insert(Piece(bytes: bytes[...], taken: taken), at: 0)
        deliver()
    }

    /// The process reads the end of its input behind what waits. Of a terminal this says nothing: there
    /// the end is a character.
    package func finish() {
        isClosing = true
        deliver()
    }

    /// Lets go of the process's input at once, with whatever waits.
    package func close() {
        unwatch()
        let dropped = pieces.reversed()
        pieces = []
        target = nil
        for piece in dropped { piece.taken(piece.bytes.count) }
    }

    package func ready(_ token: EventLoop.Token, _ events: Events) {
        // Nobody reads the pipe any more.
        if events.hasAny(of: .failed) { return close() }
        deliver()
    }

    private func watch() throws(SystemError) {
        switch target {
        case .some(let open):
            token = try loop.add(open, for: [.writable, .edgeTriggered], handler: self)
        case .none: break
        }
    }

    private func unwatch() {
        guard let token else { return }
        self.token = nil
        switch target {
        case .some(let open): loop.remove(open, token)
        case .none: break
        }
    }

    private func deliver() {
        while let piece = pieces.last, isOpen {
            let number = target.numberOrNone
            do {
                let count = try unsafe piece.bytes.span.withUnsafeBufferPointer {
                    (bytes) throws(SystemError) in
                    try call("write") { unsafe clinux_write_quietly(number, bytes.baseAddress, bytes.count) }
                }
                delivered += UInt64(count)
                if count == piece.bytes.count {
                    pieces.removeLast()
                } else {
                    pieces[pieces.count - 1].bytes = piece.bytes.dropFirst(count)
                }
                piece.taken(count)
            } catch  where error.errno == .wouldBlock {
                return
            } catch {
                return close()
            }
        }
        if isClosing, isOpen { close() }
    }
}
