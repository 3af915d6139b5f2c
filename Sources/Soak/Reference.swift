import CLinux
import Glibc
import Linux
import TestSupport

/// A program that no sandbox has anything to do with, started and ended beside the cycles. Its times tell
/// how fast the machine is at the moment: one that others use as well is slower for minutes, and so is
/// every start on it.
enum Reference {
    /// How many cycles there are between two looks, and how many starts each look is.
    static let every = 50
    static let starts = 5

    /// Nanoseconds from the start of /usr/bin/true to its end.
    static func start() throws -> UInt64 {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let began = clinux_boottime()
        let pid = try spawn(["/usr/bin/true"], [null.number, null.number, null.number])
        let child = FileDescriptor(owning: try call("pidfd_open") { clinux_pidfd_open(pid) })
        var result = clinux_exit()
        _ = try call("waitid") { unsafe clinux_wait_pidfd(child.number, 1, &result) }
        return clinux_boottime() - began
    }
}

/// Starts a program with `PATH` for its environment and `descriptors` from 0 on.
func spawn(_ words: [String], _ descriptors: [CInt]) throws -> pid_t {
    let argv = unsafe words.map { unsafe strdup($0) } + [nil]
    let path = unsafe strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin")
    let envp = unsafe [path, nil]
    defer { unsafe (argv + [path]).forEach { unsafe free($0) } }
    // Safety: the arrays outlive the call, which keeps no pointer.
    return try unsafe argv.withUnsafeBufferPointer { (arguments) throws(SystemError) in
        try unsafe envp.withUnsafeBufferPointer { (variables) throws(SystemError) in
            try unsafe descriptors.withUnsafeBufferPointer { (numbers) throws(SystemError) in
                var program = unsafe clinux_program()
                unsafe program.path = unsafe UnsafePointer(arguments[0])
                unsafe program.argv = arguments.baseAddress
                unsafe program.envp = variables.baseAddress
                unsafe program.fds = numbers.baseAddress
                unsafe program.fd_count = numbers.count
                return try call("posix_spawn", on: words[0]) { unsafe clinux_spawn(&program) }
            }
        }
    }
}
