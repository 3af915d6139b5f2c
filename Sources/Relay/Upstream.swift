import CLinux
import Glibc
package import Linux

/// The host application's own socket, to which plugins are relayed.
///
/// It is kept as its directory, held open, and its name there: so its path may be of any length
/// that Linux takes (a socket address holds 107 bytes only), a new socket that the application
/// makes under the same name is found, and no directory renamed meanwhile leads elsewhere.
/// Symbolic links on the way to the directory are followed once, by ``open(path:)``. The socket
/// itself may not be one: whoever can write the directory could otherwise point a privileged relay
/// at any socket of the machine.
package struct Upstream: ~Copyable, Sendable {
    /// The longest path in bytes (PATH_MAX without its final zero byte).
    package static let longestPath = 4095

    private let path: String
    private let directory: FileDescriptor
    private let name: String

    private init(path: String, directory: consuming FileDescriptor, name: String) {
        self.path = path
        self.directory = directory
        self.name = name
    }

    /// Finds the socket at `path`, absolute or seen from the working directory, without connecting.
    package static func open(path: String) throws(UpstreamError) -> Upstream {
        guard !path.isEmpty else { throw UpstreamError(path, .empty) }
        guard !path.utf8.contains(0) else { throw UpstreamError(path, .holdsZeroByte) }
        guard path.utf8.count <= longestPath else {
            throw UpstreamError(path, .pathTooLong(path.utf8.count))
        }
        let (parent, name) = split(path)
        guard !name.isEmpty else { throw UpstreamError(path, .endsWithSlash) }
        let directory = try openPath(AT_FDCWD, parent, O_DIRECTORY, for: path)
        let upstream = Upstream(path: path, directory: directory, name: name)
        _ = try upstream.find()
        return upstream
    }

    /// A new connection, non-blocking.
    ///
    /// - Parameter patience: how long to wait, blocking, for a place in the application's queue.
    package borrowing func connect(patience: Duration = .zero) throws(UpstreamError) -> FileDescriptor {
        let socket = try find()
        var left = patience
        while true {
            do throws(SystemError) {
                let connection = try FileDescriptor.unixSocket(nonBlocking: true)
                // By descriptor, so that what is connected to is what was looked at.
                try connection.connect(to: "/proc/self/fd/\(socket.number)")
                return connection
            } catch {
                guard error.errno == .wouldBlock, left > .zero else { throw UpstreamError(path, error) }
            }
            // connect(2) on a full queue gives no descriptor that poll could wait for.
            usleep(10_000)
            left -= .milliseconds(10)
        }
    }

    /// The socket's own file, as it is now.
    private borrowing func find() throws(UpstreamError) -> FileDescriptor {
        let file = try openPath(directory.number, name, O_NOFOLLOW, for: path)
        let number = file.number
        var status = clinux_stat()
        do throws(SystemError) {
            _ = try call("fstat") { unsafe clinux_fstat(number, &status) }
        } catch {
            throw UpstreamError(path, error)
        }
        if let problem = problem(mode: status.mode) { throw UpstreamError(path, problem) }
        return file
    }

    private static func split(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        return (String(path[...slash]), String(path[path.utf8.index(after: slash)...]))
    }
}

/// Opens a place in the file system without opening the file (open(2), O_PATH).
private func openPath(
    _ directory: CInt, _ name: String, _ flags: CInt, for path: String
) throws(UpstreamError) -> FileDescriptor {
    let flags = UInt64(CLINUX_O_PATH | flags)
    do throws(SystemError) {
        return FileDescriptor(
            owning: try call("openat2") { unsafe clinux_openat2(directory, name, flags, 0, 0) })
    } catch {
        throw UpstreamError(path, error)
    }
}

/// Why a file of this mode cannot be connected to; nil for a socket.
private func problem(mode: UInt32) -> UpstreamError.Problem? {
    switch mode & S_IFMT {
    case S_IFSOCK: nil
    case S_IFLNK: .symbolicLink
    case S_IFREG: .notSocket("a regular file")
    case S_IFDIR: .notSocket("a directory")
    case S_IFIFO: .notSocket("a named pipe")
    default: .notSocket("a device")
    }
}
