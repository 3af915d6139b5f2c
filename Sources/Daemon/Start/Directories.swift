import CLinux
import Configuration
import Glibc
import Linux
import Network
import Service

/// The directories and files that a daemon has for itself, made and checked before it serves.
///
///     state/          root's, and corrald's group may pass: 0710 (an ordinary user's: 0700); where the sockets
///                     are below it, everybody may: 0711
///     state/daemon/   the store and the lock of corrald, 0700, of the user that corrald becomes
///     state/warden/   the warden's, 0700
///     runtime/        sockets
struct Directories {
    let state: String
    let runtime: String
    let socket: String

    var daemon: String { "\(state)/daemon" }
    var warden: String { "\(state)/warden" }
    var wardenSocket: String { "\(runtime)/warden.sock" }

    init(_ settings: Settings) {
        state = settings.text(.state)
        runtime = settings.text(.runtime)
        socket = settings.text(.socketPath)
    }

    /// Makes what is missing.
    /// - Parameter user: whom corrald becomes; nil where it stays who it is.
    func make(for user: Accounts.User?) throws(StartProblemText) {
        try Directories.make(state, 0o700)
        let holdsSockets = [runtime, socket].contains { $0.hasPrefix("\(state)/") }
        if let user { try Directories.letPass(user, through: state, holdsSockets ? 0o711 : 0o710) }
        try Directories.make(daemon, 0o700, owner: user)
        try Directories.make(runtime, user == nil ? 0o700 : 0o755)
    }

    private static func make(
        _ path: String, _ mode: mode_t, owner: Accounts.User? = nil
    ) throws(StartProblemText) {
        var parent = ""
        for part in path.split(separator: "/") {
            parent += "/\(part)"
            if unsafe mkdir(parent, parent == path ? mode : 0o755) == 0 {
                // Whatever the umask.
                if parent == path { unsafe chmod(path, mode) }
            } else if errno != EEXIST {
                throw StartProblemText("\(SystemError("mkdir", parent, Errno(rawValue: errno)))")
            }
        }
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            throw StartProblemText("\(SystemError("lstat", path, Errno(rawValue: errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StartProblemText("\(path) is not a directory; one was expected there, or nothing")
        }
        let wanted = owner?.uid ?? geteuid()
        if status.st_uid != wanted, status.st_uid == geteuid(), let owner {
            guard unsafe lchown(path, owner.uid, owner.gid) == 0 else {
                throw StartProblemText("\(SystemError("lchown", path, Errno(rawValue: errno)))")
            }
        } else if status.st_uid != wanted {
            throw StartProblemText("\(path) belongs to uid \(status.st_uid); expected \(wanted)")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw StartProblemText("\(path) can be written to by others; chmod go-w makes it fit")
        }
    }

    /// Lets the group of `user` through: sqlite opens what is below by its path, with the rights of corrald. Who
    /// may pass can list nothing, and what is below, sockets aside, is closed to them.
    private static func letPass(
        _ user: Accounts.User, through path: String, _ mode: mode_t
    ) throws(StartProblemText) {
        do throws(SystemError) {
            let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            let number = directory.number
            _ = try call("fchown", on: path) { fchown(number, .max, user.gid) }
            _ = try call("fchmod", on: path) { fchmod(number, mode) }
        } catch {
            throw StartProblemText("\(error)")
        }
    }

    /// Whether what a corrald without privileges needs was made for it. Makes nothing.
    /// - Parameter cure: who makes it.
    func check(cure: String) throws(StartProblemText) {
        var status = stat()
        guard unsafe lstat(daemon, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw StartProblemText(
                "there is no directory \(daemon) that this user can reach; \(cure) and makes it")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw StartProblemText(
                "\(daemon) is of uid \(status.st_uid) and mode \(String(status.st_mode & 0o7777, radix: 8)); "
                    + "expected \(geteuid()) and 700; \(cure) and makes it so")
        }
    }

    private var lockFile: String { "\(daemon)/lock" }

    /// Gives the lock of a corrald that was started as root to the one that is not: files that root makes there
    /// before it becomes `user` would be closed to it.
    func handOver(to user: Accounts.User) throws(StartProblemText) {
        guard let file = try? FileDescriptor.open(lockFile, O_RDWR | O_NOFOLLOW | O_NONBLOCK) else { return }
        try Directories.give(file, to: user, path: lockFile)
    }

    /// Only what root has made itself: in a directory of the user's a name may lead anywhere.
    private static func give(
        _ file: borrowing FileDescriptor, to user: Accounts.User, path: String
    ) throws(StartProblemText) {
        var status = stat()
        let number = file.number
        guard unsafe fstat(number, &status) == 0, status.st_uid == 0, status.st_nlink == 1,
            status.st_mode & S_IFMT == S_IFREG, status.st_size == 0
        else { return }
        do throws(SystemError) {
            _ = try call("fchown", on: path) { fchown(number, user.uid, user.gid) }
        } catch {
            throw StartProblemText("\(error)")
        }
    }

    /// One daemon has a state directory, as long as the result is open.
    /// - Parameter user: whom root's corrald becomes.
    func lock(for user: Accounts.User?) throws(StartProblemText) -> FileDescriptor {
        let path = lockFile
        let file: FileDescriptor
        do throws(SystemError) {
            file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        } catch {
            throw StartProblemText("\(error)")
        }
        if let user { try Directories.give(file, to: user, path: path) }
        do throws(SystemError) {
            let number = file.number
            _ = try call("fcntl(F_OFD_SETLK)", on: path) { clinux_lock_byte(number, 0) }
            return file
        } catch {
            if [.wouldBlock, .accessDenied].contains(error.errno) {
                throw StartProblemText(
                    "another corrald has the state directory \(state); stop it, or use another one")
            }
            throw StartProblemText("\(error)")
        }
    }

    /// The socket of the API. What is there of a daemon before is replaced: the lock told that it is gone.
    func listen(mode: mode_t, group: UInt32?) throws(StartProblemText) -> FileDescriptor {
        do throws(SystemError) {
            let listener = try FileDescriptor.unixSocket(nonBlocking: true)
            var status = stat()
            if unsafe lstat(socket, &status) == 0 {
                guard status.st_mode & S_IFMT == S_IFSOCK else {
                    throw SystemError("bind", socket, .fileExists)
                }
                _ = unsafe unlink(socket)
            }
            // No moment at which others may connect.
            let old = umask(0o177)
            defer { umask(old) }
            try listener.bind(to: socket)
            if let group { _ = try call("lchown", on: socket) { unsafe lchown(socket, .max, group) } }
            _ = try call("chmod", on: socket) { unsafe chmod(socket, mode) }
            try listener.listen(queue: 1024)
            return listener
        } catch {
            throw StartProblemText("the socket of the API cannot be made: \(error)")
        }
    }

    /// The TCP socket of the API.
    func listen(at address: TCPAddress) throws(StartProblemText) -> FileDescriptor {
        do throws(SystemError) {
            return try .tcpListener(at: address, queue: 1024)
        } catch {
            throw StartProblemText("listen.tcp: nothing can listen at \(address): \(error.errno)")
        }
    }
}
