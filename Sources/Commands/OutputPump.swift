import CLinux
import Glibc
import Linux
import Synchronization

/// Moves what one stream of the sandbox writes to a stream of ours, without ever blocking, so that
/// a reader of ours who does not read stops neither the time limit nor a signal.
///
/// The sandbox gets a pipe and not our own stream: a terminal or a file of the host's has no
/// business inside (ioctl TIOCSTI, and /proc/self/fd shows its path).
struct OutputPump: ~Copyable {
    private enum Way { case splice, write, send }

    /// Nil once it has ended, or nobody reads what comes out of it: the sandbox then gets SIGPIPE, as
    /// in a pipeline.
    private var source: FileDescriptor?
    private let target: CInt
    /// Our terminal, opened once more so that a write to it need not block: the open file
    /// description of `target` is shared with others, who may not expect that.
    private let terminal: FileDescriptor?
    private var way: Way
    /// Read and not yet written; the copying ways only.
    private var pending: [UInt8] = []
    /// What comes behind the end of the source, the next piece last.
    private var closing: [[UInt8]] = []
    private var waitsForTarget = false
    /// Whether our own messages come behind what is delivered here, so that its last line matters.
    private let sharesErrors: Bool
    /// Whether what is read is kept elsewhere, and nothing is written until the end.
    private var isKept = false
    private var isStopped = false
    private var isAbandoned = false
    /// Bytes that the sandbox wrote and that were delivered.
    private(set) var delivered: UInt64 = 0
    /// Bytes that were taken from the pipe, delivered or not.
    private(set) var taken: UInt64 = 0

    /// - Parameters:
    ///   - source: the reading end of the pipe.
    ///   - target: 1 or 2; not closed.
    ///   - copying: never by splice(2), which not every kernel can do with a terminal. Standard error is
    ///     always copied: what is spliced nobody sees, and the last byte tells whether a line is open.
    init(from source: consuming FileDescriptor, to target: CInt, copying: Bool = false) {
        let way = OutputPump.way(to: target)
        // By a name of its own: Swift 6.3 destroys `source`, uninitialised, when a property of a value
        // that cannot be copied is read before all are there, and so closes descriptor 0.
        let sharesErrors = OutputPump.sharesErrors(target)
        self.sharesErrors = sharesErrors
        self.way = (copying || sharesErrors) && way == .splice ? .write : way
        terminal = isatty(target) == 1 ? try? OutputPump.reopened(target) : nil
        self.target = terminal.numberOrNone >= 0 ? terminal.numberOrNone : target
        _ = fcntl(source.number, F_SETFL, O_NONBLOCK)
        self.source = consume source
    }

    /// A stream that there is not.
    init() {
        way = .write
        sharesErrors = false
        target = -1
        terminal = nil
        source = nil
    }

    /// Whether there may be more to deliver.
    var isOpen: Bool { isReading || holdsBytes || !closing.isEmpty }
    /// Whether the sandbox may write more.
    var isReading: Bool { source.numberOrNone >= 0 }
    /// Whether bytes were taken that are not delivered yet.
    var holdsBytes: Bool { !pending.isEmpty }

    /// Only into pipes and files splice(2) does not block: to terminals it writes as write(2) does,
    /// and one whose output is stopped would stop us.
    private static func way(to target: CInt) -> Way {
        var status = stat()
        guard unsafe fstat(target, &status) == 0 else { return .write }
        switch status.st_mode & S_IFMT {
        case S_IFIFO, S_IFREG: return .splice
        case S_IFSOCK: return .send
        default: return .write
        }
    }

    /// Whether `target` is standard error, be it by another number as after `2>&1`.
    private static func sharesErrors(_ target: CInt) -> Bool {
        if target == 2 { return true }
        var status = stat()
        var errors = stat()
        guard unsafe fstat(target, &status) == 0, unsafe fstat(2, &errors) == 0 else { return false }
        return status.st_dev == errors.st_dev && status.st_ino == errors.st_ino
    }

    private static func reopened(_ target: CInt) throws(SystemError) -> FileDescriptor {
        try FileDescriptor.open("/proc/self/fd/\(target)", O_WRONLY | O_NONBLOCK | O_NOCTTY)
    }

    /// What to wait for: the pipe, or our stream while that is full.
    var interest: pollfd {
        guard isOpen else { return pollfd(fd: -1, events: 0, revents: 0) }
        return waitsForTarget || !isReading
            ? pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
            : pollfd(fd: source.numberOrNone, events: Int16(POLLIN), revents: 0)
    }

    /// Moves what can be moved now.
    /// - Parameter most: how many bytes may still be taken from the pipe, in all.
    /// - Returns: whether there are more than that, of which none was taken.
    @discardableResult
    mutating func move(atMost most: UInt64 = .max) -> Bool {
        guard isOpen else { return false }
        if most == 0, pending.isEmpty, isReading { return findsMore() }
        switch way {
        case .splice where isReading: splice(most)
        case .splice, .write, .send: copy(most)
        }
        return false
    }

    // MARK: Keeping

    /// Takes what is in the pipe without delivering it.
    /// - Returns: nil when there is nothing now, or nothing any more.
    mutating func readOn() -> [UInt8]? {
        isKept = true
        waitsForTarget = false
        guard isReading else { return nil }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let number = source.numberOrNone
        let count = unsafe read(number, &buffer, buffer.count)
        if count == 0 { source = nil }
        if count < 0, errno != EINTR, errno != EAGAIN { source = nil }
        guard count > 0 else { return nil }
        taken += UInt64(count)
        buffer.removeLast(buffer.count - count)
        return buffer
    }

    /// Where nothing is written for now: shows an error when nobody reads our stream any more, which a
    /// write would have found.
    var readerInterest: pollfd {
        pollfd(fd: isKept && isReading ? target : -1, events: 0, revents: 0)
    }

    /// Nobody reads our stream any more: the sandbox gets SIGPIPE.
    mutating func abandon() {
        source = nil
        pending = []
        isAbandoned = true
    }

    /// Delivers `pieces` behind everything else; the source has ended.
    mutating func finish(with pieces: [[UInt8]]) {
        if !isAbandoned { closing = pieces.reversed() }
    }

    /// Whether the pipe holds bytes, none of which is taken. Closes it at its end.
    private mutating func findsMore() -> Bool {
        waitsForTarget = false
        var ready = pollfd(fd: source.numberOrNone, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&ready, 1, 0)
        // Asked in this order: behind a hang-up nothing is added any more.
        var count: CInt = 0
        if unsafe ioctl(source.numberOrNone, UInt(FIONREAD), &count) == 0, count > 0 { return true }
        if ready.revents & Int16(POLLHUP) != 0 { source = nil }
        return false
    }

    /// Delivers what was taken and leaves the rest.
    mutating func stop() {
        isStopped = true
        if pending.isEmpty { source = nil }
    }

    private mutating func splice(_ most: UInt64) {
        let flags = UInt32(CLINUX_SPLICE_MOVE | CLINUX_SPLICE_NONBLOCK)
        let count = clinux_splice(source.numberOrNone, target, Int(clamping: min(most, 1 << 16)), flags)
        if count > 0 {
            taken += UInt64(count)
            delivered += UInt64(count)
            waitsForTarget = false
        } else if count == 0 {
            source = nil
        } else {
            failed(errno)
        }
    }

    private mutating func failed(_ error: Int32) {
        switch error {
        case EINTR: break
        // Either the pipe is empty or our stream is full: the one that is not ready is waited for.
        case EAGAIN: waitsForTarget = !waitsForTarget && hasInput
        // Files opened for appending take no splice.
        case EINVAL where way == .splice:
            way = .write
            waitsForTarget = false
        default:  // nobody reads any more
            abandon()
            closing = []
        }
    }

    private var hasInput: Bool {
        var ready = pollfd(fd: source.numberOrNone, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&ready, 1, 0) > 0
    }

    private mutating func copy(_ most: UInt64) {
        if pending.isEmpty, !isReading {
            guard let piece = closing.popLast() else { return }
            pending = Array(piece.prefix(4096))
            if piece.count > 4096 { closing.append(Array(piece.dropFirst(4096))) }
        }
        if pending.isEmpty {
            // No more than a pipe takes without blocking once poll says that it is ready.
            var buffer = [UInt8](repeating: 0, count: Int(clamping: min(most, 4096)))
            let number = source.numberOrNone
            let count = unsafe read(number, &buffer, buffer.count)
            // A terminal ends with EIO, and is no stream that nobody reads.
            if count == 0 || (count < 0 && errno == EIO) {
                source = nil
            } else if count < 0 {
                failed(errno)
            }
            guard count > 0 else { return }
            taken += UInt64(count)
            pending = Array(buffer.prefix(count))
        }
        var ready = pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
        waitsForTarget = unsafe poll(&ready, 1, 0) == 0
        if waitsForTarget { return }
        let count =
            way == .send
            ? unsafe send(target, pending, pending.count, CInt(MSG_DONTWAIT))
            : unsafe write(target, pending, pending.count)
        guard count > 0 else {
            if errno == EAGAIN { waitsForTarget = true } else { failed(errno) }
            return
        }
        delivered += UInt64(count)
        if sharesErrors { Terminal.hasOpenLine.store(pending[count - 1] != 0x0A, ordering: .relaxed) }
        pending.removeFirst(count)
        waitsForTarget = !pending.isEmpty
        if isStopped, pending.isEmpty { source = nil }
    }
}

/// Moves our standard input into the sandbox (`-i`).
struct InputPump: ~Copyable {
    private var target: FileDescriptor?
    private var pending: [UInt8] = []

    /// - Parameter target: the writing end of the sandbox's standard input; nil for none.
    init(to target: consuming FileDescriptor?) {
        self.target = target
        if self.target.numberOrNone >= 0 { _ = fcntl(self.target.numberOrNone, F_SETFL, O_NONBLOCK) }
    }

    var interest: pollfd {
        let number = target.numberOrNone
        if number < 0 { return pollfd(fd: -1, events: 0, revents: 0) }
        return pending.isEmpty
            ? pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
            : pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    }

    mutating func move() {
        guard target.numberOrNone >= 0 else { return }
        if pending.isEmpty {
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = unsafe read(0, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { return }
            guard count > 0 else { return close() }
            pending = Array(buffer.prefix(count))
        }
        let count = unsafe write(target.numberOrNone, pending, pending.count)
        if count > 0 {
            pending.removeFirst(count)
        } else if errno != EAGAIN, errno != EINTR {
            close()
        }
    }

    /// The sandbox reads end of file.
    mutating func close() { target = nil }
}
