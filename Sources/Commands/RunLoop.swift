import CLinux
import Glibc
import Launch
import Linux
import Preparation
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
        var output = OutputTotals()
        /// Times on CLOCK_BOOTTIME, in nanoseconds; nil where it did not come to that.
        var started: UInt64?
        var exited: UInt64?
        var exit: ProcessExit?
    }

    private let sandbox: RunningSandbox
    private let request: ProcessRequest
    private let signals: CInt
    private let timeout: UInt64?
    private let limit: OutputPolicy
    private let watch: LimitWatch?
    private let terminal: TerminalSession?
    /// What is behind the head, where output that is too long does not end the program.
    private var tails: OutputTails
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
    ///   - limit: of both streams together.
    ///   - watch: what else there is to look at while the program runs.
    ///   - terminal: in place of pipes.
    static func make(
        _ sandbox: RunningSandbox, _ request: ProcessRequest, signals: CInt, interactive: Bool,
        timeout: UInt64?, limit: OutputPolicy, watch: LimitWatch?, terminal: TerminalSession? = nil
    ) throws(SystemError) -> RunLoop {
        if terminal != nil {
            // Its streams are there once the sandbox is.
            return RunLoop(
                sandbox, request, signals, timeout, limit, watch, InputPump(to: nil), OutputPump(),
                OutputPump(), nil, terminal)
        }
        let output = try streamPipe()
        let errors = try streamPipe()
        if interactive {
            let input = try streamPipe()
            return RunLoop(
                sandbox, request, signals, timeout, limit, watch, InputPump(to: input.writing),
                OutputPump(from: output.reading, to: 1), OutputPump(from: errors.reading, to: 2),
                StreamEnds(input: input.reading, output: output.writing, errors: errors.writing))
        }
        return RunLoop(
            sandbox, request, signals, timeout, limit, watch, InputPump(to: nil),
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
        _ limit: OutputPolicy, _ watch: LimitWatch?, _ input: consuming InputPump,
        _ output: consuming OutputPump,
        _ errors: consuming OutputPump,
        _ ends: consuming StreamEnds?, _ terminal: TerminalSession? = nil
    ) {
        self.sandbox = sandbox
        self.request = request
        self.signals = signals
        self.timeout = timeout
        self.limit = limit
        self.watch = watch
        tails = OutputTails(capacity: Int(clamping: (limit.limit ?? 0) / 2))
        self.input = input
        self.output = output
        self.errors = errors
        self.terminal = terminal
        switch consume ends {
        case .some(let ends): self.ends = Held(ends)
        case .none: self.ends = nil
        }
    }

    /// - Parameters:
    ///   - relay: connects the sandbox's socket before the program is started.
    ///   - policy: what the relay lets through.
    ///   - peer: the uid on the host that the plugin has.
    ///   - kill: ends everything in the sandbox and waits for it.
    func run(
        _ relay: RunRelay?, policy: RelayPolicy, peer: UInt32, kill: () -> Void
    ) throws(SystemError) -> Ended {
        let waitsForReady = relay != nil || terminal != nil
        // Without a relay the request is there before the init asks for it.
        if !waitsForReady { try startProcess() }
        while !isOver {
            var ready = interests(relay)
            _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), -1) }
            func told(_ source: Source) -> Bool { ready[source.rawValue].revents != 0 }
            if told(.output) { moveOutput() }
            if told(.errors) { moveErrors() }
            if told(.outputReader) { output.abandon() }
            if told(.errorsReader) { errors.abandon() }
            if told(.input) { input.move() }
            if told(.control) { try control(relay, policy, peer) }
            if told(.signals) { signal() }
            // What it was is with the relay's totals.
            if told(.relay), relay?.tell() == true { isOver = true }
            if told(.terminal) { terminal?.signalled() }
            if told(.timeout), !isOver {
                ended.facts.timedOut = true
                isOver = true
            }
            if told(.cpuTime) || told(.pids), !isOver { try look() }
        }
        ends = nil
        input.close()
        // Before the kill, in which a bomb may still be refused a process.
        ended.facts.pidsExceeded = watch?.hasRefusedProcess ?? false
        kill()
        if let terminal, !terminal.end() { output.stop() }
        try drain()
        ended.output = OutputTotals(output: output.taken, errors: errors.taken)
        ended.facts.outputLeftOut = tails.leftOut
        return ended
    }

    /// What the loop waits for, in the order of its descriptors.
    private enum Source: Int, CaseIterable {
        case control, signals, timeout, output, errors, input, outputReader, errorsReader, cpuTime, pids
        case relay, terminal
    }

    private func interests(_ relay: RunRelay?) -> [pollfd] {
        let none = pollfd(fd: -1, events: 0, revents: 0)
        let hasStarted = ended.started != nil
        return Source.allCases.map { source in
            switch source {
            case .control: readable(sandbox.controlNumber)
            case .signals: readable(signals)
            case .timeout: readable(timer?.value.number ?? -1)
            // The program can write before its init has said that it started. Whoever reads that may take
            // the launch for over, so it is.
            case .output: hasStarted ? output.interest : none
            case .errors: hasStarted ? errors.interest : none
            // A terminal that nobody has open yet would forget what is typed.
            case .input: hasStarted || terminal == nil ? input.interest : none
            case .outputReader: output.readerInterest
            case .errorsReader: errors.readerInterest
            case .cpuTime: watch?.interest.timer ?? none
            case .pids: watch?.interest.pids ?? none
            case .relay: readable(relay?.news ?? -1)
            case .terminal: readable(terminal?.signalsNumber ?? -1)
            }
        }
    }

    private func readable(_ number: CInt) -> pollfd {
        pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    }

    private func startProcess() throws(SystemError) {
        if let terminal {
            output = try terminal.output()
            input = try terminal.input()
            return try sandbox.startOnTerminal(request, as: 1, endsSandbox: true)
        }
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
            if let terminal, let master = sandbox.takeTerminal() { try terminal.begin(master) }
            guard relay != nil || terminal != nil else { return }
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
            try look()
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

    private func look() throws(SystemError) {
        guard let finding = try watch?.look() else { return }
        if finding == .cpuTime { ended.facts.cpuTimeExceeded = true }
        isOver = true
    }

    private func signal() {
        let number = clinux_signalfd_read(signals)
        guard number > 0, number != SIGPIPE, !isOver else { return }
        ended.facts.askedBy = number
        isOver = true
    }

    // MARK: Output

    /// How many bytes more are passed on as they come: up to the limit, or its half where the other half
    /// is for the tail.
    private var allowance: UInt64 {
        guard let most = limit.limit else { return .max }
        let live = limit.kill ? most : most - most / 2
        return live - min(live, output.taken + errors.taken)
    }

    private func moveOutput() {
        let allowance = allowance
        if allowance == 0, !limit.kill, output.isReading, !output.holdsBytes {
            if let bytes = output.readOn() { tails.append(bytes, to: .output) }
        } else if output.move(atMost: allowance), limit.kill {
            exceeded()
        }
    }

    private func moveErrors() {
        let allowance = allowance
        if allowance == 0, !limit.kill, errors.isReading, !errors.holdsBytes {
            if let bytes = errors.readOn() { tails.append(bytes, to: .errors) }
        } else if errors.move(atMost: allowance), limit.kill {
            exceeded()
        }
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
        var hasTails = !limit.kill && limit.limit != nil
        while true {
            if hasTails, !output.isReading, !errors.isReading {
                output.finish(with: tails.take(.output))
                errors.finish(with: tails.take(.errors))
                hasTails = false
            }
            guard output.isOpen || errors.isOpen else { return }
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

/// Bytes that the program wrote, as far as they were taken.
struct OutputTotals: Hashable, Sendable {
    var output: UInt64 = 0
    var errors: UInt64 = 0
}

/// The ends of the standard streams that the program gets.
struct StreamEnds: ~Copyable {
    let input: FileDescriptor?
    let output: FileDescriptor
    let errors: FileDescriptor
}
