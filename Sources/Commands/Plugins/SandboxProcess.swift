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
        let pid = try SandboxProcess.spawn(
            words,
            [null.number, output.writing.number, errors.writing.number, report.writing.number])
        // Until it is reaped, the number is nobody else's.
        pidfd = FileDescriptor(owning: try call("pidfd_open") { clinux_pidfd_open(pid) })
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

    private static func spawn(_ words: [String], _ descriptors: [CInt]) throws(SystemError) -> pid_t {
        let program = "/proc/self/exe"
        let all = ["corral", "plugin", "sandbox", "--", "\(getpid())"] + words
        var argv = unsafe all.map { unsafe strdup($0) } + [nil]
        defer { unsafe argv.forEach { unsafe free($0) } }
        return try call("posix_spawn", on: program) {
            unsafe program.withCString { path in
                unsafe argv.withUnsafeMutableBufferPointer { argv in
                    unsafe descriptors.withUnsafeBufferPointer { fds in
                        var start = unsafe clinux_program(
                            path: path, argv: argv.baseAddress, envp: environ, directory: nil,
                            fds: fds.baseAddress, fd_count: fds.count)
                        return unsafe clinux_spawn(&start)
                    }
                }
            }
        }
    }
}
