import CLinux
import Dialects
import Glibc
import Linux
import Plugins
import Sandbox

/// One `corral plugin test`: the host's side of the conversation, and the plugin in its sandbox.
///
/// The plugin is run by `corral run` in a process of its own, with the relay pointed at a socket of
/// ours: the path that is tested is the one that users take, its output comes through pipes and can be
/// told from ours, and whatever the plugin does to that process leaves us the report. One poll(2) loop
/// of one thread; each thing that is waited for has a time limit.
final class PluginTestSession {
    private enum Phase {
        /// The conversation goes on.
        case talking
        /// It is over; the plugin has time to exit.
        case leaving
        /// SIGTERM was sent to `corral run`, then SIGKILL.
        case ending
        case killed
    }

    /// How long `corral run` has for ending a sandbox, in milliseconds.
    private static let patience: UInt64 = 10_000
    private static let reportLimit = 256 << 10

    private let package: PluginPackage
    private let words: [String]
    private let options: PluginTestOptions
    private var printer: PluginTestPrinter
    private var conversation = HostConversation()
    /// Of the time after the conversation.
    private var late: [Finding] = []

    private var phase = Phase.talking
    /// On CLOCK_BOOTTIME, in nanoseconds.
    private var deadline: UInt64 = 0
    private var link: HostLink
    private var output = OutputLines()
    private var errors = OutputLines()
    private var report: [UInt8] = []
    private var isClosed = (output: false, errors: false, report: false)
    private var hasExited = false
    private var signal: Int32?

    /// - Parameters:
    ///   - words: of `corral run`, but for the socket and the report.
    ///   - messageLimit: the longest message that the relay lets through, in bytes.
    init(_ package: PluginPackage, _ words: [String], _ options: PluginTestOptions, messageLimit: Int) {
        self.package = package
        self.words = words
        self.options = options
        link = HostLink(limit: messageLimit)
        printer = PluginTestPrinter(json: options.json)
    }

    /// - Returns: the exit code.
    func run() throws(CommandError) -> Int32 {
        let signals = try RunSession.takeSignals()
        do throws(SystemError) {
            let socket = try HostSocket()
            defer { socket.remove() }
            let process = try SandboxProcess(
                ["--relay", "tgo=\(socket.path)", "--report", SandboxProcess.reportPath] + words)
            printer.start(package, profile: options.profile)
            for warning in package.manifest.warnings { printer.warning(warning) }
            wait(options.timeout)
            while !hasExited { try turn(process, socket, signals.value.number) }
            try drain(process)
            if let signal { return ExitCode.signal(signal) }
            return try conclude(status: try process.reap())
        } catch {
            throw CommandError("testing the plugin: \(error)")
        }
    }

    // MARK: The loop

    private func wait(_ milliseconds: UInt64) { deadline = clinux_boottime() + milliseconds * 1_000_000 }

    private func turn(
        _ process: SandboxProcess, _ socket: HostSocket, _ signals: CInt
    ) throws(SystemError) {
        let waits = !link.isOpen && phase == .talking
        var ready = [
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: process.pidfd.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: waits ? socket.listener.number : -1, events: Int16(POLLIN), revents: 0),
            link.interest,
            pollfd(fd: isClosed.output ? -1 : process.output.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isClosed.errors ? -1 : process.errors.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isClosed.report ? -1 : process.report.number, events: Int16(POLLIN), revents: 0),
        ]
        let now = clinux_boottime()
        let left = deadline > now ? (deadline - now) / 1_000_000 + 1 : 0
        _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), CInt(clamping: left)) }
        if ready[0].revents != 0 { interrupt(process, signals) }
        if ready[2].revents != 0, let connection = try socket.listener.accept() {
            link.open(connection)
            socket.remove()
        }
        if ready[3].revents != 0 { converse(process) }
        read(process)
        if ready[1].revents != 0 {
            // What it still sent is in the socket.
            if phase == .talking { converse(process) }
            hasExited = true
        } else if clinux_boottime() >= deadline {
            try timeUp(process)
        }
    }

    private func interrupt(_ process: SandboxProcess, _ signals: CInt) {
        let number = clinux_signalfd_read(signals)
        guard number > 0, number != SIGPIPE else { return }
        signal = signal ?? number
        end(process)
    }

    /// Has `corral run` end the sandbox.
    private func end(_ process: SandboxProcess) {
        phase = .ending
        link.close()
        process.signal(SIGTERM)
        wait(Self.patience)
    }

    private func timeUp(_ process: SandboxProcess) throws(SystemError) {
        switch phase {
        case .talking:
            conversation.timeUp(options.timeoutText)
            end(process)
        case .leaving:
            late.append(
                Finding("plugin", "did not exit within \(options.timeoutText) after its connection ended"))
            end(process)
        case .ending:
            phase = .killed
            process.signal(SIGKILL)
            wait(Self.patience)
        case .killed: throw SystemError("waitid", "corral run", .busy)
        }
    }

    // MARK: The conversation

    private func converse(_ process: SandboxProcess) {
        link.flush()
        while phase == .talking, link.isOpen {
            switch link.receive() {
            case .nothing: return
            case .ended:
                conversation.ended()
                return leave()
            case .message(let payload):
                printer.message(payload, from: .plugin)
                let replies = conversation.receive(payload)
                for reply in replies {
                    printer.message(reply, from: .upstream)
                    link.send(reply)
                }
                // For the next answer; a message that brings nothing on gives no more time.
                if !replies.isEmpty { wait(options.timeout) }
                if conversation.isComplete { return leave() }
                if conversation.isOver { return end(process) }
            }
        }
    }

    /// The plugin sees the end of its connection, which is what it exits for.
    private func leave() {
        phase = .leaving
        link.close()
        wait(options.timeout)
    }

    // MARK: What the plugin writes

    private func read(_ process: SandboxProcess) {
        if !isClosed.output {
            isClosed.output = !read(process.output) { show(output.take($0), "stdout") }
        }
        if !isClosed.errors {
            isClosed.errors = !read(process.errors) { show(errors.take($0), "stderr") }
        }
        if !isClosed.report {
            isClosed.report = !read(process.report) { report += $0.prefix(Self.reportLimit - report.count) }
        }
    }

    private func show(_ lines: [String], _ stream: String) {
        for line in lines { printer.output(line, stream: stream) }
    }

    /// Reads once what is there.
    /// - Returns: false at the end.
    private func read(_ pipe: borrowing FileDescriptor, _ body: (ArraySlice<UInt8>) -> Void) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var span = buffer.mutableSpan
        do throws(SystemError) {
            let count = try pipe.read(into: &span)
            body(buffer[..<count])
            return count > 0
        } catch {
            return error.errno == .wouldBlock
        }
    }

    /// The rest of the pipes, which end with `corral run`.
    private func drain(_ process: SandboxProcess) throws(SystemError) {
        wait(Self.patience)
        while !(isClosed.output && isClosed.errors && isClosed.report), clinux_boottime() < deadline {
            var ready = [
                pollfd(fd: isClosed.output ? -1 : process.output.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isClosed.errors ? -1 : process.errors.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isClosed.report ? -1 : process.report.number, events: Int16(POLLIN), revents: 0),
            ]
            _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), 1000) }
            read(process)
        }
        if let line = output.last() { printer.output(line, stream: "stdout") }
        if let line = errors.last() { printer.output(line, stream: "stderr") }
        for (stream, lines) in [("stdout", output), ("stderr", errors)] where lines.dropped > 0 {
            printer.warning("plugin \(stream): \(lines.dropped) bytes more are not shown")
        }
    }

    // MARK: The end

    private func conclude(status: Int32) throws(SystemError) -> Int32 {
        // The plugin ended, and its connection with it, before we looked.
        conversation.ended()
        var findings = conversation.findings
        guard let report = PluginRunReport(report) else {
            Terminal.error("corral plugin test: corral run ended with status \(status) and without a report")
            return ExitCode.ours
        }
        if let failure = report.launchFailure {
            guard [ExitCode.cannotExecute, ExitCode.notFound].contains(failure.code) else {
                Terminal.error("corral plugin test: \(failure.error)")
                return ExitCode.ours
            }
            findings = Findings()
            findings.add(Finding(package.file, "the command \(failure.error)"))
        } else {
            report.judge(
                isComplete: conversation.isComplete, endedByUs: phase == .ending || phase == .killed,
                into: &findings)
        }
        for finding in late { findings.add(finding) }
        if let name = conversation.name, name != package.manifest.name {
            findings.warn(
                Finding(
                    "register", "params.name",
                    "is \(quoted(name)); \(package.file) has \(quoted(package.manifest.name))"))
        }
        for warning in findings.warnings { printer.warning(warning.description) }
        for finding in findings.list { printer.finding(finding) }
        if findings.dropped > 0 { printer.warning("\(findings.dropped) things more are wrong") }
        printer.end(findings, conversation, package.manifest)
        return findings.list.isEmpty ? ExitCode.success : ExitCode.failure
    }
}
