import CLinux
import Glibc
package import Linux

/// A program that has been started and not yet waited for. Its process group is killed when the
/// last reference goes.
package final class RunningProgram {
    package let pid: Int32
    private let pidfd: FileDescriptor
    private let started = Host.now
    private var input: Stream
    private var unwritten: ArraySlice<UInt8>
    private var output: Stream
    private var errors: Stream
    private var ended: clinux_exit?

    /// Our end of one standard stream; nil once it is closed.
    private struct Stream: ~Copyable {
        var descriptor: FileDescriptor?
        var bytes: [UInt8] = []

        /// For poll(2), which passes over negative numbers.
        var number: CInt {
            switch descriptor {
            case .some(let open): open.number
            case .none: -1
            }
        }
    }

    init(
        pid: pid_t, input: consuming FileDescriptor, unwritten: [UInt8], output: consuming FileDescriptor,
        errors: consuming FileDescriptor
    ) throws(SystemError) {
        self.pid = pid
        self.unwritten = unwritten[...]
        pidfd = FileDescriptor(owning: try call("pidfd_open") { clinux_pidfd_open(pid) })
        for number in [input.number, output.number, errors.number] {
            _ = try call("fcntl(F_SETFL)") { fcntl(number, F_SETFL, O_NONBLOCK) }
        }
        self.input = Stream(descriptor: consume input)
        if unwritten.isEmpty { self.input.descriptor = nil }
        self.output = Stream(descriptor: output)
        self.errors = Stream(descriptor: errors)
    }

    deinit {
        if ended != nil { return }
        kill(-pid, SIGKILL)
        var result = clinux_exit()
        _ = unsafe clinux_wait_pidfd(pidfd.number, 1, &result)
    }

    /// What it has written to standard output so far, as far as it was read.
    package var outputSoFar: String { String(decoding: output.bytes, as: UTF8.self) }
    package var errorsSoFar: String { String(decoding: errors.bytes, as: UTF8.self) }

    /// Sends a signal to the program alone.
    package func signal(_ number: CInt) throws(SystemError) {
        let descriptor = pidfd.number
        _ = try call("pidfd_send_signal") { clinux_pidfd_signal(descriptor, number) }
    }

    /// Reads until standard output or error contains `text`; false when it ended or `seconds`
    /// passed without.
    package func waitForText(_ text: String, within seconds: Double = 60) throws(SystemError) -> Bool {
        let deadline = Host.now + seconds * Host.patience
        while true {
            if outputSoFar.contains(text) || errorsSoFar.contains(text) { return true }
            if ended != nil && output.number < 0 && errors.number < 0 { return false }
            if Host.now >= deadline { return false }
            try pump(for: min(deadline - Host.now, 1))
        }
    }

    /// Waits for the end, reading all the while; after `timeout` seconds the group is killed.
    package func wait(timeout: Double = 120) throws(SystemError) -> Program.Outcome {
        var deadline = Host.now + timeout * Host.patience
        var timedOut = false
        var end = Host.now
        while true {
            let open = output.number >= 0 || errors.number >= 0
            if ended != nil && (!open || Host.now >= deadline) { break }
            if ended == nil && Host.now >= deadline {
                timedOut = true
                kill(-pid, SIGKILL)
                deadline = Host.now + 2
            }
            let wasRunning = ended == nil
            try pump(for: max(0.001, deadline - Host.now))
            if wasRunning && ended != nil {
                end = Host.now
                // What it left running may hold the streams open: worth a moment, not for ever.
                deadline = min(deadline, end + 2)
            }
        }
        return outcome(elapsed: end - started, timedOut: timedOut)
    }

    private func outcome(elapsed: Double, timedOut: Bool) -> Program.Outcome {
        let exited = ended?.code == CInt(CLD_EXITED)
        return Program.Outcome(
            status: exited ? ended?.status : nil, signal: exited ? nil : ended?.status, stdout: output.bytes,
            stderr: errors.bytes, elapsed: elapsed, timedOut: timedOut,
            outputHeldOpen: output.number >= 0 || errors.number >= 0)
    }

    /// Waits at most `seconds` for something to happen and does what can be done then.
    private func pump(for seconds: Double) throws(SystemError) {
        let readable = Int16(POLLIN)
        var polled = [
            pollfd(fd: ended == nil ? pidfd.number : -1, events: readable, revents: 0),
            pollfd(fd: input.number, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: output.number, events: readable, revents: 0),
            pollfd(fd: errors.number, events: readable, revents: 0),
        ]
        let milliseconds = CInt(min(seconds * 1_000, 60_000).rounded(.up))
        var span = polled.mutableSpan
        _ = try unsafe span.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
            try call("poll") { unsafe poll(buffer.baseAddress, nfds_t(buffer.count), milliseconds) }
        }
        if polled[1].revents != 0 { try feed() }
        if polled[2].revents != 0 { try Self.drain(&output) }
        if polled[3].revents != 0 { try Self.drain(&errors) }
        if polled[0].revents != 0 { try reap() }
    }

    private func reap() throws(SystemError) {
        let descriptor = pidfd.number
        var result = clinux_exit()
        _ = try call("waitid") { unsafe clinux_wait_pidfd(descriptor, 0, &result) }
        if result.pid != 0 { ended = result }
    }

    private static func drain(_ stream: inout Stream) throws(SystemError) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var span = chunk.mutableSpan
        let number = stream.number
        let count = try unsafe span.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
            try call("read") { unsafe read(number, buffer.baseAddress, buffer.count) }
        }
        if count == 0 { stream.descriptor = nil } else { stream.bytes += chunk[..<count] }
    }

    /// Writes what standard input takes, and closes it after the last byte or when nobody reads.
    private func feed() throws(SystemError) {
        let number = input.number
        let rest = unwritten
        let written = withoutSIGPIPE {
            unsafe rest.span.withUnsafeBufferPointer { unsafe write(number, $0.baseAddress, $0.count) }
        }
        if written.error == EAGAIN || written.error == EINTR { return }
        guard written.error == 0 || written.error == EPIPE else {
            throw SystemError("write", "standard input", Errno(rawValue: written.error))
        }
        unwritten = written.error == EPIPE ? [] : unwritten.dropFirst(written.count)
        if unwritten.isEmpty { input.descriptor = nil }
    }
}

/// Makes a write with SIGPIPE blocked in this thread and takes away the one it may have caused:
/// the signal's disposition belongs to the whole process and is not a test's to change.
private func withoutSIGPIPE(_ body: () -> Int) -> (count: Int, error: CInt) {
    var pipeOnly = sigset_t()
    unsafe sigemptyset(&pipeOnly)
    unsafe sigaddset(&pipeOnly, SIGPIPE)
    var previous = sigset_t()
    unsafe pthread_sigmask(SIG_BLOCK, &pipeOnly, &previous)
    let count = body()
    let error = count < 0 ? errno : 0
    if error == EPIPE {
        var immediately = timespec()
        unsafe sigtimedwait(&pipeOnly, nil, &immediately)
    }
    unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
    return (count, error)
}
