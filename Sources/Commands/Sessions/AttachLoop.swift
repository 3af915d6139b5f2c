import CLinux
import Capture
import Glibc
import Linux
import Sandbox
import Tables

/// What becomes of a connection to a process.
enum AttachOutcome: Hashable {
    case ended(ProcessEnd)
    /// The user let go of it.
    case detached
    /// The connection ended before the process did.
    case lost
    /// Everything that was asked for was shown.
    case complete
    /// Nobody reads what we write.
    case unread
    /// We were asked to end.
    case asked(Int32)
    case failed(String)
}

/// Moves bytes between our standard streams and a process, over as many connections as it takes, on one
/// thread and with poll(2): nothing is buffered beyond what one frame holds, so that a slow reader of ours
/// slows the process down.
final class AttachLoop {
    struct Options {
        /// Whether standard input goes to the process, and whether its end does.
        var takesInput = false
        var endsInput = false
        /// Whether it has a terminal, which has the size of ours.
        var hasTerminal = false
        /// Whether signals go to the process instead of ending us.
        var forwardsSignals = false
        var keys: DetachKeys?
        /// Which streams are shown.
        var shown: [Bool] = [true, true]
        /// Whether each line begins with the time at which it came.
        var stamps = false
        /// Nothing from this moment on.
        var until: WallTime?
    }

    let options: Options
    /// How far each stream was shown.
    var offsets: [UInt64] = [0, 0]
    /// How far each stream is to be shown; nil for all there is and will be.
    var stops: [UInt64]?
    let screen: UserScreen?
    private let command: String
    private let signals: FileDescriptor
    private var keys: DetachKeys?
    private var output = StreamWriter(to: 1)
    private var errors = StreamWriter(to: 2)
    private(set) var isInputOver: Bool
    private var isOver = false
    private var asked = 0
    private var stamps = [LineStamp(), LineStamp()]
    private var isUnknownTimeTold = false

    /// Takes signals over; the terminal stays as it is until ``run(_:)``.
    /// - Parameter command: whose notices begin with its name.
    init(_ command: String, _ options: Options, screen: UserScreen? = nil) throws(CommandError) {
        self.command = command
        self.options = options
        self.screen = screen
        keys = options.keys
        isInputOver = !options.takesInput
        // SIGPIPE too: a reader of ours that went away is an error of write(2) first.
        let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGWINCH, SIGCONT]
        let number = unsafe clinux_signalfd(numbers, numbers.count)
        guard number >= 0 else { throw CommandError("signalfd: \(Errno(rawValue: errno))") }
        signals = FileDescriptor(owning: number)
    }

    /// A line for the user.
    func notice(_ text: String) {
        Terminal.error((screen?.isRaw ?? false ? "\r" : "") + "corral \(command): \(text)")
    }

    /// Until the connection or our work is over.
    func run(_ connection: AttachConnection) -> AttachOutcome {
        isOver = false
        if let screen, !screen.isRaw { screen.enter() }
        resize(connection)
        // Of a daemon that ended before it took the end of the input.
        if isInputOver, options.takesInput, options.endsInput { connection.send(input: [], isEnd: true) }
        while true {
            if let outcome = deliver(connection) { return outcome }
            let isWriting = !output.isEmpty || !errors.isEmpty
            var ready = [
                pollfd(fd: signals.number, events: Int16(POLLIN), revents: 0),
                connection.interest(receiving: !isWriting && !isOver),
                output.interest, errors.interest,
                pollfd(
                    fd: isInputOver || connection.allowance == 0 ? -1 : 0, events: Int16(POLLIN), revents: 0),
            ]
            let count = unsafe poll(&ready, nfds_t(ready.count), timeout)
            if count < 0, errno != EINTR { return .failed("poll: \(Errno(rawValue: errno))") }
            if timeout == 0 { return .complete }
            if count <= 0 { continue }
            if ready[0].revents != 0, let outcome = signalled(connection) { return outcome }
            if ready[1].revents != 0 { exchange(connection, ready[1]) }
            if ready[4].revents != 0, let outcome = read(connection) { return outcome }
        }
    }

    private func exchange(_ connection: AttachConnection, _ ready: pollfd) {
        if ready.revents & Int16(POLLOUT) != 0 { connection.flush() }
        guard ready.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { return }
        if !connection.receive() { isOver = true }
    }

    /// Milliseconds until what comes is no longer asked for.
    private var timeout: CInt {
        guard let until = options.until else { return -1 }
        return CInt(clamping: max(0, until.milliseconds - WallTime.now.milliseconds))
    }

    // MARK: What comes

    /// Writes what came, as far as it is read.
    /// - Returns: nil when there is something to wait for.
    private func deliver(_ connection: AttachConnection) -> AttachOutcome? {
        while true {
            switch output.write() {
            case .all: break
            case .full: return nil
            case .closed: return .unread
            }
            switch errors.write() {
            case .all: break
            case .full: return nil
            case .closed: return .unread
            }
            if isComplete { return .complete }
            do throws(AttachFrameError) {
                guard let frame = try connection.next() else { return isOver ? .lost : nil }
                if let outcome = take(frame) { return outcome }
            } catch {
                return .failed(error.description)
            }
        }
    }

    private var isComplete: Bool {
        guard let stops else { return false }
        return zip(offsets, stops).enumerated().allSatisfy { !options.shown[$0] || $1.0 >= $1.1 }
    }

    private func take(_ frame: AttachFrame) -> AttachOutcome? {
        switch frame.kind {
        case .output: show(frame, .output)
        case .errors: show(frame, .errors)
        case .gap:
            guard let (stream, range) = frame.lost else { break }
            offsets[stream.rawValue] = range.upperBound
            guard options.shown[stream.rawValue] else { break }
            let name = stream == .errors ? "standard error" : "standard output"
            notice("\(range.count) bytes of \(name) are no longer kept and left out here")
        case .time:
            guard let (stream, milliseconds) = frame.time else { break }
            stamp(stream, milliseconds)
        case .exit: return .ended(ProcessEnd(frame.payload))
        case .error: return .failed(String(decoding: frame.payload, as: UTF8.self))
        case .input, .resize, .signal, .credit, .leave: break
        }
        return nil
    }

    private func show(_ frame: AttachFrame, _ stream: OutputStream) {
        let index = stream.rawValue
        var bytes = frame.payload
        if let stop = stops?[index] {
            bytes = Array(bytes.prefix(Int(clamping: stop - min(stop, frame.offset))))
        }
        offsets[index] = frame.offset + UInt64(frame.payload.count)
        guard options.shown[index] else { return }
        if options.stamps { bytes = stamps[index].stamped(bytes) }
        if stream == .output { output.take(bytes) } else { errors.take(bytes) }
    }

    private func stamp(_ stream: OutputStream, _ milliseconds: UInt64) {
        let index = stream.rawValue
        stamps[index].time = milliseconds == 0 ? nil : WallTime(milliseconds: Int64(clamping: milliseconds))
        guard milliseconds == 0, options.shown[index], !isUnknownTimeTold else { return }
        isUnknownTimeTold = true
        notice("it is no longer known when it wrote what has - in place of a time")
    }

    // MARK: What goes

    private func read(_ connection: AttachConnection) -> AttachOutcome? {
        var buffer = [UInt8](repeating: 0, count: connection.allowance)
        if buffer.isEmpty { return nil }
        let count = unsafe Glibc.read(0, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return nil }
        guard count > 0 else {
            isInputOver = true
            if options.endsInput { connection.send(input: [], isEnd: true) }
            return nil
        }
        buffer.removeLast(buffer.count - count)
        guard screen != nil, var keys else {
            connection.send(input: buffer)
            return nil
        }
        let (passed, isComplete) = keys.pass(buffer)
        self.keys = keys
        if !passed.isEmpty { connection.send(input: passed) }
        guard isComplete else { return nil }
        connection.send(.leave)
        connection.drain()
        return .detached
    }

    private func signalled(_ connection: AttachConnection?) -> AttachOutcome? {
        while true {
            let number = clinux_signalfd_read(signals.number)
            switch number {
            case ..<1: return nil
            case SIGPIPE: continue
            case SIGWINCH: if let connection { resize(connection) }
            case SIGCONT:
                screen?.goOn()
                if let connection { resize(connection) }
            default:
                // Who insists means us.
                asked += 1
                guard options.forwardsSignals, screen == nil, asked < 3, let connection else {
                    return .asked(number)
                }
                connection.send(.signal(UInt8(number)))
            }
        }
    }

    private func resize(_ connection: AttachConnection) {
        guard options.hasTerminal, let size = UserScreen.size else { return }
        connection.send(.resize(columns: size.columns, rows: size.rows))
    }

    /// Waits a moment, without a connection.
    func pause(milliseconds: CInt) -> AttachOutcome? {
        var ready = pollfd(fd: signals.number, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&ready, 1, milliseconds) > 0 ? signalled(nil) : nil
    }

    /// Ends us as a program in a pipeline ends whose reader is gone.
    func endOfPipe() -> Int32 {
        screen?.restore()
        _ = signal(SIGPIPE, SIG_DFL)
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGPIPE)
        unsafe sigprocmask(SIG_UNBLOCK, &set, nil)
        raise(SIGPIPE)
        return ExitCode.signal(SIGPIPE)
    }
}
