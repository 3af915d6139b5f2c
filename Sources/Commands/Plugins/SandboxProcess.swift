import CLinux
import Glibc
import Linux

/// `corral run` as a child process, and the reading ends of what it writes.
final class SandboxProcess {
    /// Where the child finds the pipe for its report.
    static let reportPath = "/proc/self/fd/3"

    let pidfd: FileDescriptor
    let output: FileDescriptor
    let errors: FileDescriptor
    let report: FileDescriptor
    private var isReaped = false

    /// - Parameter words: options of `corral run`, and the command.
    init(_ words: [String]) throws(SystemError) {
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        let output = try Pipe.make()
        let errors = try Pipe.make()
        let report = try Pipe.make()
        let program = HostProgram(corral: ["plugin", "sandbox", "--", "\(getpid())"] + words)
        // Until it is reaped, the number is nobody else's.
        let started = try program.startHeld(
            [null.number, output.writing.number, errors.writing.number, report.writing.number])
        pidfd = started.pidfd
        self.output = output.reading
        self.errors = errors.reading
        self.report = report.reading
        for number in [self.output.number, self.errors.number, self.report.number] {
            _ = try call("fcntl(F_SETFL)") { fcntl(number, F_SETFL, O_NONBLOCK) }
        }
    }

    deinit {
        if isReaped { return }
        signal(SIGKILL)
        _ = try? reap()
    }

    func signal(_ number: CInt) { _ = clinux_pidfd_signal(pidfd.number, number) }

    /// Waits for its end: the exit status, or 128 + N for signal N.
    func reap() throws(SystemError) -> Int32 {
        var result = clinux_exit()
        let number = pidfd.number
        _ = try call("waitid") { unsafe clinux_wait_pidfd(number, 1, &result) }
        isReaped = true
        return result.code == Int32(CLD_EXITED) ? result.status : 128 + result.status
    }
}
