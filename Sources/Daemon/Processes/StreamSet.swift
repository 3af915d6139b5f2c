import Capture
import Linux
import WardenProtocol

/// The descriptors of one process, as they come from the warden.
struct StreamSet: ~Copyable {
    private var input: FileDescriptor?
    private var output: FileDescriptor?
    private var errors: FileDescriptor?
    private var terminal: FileDescriptor?
    private var elbow: FileDescriptor?
    private var outputRing: FileDescriptor?
    private var errorsRing: FileDescriptor?

    init() {}

    mutating func put(_ descriptor: consuming FileDescriptor?, for role: StreamRole) {
        switch role {
        case .input: input = descriptor
        case .output: output = descriptor
        case .errors: errors = descriptor
        case .terminal: terminal = descriptor
        case .elbow: elbow = descriptor
        case .outputRing: outputRing = descriptor
        case .errorsRing: errorsRing = descriptor
        }
    }

    /// Adds the streams to `output`, in their order.
    mutating func connect(to target: ProcessOutput) throws {
        if terminal.numberOrNone >= 0 {
            // Its input goes the same way.
            input = try copyOfTerminal()
            if let master = terminal.take(), let elbow = elbow.take(), let memory = outputRing.take() {
                target.add(
                    try OutputRing.adopt(memory), from: try OutputSource.terminal(master, elbow: elbow))
            }
            return
        }
        if let pipe = output.take(), let memory = outputRing.take() {
            target.add(try OutputRing.adopt(memory), from: OutputSource.pipe(pipe))
        }
        if let pipe = errors.take(), let memory = errorsRing.take() {
            target.add(try OutputRing.adopt(memory), from: OutputSource.pipe(pipe))
        }
    }

    private func copyOfTerminal() throws(SystemError) -> FileDescriptor? {
        switch terminal {
        case .some(let master): try master.duplicate()
        case .none: nil
        }
    }

    /// Takes clients' input on to the process; nil for one that takes none.
    mutating func makeFeed(on loop: EventLoop) throws(SystemError) -> InputFeed? {
        guard let input = input.take() else { return nil }
        return try InputFeed.make(to: input, on: loop)
    }
}
