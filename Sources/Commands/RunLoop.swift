import CLinux
import Glibc
import Launch
import Linux
import Sandbox

/// The life of one sandbox as `corral run` sees it: what the init reports, signals, the time limit
/// and the program's streams, in one poll(2) loop of one thread.
final class RunLoop {
    /// Why the program was never running.
    enum StartFailure: Sendable {
        case launch(LaunchError)
        case relay(String)
        case process(ProcessStartError)
    }

    /// What is known once the sandbox is dead and its output delivered.
    struct Ended: Sendable {
        var facts = RunFacts()
        var startFailure: StartFailure?
        /// Times on CLOCK_BOOTTIME, in nanoseconds; nil where it did not come to that.
        var started: UInt64?
        var exited: UInt64?
        var exit: ProcessExit?
    }

    private let sandbox: RunningSandbox
    private let request: ProcessRequest
    private let signals: CInt
    private let timeout: UInt64?
    private let outputLimit: UInt64?
    private var input: InputPump
    private var output: OutputPump
    private var errors: OutputPump
    /// The sandbox's ends of the streams, until the program has them.
    private var ends: Held<StreamEnds>?
    private var timer: Held<FileDescriptor>?
    private var ended = Ended()
    private var isOver = false

    /// - Parameters:
    ///   - signals: a signalfd of the signals that end the run; not closed.
    ///   - timeout: in milliseconds, from the program's start.
    ///   - outputLimit: the most bytes of both streams together; nil for any number.
    static func make(
        _ sandbox: RunningSandbox, _ request: ProcessRequest, signals: CInt, interactive: Bool,
        timeout: UInt64?, outputLimit: UInt64?
    ) throws(SystemError) -> RunLoop {
        let output = try streamPipe()
        let errors = try streamPipe()
        if interactive {
            let input = try streamPipe()
            return RunLoop(
                sandbox, request, signals, timeout, outputLimit, InputPump(to: input.writing),
                OutputPump(from: output.reading, to: 1), OutputPump(from: errors.reading, to: 2),
                StreamEnds(input: input.reading, output: output.writing, errors: errors.writing))
        }
        return RunLoop(
            sandbox, request, signals, timeout, outputLimit, InputPump(to: nil),
            OutputPump(from: output.reading, to: 1), OutputPump(from: errors.reading, to: 2),
            StreamEnds(input: nil, output: output.writing, errors: errors.writing))
    }

    /// A pipe that the program may open again, as scripts do by /dev/stderr: it belongs to the caller,
    /// who is another user than the program. Nobody else can reach it (proc_pid_fd(5)).
    private static func streamPipe() throws(SystemError) -> Pipe {
        let pipe = try Pipe.make()
        let number = pipe.writing.number
        _ = try call("fchmod", on: "pipe") { fchmod(number, 0o666) }
        return pipe
    }

    private init(
        _ sandbox: RunningSandbox, _ request: ProcessRequest, _ signals: CInt, _ timeout: UInt64?,
        _ outputLimit: UInt64?, _ input: consuming InputPump, _ output: consuming OutputPump,
        _ errors: consuming OutputPump,
        _ ends: consuming StreamEnds
    ) {
        self.sandbox = sandbox
        self.request = request
        self.signals = signals
        self.timeout = timeout
        self.outputLimit = outputLimit
        self.input = input
        self.output = output
        self.errors = errors
        self.ends = Held(ends)
    }

    /// - Parameters:
    ///   - relay: connects the sandbox's socket before the program is started.
    ///   - policy: what the relay lets through.
    ///   - peer: the uid on the host that the plugin has.
    ///   - kill: ends everything in the sandbox and waits for it.
    func run(
        _ relay: RunRelay?, policy: RelayPolicy, peer: UInt32, kill: () -> Void
    ) throws(SystemError) -> Ended {
        let waitsForRelay = relay != nil
        // Without a relay the request is there before the init asks for it.
        if !waitsForRelay { try startProcess() }
        while !isOver {
            var ready = [
                pollfd(fd: sandbox.controlNumber, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
                pollfd(fd: timer?.value.number ?? -1, events: Int16(POLLIN), revents: 0),
                output.interest, errors.interest, input.interest,
                pollfd(fd: relay?.news ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            // The program can write before its init has said that it started. Whoever reads that may take
            // the launch for over, so it is.
            if ended.started == nil { (ready[3].fd, ready[4].fd) = (-1, -1) }
            _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), -1) }
            if ready[3].revents != 0 { moveOutput() }
            if ready[4].revents != 0 { moveErrors() }
            if ready[5].revents != 0 { input.move() }
            if ready[0].revents != 0 { try control(relay, policy, peer) }
            if ready[1].revents != 0 { signal() }
            // What it was is with the relay's totals.
            if ready[6].revents != 0, relay?.tell() == true { isOver = true }
            if ready[2].revents != 0, !isOver {
                ended.facts.timedOut = true
                isOver = true
            }
        }
        ends = nil
        input.close()
        kill()
        try drain()
        return ended
    }

    private func startProcess() throws(SystemError) {
        guard let held = ends else { return }
        try sandbox.start(
            request, as: 1, endsSandbox: true, input: held.value.input, output: held.value.output,
            errors: held.value.errors)
        // Ours are closed, so that the pipes end when the sandbox's last process does.
        ends = nil
    }

    private func control(_ relay: RunRelay?, _ policy: RelayPolicy, _ peer: UInt32) throws(SystemError) {
        switch try sandbox.receive() {
        case .ready:
            guard relay != nil else { return }
            if let problem = relay?.start(sandbox.takeListener(), policy: policy, peer: peer) {
                ended.startFailure = .relay(problem)
                isOver = true
                return
            }
            try startProcess()
        case .started:
            ended.started = clinux_boottime()
            if let timeout {
                let nanoseconds = max(1, timeout * 1_000_000)
                let number = try call("timerfd_create") { clinux_timerfd(nanoseconds) }
                timer = Held(FileDescriptor(owning: number))
            }
        case .startFailed(_, let error):
            ended.startFailure = .process(error)
            isOver = true
        case .exited(_, let exit):
            ended.exited = clinux_boottime()
            ended.exit = exit
            ended.facts.status = exit.status
            isOver = true
        case .gone:
            isOver = true
            if ended.started == nil { try failedLaunch() }
        }
    }

    private func failedLaunch() throws(SystemError) {
        try sandbox.reap()
        ended.startFailure = .launch(try sandbox.failure())
    }

    private func signal() {
        let number = clinux_signalfd_read(signals)
        guard number > 0, number != SIGPIPE, !isOver else { return }
        ended.facts.askedBy = number
        isOver = true
    }

    // MARK: Output

    /// How many bytes more the program may write.
    private var allowance: UInt64 {
        guard let outputLimit else { return .max }
        return outputLimit - min(outputLimit, output.taken + errors.taken)
    }

    private func moveOutput() {
        if output.move(atMost: allowance) { exceeded() }
    }

    private func moveErrors() {
        if errors.move(atMost: allowance) { exceeded() }
    }

    /// All up to the limit is delivered, nothing behind it.
    private func exceeded() {
        ended.facts.outputExceeded = true
        isOver = true
        output.stop()
        errors.stop()
    }

    /// Delivers what the dead sandbox has written. A second signal gives up on a reader of ours who
    /// does not read.
    private func drain() throws(SystemError) {
        while output.isOpen || errors.isOpen {
            var ready = [
                pollfd(fd: signals, events: Int16(POLLIN), revents: 0), output.interest, errors.interest,
            ]
            _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), -1) }
            if ready[1].revents != 0 { moveOutput() }
            if ready[2].revents != 0 { moveErrors() }
            if ready[0].revents != 0, clinux_signalfd_read(signals) != SIGPIPE { return }
        }
    }
}

/// The ends of the standard streams that the program gets.
struct StreamEnds: ~Copyable {
    let input: FileDescriptor?
    let output: FileDescriptor
    let errors: FileDescriptor
}
