import Glibc
import Linux

/// A shell that runs a script; `$@` are the script's arguments. Killed at the end of `body`.
final class ShellChild {
    let pid: pid_t
    private let output: Pipe
    private var status: CInt?

    init(_ script: String, _ arguments: [String]) throws {
        output = try Pipe.make()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output.writing.number, 1)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var argv = unsafe (["sh", "-c", script, "sh"] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe argv.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawn(&pid, "/bin/sh", &actions, nil, &argv, environ)
        if code != 0 { throw SystemError("posix_spawn", "/bin/sh", Errno(rawValue: code)) }
        self.pid = pid
    }

    deinit {
        kill(pid, SIGKILL)
        if status == nil { _ = wait() }
    }

    /// Waits for the script's next output, as a sign that it has got so far.
    func waitForOutput() throws {
        var buffer = [UInt8](repeating: 0, count: 64)
        var room = buffer.mutableSpan
        _ = try output.reading.read(into: &room)
    }

    /// The raw status of waitpid(2): the exit status times 256, or the signal.
    func wait() -> CInt {
        if let status { return status }
        var status: CInt = 0
        while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        self.status = status
        return status
    }
}
