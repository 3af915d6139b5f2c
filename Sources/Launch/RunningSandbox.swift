import CLinux
import Glibc
import InitPlan
package import Linux

/// A sandbox whose init was started: the launcher's ends of it.
///
/// Closing it (the end of this object) ends the sandbox: the init leaves when its control socket
/// closes, and the kernel kills everything in its pid namespace.
package final class RunningSandbox {
    /// What the init has to say.
    package enum Event: Sendable {
        /// The sandbox is built; ``RunningSandbox/takeListener()`` has the sockets and
        /// ``RunningSandbox/takeTerminal()`` the terminal.
        case ready
        /// - Parameter pid: as the sandbox sees it.
        case started(process: UInt64, pid: Int32)
        case startFailed(process: UInt64, ProcessStartError)
        case exited(process: UInt64, ProcessExit)
        /// The init has ended, or was never able to build the sandbox.
        case gone
    }

    /// For display only; never signalled by number.
    package let pid: Int32
    /// Until the init is at work: to close its mount takes an RCU grace period, 0.1 ms to 4 ms.
    private var executable: InitExecutable?
    /// Readable when the init has ended.
    package let pidfd: FileDescriptor
    /// Readable when the init has something to say.
    package let control: FileDescriptor
    /// Whether its network namespace was ready before it: nothing is left to do in it, nor could the init.
    package let networkIsReady: Bool
    /// Until the sandbox is ready, where somebody wants to save it.
    private var status: FileDescriptor?
    private var steps: [String] = []
    private var listeners: [CInt] = []
    private var terminal: FileDescriptor?
    /// Its workspace, where the plan shares it and it is ready.
    package private(set) var files: SharedFiles?
    private var reaped: ProcessExit?
    /// Exits that the init could not be told about, because it is not reading.
    private var unacknowledged: [UInt64] = []

    init(pid: Int32, pidfd: CInt, channel: consuming Channel, networkIsReady: Bool = false) {
        self.pid = pid
        self.networkIsReady = networkIsReady
        self.pidfd = FileDescriptor(owning: pidfd)
        control = channel.outer
        status = .some(channel.statusReading)
    }

    deinit {
        for number in listeners { _ = close(number) }
    }

    package var controlNumber: CInt { control.number }

    /// Until the init is at work.
    func keep(_ executable: consuming InitExecutable) { self.executable = .some(executable) }

    // MARK: Requests

    /// Lets the init build the sandbox.
    /// - Parameter handedOver: descriptors that the steps use; those below 0 are left out.
    func go(
        _ plan: borrowing FileDescriptor, _ handedOver: [CInt], _ steps: LaunchPlan.Steps
    ) throws(SystemError) {
        self.steps = steps.descriptions
        try send(ControlMessage(.go), [plan.number] + handedOver.filter { $0 >= 0 })
        executable = nil
    }

    /// Asks the init for a process. It may be asked before the sandbox is ready.
    /// - Parameters:
    ///   - process: a number of the caller's own, that events carry.
    ///   - endsSandbox: whether the init ends, and everything with it, when the process does.
    ///   - input: nil for the sandbox's own /dev/null.
    package func start(
        _ request: ProcessRequest, as process: UInt64, endsSandbox: Bool, input: borrowing FileDescriptor?,
        output: borrowing FileDescriptor, errors: borrowing FileDescriptor
    ) throws(SystemError) {
        try start(
            request, as: process, endsSandbox: endsSandbox,
            ProcessDescriptors(input: input.numberOrNone, output: output.number, errors: errors.number))
    }

    /// The same by numbers.
    package func start(
        _ request: ProcessRequest, as process: UInt64, endsSandbox: Bool, _ given: ProcessDescriptors
    ) throws(SystemError) {
        let body = try MemoryFile.make("corral-request", request.bytes)
        let descriptors = [body.number, given.script, given.input, given.output, given.errors]
        let flags =
            StartFlags.streams | (given.script < 0 ? 0 : StartFlags.script)
            | (given.input < 0 ? 0 : StartFlags.input)
        try send(
            ControlMessage(.start, process: process, a: endsSandbox ? 1 : 0, b: flags),
            descriptors.filter { $0 >= 0 })
    }

    /// Asks the init for a process on the sandbox's first terminal, which one process can have: its standard
    /// streams and its controlling terminal.
    package func startOnTerminal(
        _ request: ProcessRequest, as process: UInt64, endsSandbox: Bool
    ) throws(SystemError) {
        let body = try MemoryFile.make("corral-request", request.bytes)
        let flags = StartFlags.firstTerminal
        try send(
            ControlMessage(.start, process: process, a: endsSandbox ? 1 : 0, b: flags), [body.number])
    }

    /// The same on a terminal that is made for it; ``takeTerminal()`` has the master when the process has
    /// started. For sandboxes that have terminals on request.
    /// - Parameter script: as ``ProcessDescriptors/script``.
    package func startOnNewTerminal(
        _ request: ProcessRequest, as process: UInt64, columns: UInt16, rows: UInt16, script: CInt = -1
    ) throws(SystemError) {
        let body = try MemoryFile.make("corral-request", request.bytes)
        let flags = StartFlags.newTerminal | (script < 0 ? 0 : StartFlags.script)
        try send(
            ControlMessage(.start, process: process, b: flags, c: UInt64(columns), d: UInt64(rows)),
            [body.number, script].filter { $0 >= 0 })
    }

    /// From here on nothing waits for the init: requests that it does not take fail with `.wouldBlock`,
    /// and ``receiveIfAny()`` has nothing where it says nothing.
    package func stopWaiting() throws(SystemError) { try control.setNonBlocking() }

    /// Gives up what tells why a sandbox was never built. To be called once it is ready.
    package func closeStatus() { status = nil }

    /// SIGKILL goes to the whole process group that the process leads.
    package func signal(_ process: UInt64, _ number: CInt) throws(SystemError) {
        try send(ControlMessage(.signal, process: process, a: UInt64(number)))
    }

    /// An init that has ended already is no error here: it may have failed at a step, which its status
    /// pipe tells and the socket does not. ``receive()`` says that it is gone.
    private func send(_ message: ControlMessage, _ descriptors: [CInt] = []) throws(SystemError) {
        let words = message.words
        let number = control.number
        do throws(SystemError) {
            _ = try call("sendmsg", on: "sandbox-init") {
                unsafe withUnsafePointer(to: words) { bytes in
                    unsafe descriptors.withUnsafeBufferPointer { fds in
                        unsafe clinux_send(number, bytes, ControlMessage.size, fds.baseAddress, fds.count)
                    }
                }
            }
        } catch  where error.errno == .brokenPipe || error.errno == .connectionReset {
            return
        }
    }

    // MARK: Events

    /// The next event; blocks until there is one.
    ///
    /// What the event before told of has been kept by then, so an exit that it was is acknowledged first: not
    /// before whoever waits for it has heard of it.
    package func receive() throws(SystemError) -> Event {
        try acknowledge()
        guard let (message, descriptors) = try receiveMessage() else { return .gone }
        switch message.kind {
        case .ready:
            if message.a == 1, let last = descriptors.last {
                terminal = FileDescriptor(owning: last)
                listeners += descriptors.dropLast()
            } else {
                listeners += descriptors
            }
            if message.b > 0 { files = SharedFiles(of: pidfd.number, CInt(clamping: message.b - 1)) }
            return .ready
        case .started:
            if let master = descriptors.first { terminal = FileDescriptor(owning: master) }
            return .started(process: message.process, pid: Int32(truncatingIfNeeded: message.a))
        case .startFailed:
            return .startFailed(process: message.process, startError(message))
        case .exited:
            unacknowledged.append(message.process)
            return .exited(process: message.process, ProcessExit(message))
        case .go, .start, .signal, .acknowledge, .identify, .identity:
            return .gone
        }
    }

    /// The same without waiting; nil where there is nothing. For ``stopWaiting()``.
    package func receiveIfAny() throws(SystemError) -> Event? {
        do throws(SystemError) {
            return try receive()
        } catch {
            if error.errno == .wouldBlock { return nil }
            throw error
        }
    }

    /// An exit that cannot be acknowledged now is with the next one: it must not be lost for that.
    private func acknowledge() throws(SystemError) {
        while let process = unacknowledged.last {
            do throws(SystemError) {
                try send(ControlMessage(.acknowledge, process: process))
            } catch {
                if error.errno == .wouldBlock { return }
                throw error
            }
            unacknowledged.removeLast()
        }
    }

    /// The next of the listening sockets, in the order of the spec's `sockets`.
    package func takeListener() -> FileDescriptor? {
        listeners.isEmpty ? nil : FileDescriptor(owning: listeners.removeFirst())
    }

    /// The master of the sandbox's first terminal or of the process's that has just started; nil where it
    /// has none, and for who asks again.
    package func takeTerminal() -> FileDescriptor? { terminal.take() }

    private func receiveMessage() throws(SystemError) -> (ControlMessage, [CInt])? {
        var words: [8 of UInt64] = .init(repeating: 0)
        var descriptors = [CInt](repeating: -1, count: Int(CLINUX_MESSAGE_FDS))
        var count = 0
        var truncated: CInt = 0
        let number = control.number
        let size: Int
        do throws(SystemError) {
            size = try call("recvmsg", on: "sandbox-init") {
                unsafe withUnsafeMutablePointer(to: &words) { bytes in
                    unsafe clinux_receive(
                        number, bytes, ControlMessage.size, &descriptors, &count, &truncated, 0)
                }
            }
        } catch  where error.errno == .connectionReset {
            return nil  // it ended with a request unread
        }
        guard size == ControlMessage.size, let message = ControlMessage(words) else { return nil }
        return (message, Array(descriptors.prefix(count)))
    }

    private func startError(_ message: ControlMessage) -> ProcessStartError {
        let step = Int32(truncatingIfNeeded: message.a)
        let errno = Errno(rawValue: Int32(truncatingIfNeeded: message.b))
        switch clinux_step(rawValue: UInt32(bitPattern: step)) {
        case CLINUX_STEP_EXEC:
            let missing = errno == .noSuchFileOrDirectory || errno == .notDirectory
            return ProcessStartError(reason: missing ? .notFound : .notExecutable, errno: errno)
        case CLINUX_STEP_DIRECTORY: return ProcessStartError(reason: .directory, errno: errno)
        default: return ProcessStartError(reason: .layer(StartStep.name(step)), errno: errno)
        }
    }

    // MARK: The end

    /// SIGKILL to the init, and so to everything in the sandbox.
    package func kill() {
        // ESRCH: it has ended by itself.
        _ = clinux_pidfd_signal(pidfd.number, SIGKILL)
    }

    /// Waits until the init has ended and reaps it. The kernel lets it end last, after every
    /// process of its pid namespace (pid_namespaces(7)).
    @discardableResult
    package func reap() throws(SystemError) -> ProcessExit {
        if let reaped { return reaped }
        var result = clinux_exit()
        let number = pidfd.number
        _ = try call("waitid", on: "sandbox-init") { unsafe clinux_wait_pidfd(number, 1, &result) }
        let exit = ProcessExit(result)
        reaped = exit
        return exit
    }

    /// Why the sandbox was never built, from the status pipe. To be asked after the init has ended.
    package func failure() throws(SystemError) -> LaunchError {
        var last: StatusRecord?
        while let record = try nextRecord() {
            last = record
            if record.kind != .begun { break }
        }
        guard let last else { return .initEnded(lastStep: "start", cause: try reap().description) }
        switch last.kind {
        case .failed: return StepFailures.error(steps, Int(last.index), .system(last.error))
        case .badPlan: return .mixedInstallation
        case .begun:
            let step =
                steps.indices.contains(Int(last.index)) ? steps[Int(last.index)] : "step \(last.index)"
            return .initEnded(lastStep: step, cause: try reap().description)
        }
    }

    private func nextRecord() throws(SystemError) -> StatusRecord? {
        var words: [2 of UInt64] = .init(repeating: 0)
        let number = status.numberOrNone
        guard number >= 0 else { return nil }
        let size = try call("read", on: "status pipe") {
            unsafe withUnsafeMutablePointer(to: &words) { unsafe read(number, $0, StatusRecord.size) }
        }
        return size == StatusRecord.size ? StatusRecord(words) : nil
    }
}

/// How a process ended, and what it used.
package struct ProcessExit: Hashable, Sendable {
    package enum Status: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }
    package let status: Status
    /// In microseconds; with children that it waited for.
    package let userTime: Int64
    package let systemTime: Int64
    /// Peak resident memory of the largest process, in KiB.
    package let peakMemory: Int64

    init(_ exit: clinux_exit) {
        status = exit.code == Int32(CLD_EXITED) ? .exited(exit.status) : .signalled(exit.status)
        userTime = exit.user_us
        systemTime = exit.system_us
        peakMemory = exit.max_rss_kb
    }

    init(_ message: ControlMessage) {
        let code = Int32(truncatingIfNeeded: message.a)
        let value = Int32(truncatingIfNeeded: message.b)
        status = code == Int32(CLD_EXITED) ? .exited(value) : .signalled(value)
        userTime = Int64(truncatingIfNeeded: message.c)
        systemTime = Int64(truncatingIfNeeded: message.d)
        peakMemory = Int64(truncatingIfNeeded: message.e)
    }
}

extension ProcessExit: CustomStringConvertible {
    package var description: String {
        switch status {
        case .exited(let code): "exited with status \(code)"
        case .signalled(let number): "was killed by signal \(number)"
        }
    }
}
