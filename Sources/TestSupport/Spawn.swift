import CLinux
import Glibc
import Linux

/// One start of a program, with the C memory that it needs.
struct Spawn {
    var path: String
    var words: [String]
    var variables: [String]
    var directory: String?
    /// `descriptors[i]` becomes descriptor i; all others are closed.
    var descriptors: [CInt]
    /// The path of a terminal to lead a session on, in place of the first three.
    var terminal: String?

    func start() throws(SystemError) -> pid_t {
        let argv = unsafe words.map { unsafe strdup($0) } + [nil]
        let envp = unsafe variables.map { unsafe strdup($0) } + [nil]
        let place = unsafe directory.map { unsafe strdup($0) } ?? nil
        let file = unsafe strdup(path)
        let console = unsafe terminal.map { unsafe strdup($0) } ?? nil
        defer { unsafe (argv + envp + [place, file, console]).forEach { unsafe free($0) } }
        var program = unsafe clinux_program()
        unsafe program.path = unsafe UnsafePointer(file)
        unsafe program.directory = unsafe UnsafePointer(place)
        unsafe program.fd_count = descriptors.count
        // Safety: the three arrays outlive the call, which keeps no pointer.
        return try unsafe argv.withUnsafeBufferPointer { (words) throws(SystemError) in
            try unsafe envp.withUnsafeBufferPointer { (variables) throws(SystemError) in
                try unsafe descriptors.withUnsafeBufferPointer { (numbers) throws(SystemError) in
                    unsafe program.argv = words.baseAddress
                    unsafe program.envp = variables.baseAddress
                    unsafe program.fds = numbers.baseAddress
                    return try call("posix_spawn", on: path) {
                        unsafe clinux_spawn_on_terminal(&program, console)
                    }
                }
            }
        }
    }
}
