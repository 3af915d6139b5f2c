import CLinux
import Glibc
import Linux
import Sandbox

/// The socket that the warden listens at, and the lock that makes it the only one there.
enum ListeningSocket {
    /// Makes the socket at `path` for `uid` alone.
    ///
    /// What a warden that was killed left there is replaced; that it was killed the lock on the state
    /// directory has told. Anything but a socket is not touched.
    static func make(at path: String, for uid: UInt32) throws(SystemError) -> FileDescriptor {
        let socket = try FileDescriptor.packetSocket()
        try removeOld(path)
        // No moment at which others may connect.
        let old = umask(0o177)
        defer { umask(old) }
        try socket.bind(to: path)
        if uid != geteuid() { try give(path, to: uid) }
        try socket.listen(queue: 16)
        return socket
    }

    /// By descriptor, and only what this process made a moment ago: in a directory that others can write to
    /// the name may be another file's by now, and root would give that one away.
    private static func give(_ path: String, to uid: UInt32) throws(SystemError) {
        let place = try FileDescriptor.open(path, CLINUX_O_PATH | O_NOFOLLOW).release()
        defer { _ = close(place) }
        var status = stat()
        _ = try call("fstat", on: path) { unsafe fstat(place, &status) }
        guard status.st_mode & S_IFMT == S_IFSOCK, status.st_nlink == 1, status.st_uid == geteuid() else {
            throw SystemError("the socket was replaced at once", path, .busy)
        }
        _ = try call("fchownat", on: path) {
            unsafe fchownat(place, "", uid, UInt32.max, emptyPath)
        }
    }

    /// AT_EMPTY_PATH, which glibc hides.
    private static let emptyPath: CInt = 0x1000

    private static func removeOld(_ path: String) throws(SystemError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SystemError("bind", path, .fileExists)
        }
        _ = try call("unlink", on: path) { unsafe unlink(path) }
    }

    /// Takes a listening socket that the caller has opened.
    /// - Throws: for a number that is none of a listening SOCK_SEQPACKET socket.
    static func adopt(_ number: Int32) throws(SystemError) -> FileDescriptor {
        let (kind, listens) = (try option(SO_TYPE, number), try option(SO_ACCEPTCONN, number))
        guard kind == CInt(SOCK_SEQPACKET.rawValue), listens == 1 else {
            throw SystemError("listen", "--socket-fd \(number)", .invalidArgument)
        }
        _ = try call("fcntl(F_SETFD)") { fcntl(number, F_SETFD, FD_CLOEXEC) }
        let socket = FileDescriptor(owning: number)
        try socket.setNonBlocking()
        return socket
    }

    private static func option(_ option: CInt, _ number: Int32) throws(SystemError) -> CInt {
        var value: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        _ = try call("getsockopt", on: "--socket-fd \(number)") {
            unsafe getsockopt(number, SOL_SOCKET, option, &value, &size)
        }
        return value
    }
}

/// One warden for each state directory.
enum StateLock {
    /// - Returns: what holds the lock as long as it is open; nil where another warden has it.
    static func take(in directory: String) throws(SystemError) -> FileDescriptor? {
        if unsafe mkdir(directory, 0o700) < 0, errno != EEXIST {
            throw SystemError("mkdir", directory, Errno(rawValue: errno))
        }
        let file = try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            .open("warden.lock", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        let number = file.number
        do {
            _ = try call("fcntl(F_OFD_SETLK)", on: "warden.lock") { clinux_lock_byte(number, 0) }
        } catch  where error.errno == .wouldBlock || error.errno == .accessDenied {
            return nil
        }
        return file
    }
}
