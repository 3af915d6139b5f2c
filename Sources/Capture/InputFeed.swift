import CLinux
package import Linux

/// Whoever sends input and waits for it to be taken before it sends more.
package protocol InputSender: AnyObject {
    /// So many of its bytes have left, and room for as many is free.
    func inputTaken(_ count: Int)
}

/// What clients send to a process's standard input, on its way into the pipe or the terminal, in the order
/// in which it came.
///
/// It holds what its senders send ahead: ``AttachFrame/inputWindow`` for each that is an ``AttachedReader``.
/// Once nobody reads the input it takes everything and throws it away, so that no sender waits for ever.
package final class InputFeed: EventHandler {
    private let loop: EventLoop
    private var target: FileDescriptor?
    private var token: EventLoop.Token?
    /// Those before `start` have left.
    private var bytes: [UInt8] = []
    private var start = 0
    /// Whose the waiting bytes are. Those before `first` have left.
    private var shares: [(sender: any InputSender, count: Int)] = []
    private var first = 0
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
    package var waiting: Int { bytes.count - start }

    /// Passes `more` on behind what came before, and tells its sender as it leaves.
    package func offer(_ more: [UInt8], from sender: any InputSender) {
        if isClosing || !isOpen { return sender.inputTaken(more.count) }
        if more.isEmpty { return }
        bytes += more
        if first < shares.count, shares[shares.count - 1].sender === sender {
            shares[shares.count - 1].count += more.count
        } else {
            shares.append((sender, more.count))
        }
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
        target = nil
        drop(waiting)
    }

    package func ready(_ token: EventLoop.Token, _ events: Events) {
        // Nobody reads the pipe any more.
        if events.hasAny(of: .failed) { return close() }
        deliver()
    }

    private func watch() throws(SystemError) {
        switch target {
        case .some(let open): token = try loop.add(open, for: [.writable, .edgeTriggered], handler: self)
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
        while waiting > 0, isOpen {
            do {
                let count = try write()
                delivered += UInt64(count)
                drop(count)
            } catch  where error.errno == .wouldBlock {
                return
            } catch {
                return close()
            }
        }
        if isClosing, isOpen { close() }
    }

    private func write() throws(SystemError) -> Int {
        let number = target.numberOrNone
        let rest = bytes[start...]
        return try unsafe rest.span.withUnsafeBufferPointer { (bytes) throws(SystemError) in
            try call("write") { unsafe clinux_write_quietly(number, bytes.baseAddress, bytes.count) }
        }
    }

    /// Forgets the next `count` bytes and tells whose they were.
    private func drop(_ count: Int) {
        start += count
        if start == bytes.count {
            bytes = []
            start = 0
        } else if start > AttachFrame.payloadLimit {
            bytes.removeFirst(start)
            start = 0
        }
        var left = count
        while left > 0, first < shares.count {
            let (sender, owned) = shares[first]
            let part = min(left, owned)
            left -= part
            shares[first].count -= part
            if part == owned { first += 1 }
            if first == shares.count || first > 64 && first * 2 > shares.count {
                shares.removeFirst(first)
                first = 0
            }
            sender.inputTaken(part)
        }
    }
}
