import CLinux
import Glibc

/// One that is asked something and answers at once: run to its end, its output kept.
extension HostProgram {
    package struct Outcome: Sendable, Hashable {
        /// Exit status, or 128 + N for signal N.
        package var status: Int32
        package var output: String
        package var errors: String

        package init(status: Int32, output: String, errors: String) {
            self.status = status
            self.output = output
            self.errors = errors
        }
    }

    /// Standard input is /dev/null; what is written goes to memory files, so that nothing waits for anybody.
    /// - Parameters:
    ///   - descriptors: become its descriptors 3, 4 and so on; every other one is closed.
    ///   - timeout: in milliseconds; then it is killed, with all of its process group.
    /// - Throws: `ETIMEDOUT` for a program that took longer.
    package func run(timeout: Int32, descriptors: [CInt] = []) throws(SystemError) -> Outcome {
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        let output = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("output", 0) })
        let errors = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("errors", 0) })
        let pid = try start([null.number, output.number, errors.number] + descriptors)
        let status = try wait(pid, timeout)
        return Outcome(status: status, output: try text(output), errors: try text(errors))
    }

    private func text(_ file: borrowing FileDescriptor) throws(SystemError) -> String {
        let number = file.number
        _ = try call("lseek") { lseek(number, 0, SEEK_SET) }
        return String(decoding: try file.readAll(limit: 1 << 20), as: UTF8.self)
    }

    private func wait(_ pid: pid_t, _ timeout: Int32) throws(SystemError) -> Int32 {
        let pidfd = FileDescriptor(owning: clinux_pidfd_open(pid))
        var ready = pollfd(fd: pidfd.number, events: Int16(POLLIN), revents: 0)
        var count = unsafe poll(&ready, 1, timeout)
        while count < 0, errno == EINTR { count = unsafe poll(&ready, 1, timeout) }
        // Even when it has ended: what it started and left behind.
        _ = kill(-pid, SIGKILL)
        var status: CInt = 0
        while unsafe waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw SystemError("waitpid", path, Errno(rawValue: errno)) }
        }
        guard count != 0 else { throw SystemError("run", path, Errno(rawValue: ETIMEDOUT)) }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }
}
