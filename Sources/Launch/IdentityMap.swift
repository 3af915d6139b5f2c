import Glibc
import Linux

/// Writing the id maps of a new user namespace (user_namespaces(7)).
enum IdentityMap {
    static func write(_ identity: Identity, pid: Int32) throws(SystemError) {
        switch identity {
        case .pair: break
        case .single:
            // Without this an ordinary user may not write gid_map.
            try write("setgroups", "deny", pid)
        case .subordinate(let uid, let gid, let initUID, let initGID):
            try run("newuidmap", pid, ["0", "\(initUID)", "1", "1000", "\(uid)", "1"])
            try run("newgidmap", pid, ["0", "\(initGID)", "1", "1000", "\(gid)", "1"])
            return
        }
        try write("uid_map", identity.uidMap, pid)
        try write("gid_map", identity.gidMap, pid)
    }

    // The path is safe: the process is ours and not yet reaped, so its number cannot be another's.
    private static func write(_ name: String, _ text: String, _ pid: Int32) throws(SystemError) {
        let path = "/proc/\(pid)/\(name)"
        let file = FileDescriptor(
            owning: try call("open", on: path) { unsafe open(path, O_WRONLY | O_CLOEXEC) })
        do throws(SystemError) {
            try file.writeAll(Array(text.utf8))
        } catch {
            throw SystemError("write", path, error.errno)
        }
    }

    private static func run(_ program: String, _ pid: Int32, _ map: [String]) throws(SystemError) {
        let status = try Helper.run(program, ["\(pid)"] + map)
        guard status == 0 else { throw SystemError(program, "exit status \(status)", .notPermitted) }
    }
}

/// Runs a small program of the host to its end.
enum Helper {
    /// - Returns: the exit status, or 128 + N for signal N.
    static func run(_ program: String, _ arguments: [String]) throws(SystemError) -> Int32 {
        var argv = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe argv.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let error = unsafe posix_spawnp(&pid, program, nil, nil, &argv, environ)
        guard error == 0 else { throw SystemError("posix_spawn", program, Errno(rawValue: error)) }
        var status: Int32 = 0
        _ = try call("waitpid", on: program) { unsafe waitpid(pid, &status, 0) }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }
}
