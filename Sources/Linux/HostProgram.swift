import CLinux
import Glibc

/// A program of the host that is to be started, by posix_spawn(3): no sandbox, no new namespaces. It begins with no
/// signal blocked or ignored, and with no descriptor but those it is given.
package struct HostProgram: Sendable {
    package var path: String
    /// The first one is what the program is called.
    package var words: [String]
    /// `NAME=value` each.
    package var environment: [String]
    /// Its working directory; nil for this process's own.
    package var directory: String?
    package var leads: Leads

    /// What it is the first process of.
    package enum Leads: Sendable, Hashable {
        /// A process group, by which it and what it starts can be ended.
        case group
        /// A session without a terminal: what ends this process's session does not end it.
        case session
        /// A session on the terminal of this path, which its descriptors 0 to 2 are then.
        case terminal(String)
    }

    package init(
        path: String, words: [String], environment: [String], directory: String? = nil, leads: Leads = .group
    ) {
        self.path = path
        self.words = words
        self.environment = environment
        self.directory = directory
        self.leads = leads
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

    /// - Parameter descriptors: at most 16; become its descriptors 0, 1 and so on; every other one is closed.
    /// - Returns: its pid. Whoever starts it reaps it.
    /// - Throws: `EINVAL` for more descriptors; what execve(2) says of the program.
    package func start(_ descriptors: [CInt]) throws(SystemError) -> Int32 {
        let argv = unsafe words.map { unsafe strdup($0) } + [nil]
        let envp = unsafe environment.map { unsafe strdup($0) } + [nil]
        let file = unsafe strdup(path)
        let place = unsafe directory.map { unsafe strdup($0) } ?? nil
        let terminal = unsafe self.terminal.map { unsafe strdup($0) } ?? nil
        defer { unsafe (argv + envp + [file, place, terminal]).forEach { unsafe free($0) } }
        var program = unsafe clinux_program()
        unsafe program.path = unsafe UnsafePointer(file)
        unsafe program.directory = unsafe UnsafePointer(place)
        unsafe program.terminal = unsafe UnsafePointer(terminal)
        unsafe program.session = leads == .session
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

    /// One that runs, or has ended and was not reaped. Frozen so that its parts can be taken out of it.
    @frozen package struct Started: ~Copyable {
        package let pid: Int32
        package let pidfd: FileDescriptor
    }

    private var terminal: String? {
        if case .terminal(let path) = leads { path } else { nil }
    }

    /// The same, for whoever follows it by a descriptor.
    /// - Throws: as ``start(_:)``; when there is no pidfd to be had, after it was killed and reaped.
    package func startHeld(_ descriptors: [CInt]) throws(SystemError) -> Started {
        let pid = try start(descriptors)
        do throws(SystemError) {
            let pidfd = FileDescriptor(owning: try call("pidfd_open") { clinux_pidfd_open(pid) })
            return Started(pid: pid, pidfd: pidfd)
        } catch {
            // By its number, which nobody else can have before it is reaped here.
            _ = kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
    }
}
