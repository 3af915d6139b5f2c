import CLinux
import Glibc

/// One program that is asked something and answers at once: run to its end, its output kept.
package struct ShortProgram: Sendable {
    package var path: String
    /// The first one is what the program is called.
    package var words: [String]
    /// `NAME=value` each.
    package var environment: [String]

    package init(path: String, words: [String], environment: [String]) {
        self.path = path
        self.words = words
        self.environment = environment
    }

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

    /// What this process was started with.
    package static var ownEnvironment: [String] {
        var variables: [String] = []
        var entry = unsafe environ
        while let variable = unsafe entry.pointee {
            unsafe variables.append(String(cString: variable))
            unsafe entry += 1
        }
        return variables
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
        let pid = try spawn([null.number, output.number, errors.number] + descriptors)
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

    /// Starts it, in a process group of its own, for who waits for it otherwise than ``run(timeout:descriptors:)``.
    /// - Parameter descriptors: become its descriptors 0, 1 and so on; every other one is closed.
    package func spawn(_ descriptors: [CInt]) throws(SystemError) -> Int32 {
        let argv = unsafe words.map { unsafe strdup($0) } + [nil]
        let envp = unsafe environment.map { unsafe strdup($0) } + [nil]
        let file = unsafe strdup(path)
        defer { unsafe (argv + envp + [file]).forEach { unsafe free($0) } }
        var program = unsafe clinux_program()
        unsafe program.path = unsafe UnsafePointer(file)
        unsafe program.fd_count = descriptors.count
        // Safety: the arrays outlive the call, which keeps no pointer.
        return try unsafe argv.withUnsafeBufferPointer { (words) throws(SystemError) in
            try unsafe envp.withUnsafeBufferPointer { (variables) throws(SystemError) in
                try unsafe descriptors.withUnsafeBufferPointer { (numbers) throws(SystemError) in
                    unsafe program.argv = words.baseAddress
                    unsafe program.envp = variables.baseAddress
                    unsafe program.fds = numbers.baseAddress
                    return try call("posix_spawn", on: path) { unsafe clinux_spawn(&program) }
                }
            }
        }
    }
}
