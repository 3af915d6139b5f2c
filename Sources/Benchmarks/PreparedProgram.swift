import CLinux
import Glibc
import Linux

/// A command line in the memory that C wants, so that starting it is one call. Safe: the memory is its
/// own and lasts as long as it.
@safe
final class PreparedProgram {
    let name: String
    private let arguments: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>
    private let descriptors: [CInt]

    /// - Parameters:
    ///   - words: the first is a path.
    ///   - descriptors: become its descriptors 0, 1 and so on. They must stay open.
    init(_ words: [String], _ descriptors: [CInt]) {
        name = words[0]
        self.descriptors = descriptors
        unsafe arguments = .allocate(capacity: words.count + 1)
        for (index, word) in words.enumerated() { unsafe arguments[index] = strdup(word) }
        unsafe arguments[words.count] = nil
    }

    deinit {
        unsafe arguments.forEach { unsafe free($0) }
        unsafe arguments.deallocate()
    }

    /// Starts it in a process group of its own.
    func start() throws(SystemError) -> pid_t {
        // Safety: the arrays outlive the call, which keeps no pointer.
        try unsafe descriptors.withUnsafeBufferPointer { (numbers) throws(SystemError) in
            var program = unsafe clinux_program()
            unsafe program.path = unsafe UnsafePointer(arguments[0])
            unsafe program.argv = unsafe UnsafePointer(arguments.baseAddress)
            unsafe program.envp = unsafe UnsafePointer(environ)
            unsafe program.fds = numbers.baseAddress
            unsafe program.fd_count = numbers.count
            return try call("posix_spawn", on: name) { unsafe clinux_spawn(&program) }
        }
    }

    /// - Throws: how it ended, when not with status 0.
    func check(_ status: CInt) throws(Options.Problem) {
        // See wait(2): the low seven bits are the signal, the next byte is the exit status.
        if status == 0 { return }
        let end = status & 0x7f == 0 ? "exited with status \(status >> 8)" : "died of signal \(status & 0x7f)"
        throw Options.Problem("\(name) \(end)")
    }

    /// Runs it once, from its start to the reaping of it.
    /// - Throws: what kept it from starting, or how it ended when not with status 0.
    func timedRun() throws -> TimedRun {
        var status: CInt = 0
        var usage = rusage()
        let begin = monotonicTime()
        let pid = try start()
        _ = try call("wait4", on: name) { unsafe wait4(pid, &status, 0, &usage) }
        let elapsed = monotonicTime() - begin
        try check(status)
        return TimedRun(
            elapsed: elapsed, processor: nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime))
    }
}

/// What one launch took, in nanoseconds.
struct TimedRun {
    var elapsed: UInt64
    /// On a processor: of the program and of what it waited for (getrusage(2)). It says more than the
    /// other on a machine that is busy with something else. Nil where nobody counts it.
    var processor: UInt64?
}

private func nanoseconds(_ time: timeval) -> UInt64 {
    UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1_000
}

/// /dev/null, open both ways, for programs that are measured.
func openNull() throws -> FileDescriptor { try FileDescriptor.open("/dev/null", O_RDWR) }

/// Nanoseconds on the clock that never jumps.
func monotonicTime() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
