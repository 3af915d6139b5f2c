import Glibc
import Linux

/// The socket at which a test's host waits for the relay, in a directory that nobody else may enter.
final class HostSocket {
    private static let socket = "host.sock"

    let path: String
    let listener: FileDescriptor
    private let parent: FileDescriptor
    private let directory: FileDescriptor
    private let name: String
    private var isRemoved = false

    init() throws(SystemError) {
        var place = "/tmp"
        if let named = unsafe getenv("TMPDIR"), unsafe named.pointee == CChar(UInt8(ascii: "/")) {
            place = unsafe String(cString: named)
        }
        let parent = try FileDescriptor.open(place, O_RDONLY | O_DIRECTORY)
        let name = "corral-plugin-test.\(RunSession.newID())"
        try parent.makeDirectory(name, mode: 0o700)
        do throws(SystemError) {
            let directory = try parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            listener = try HostSocket.listen(in: directory)
            self.directory = directory
        } catch {
            try? parent.removeDirectory(name)
            throw error
        }
        self.parent = parent
        self.name = name
        path = "\(place)/\(name)/\(Self.socket)"
    }

    private static func listen(in directory: borrowing FileDescriptor) throws(SystemError) -> FileDescriptor {
        let listener = try FileDescriptor.unixSocket(nonBlocking: true)
        // The path itself may be longer than a socket's address holds.
        try listener.bind(to: "/proc/self/fd/\(directory.number)/\(socket)")
        do throws(SystemError) {
            try listener.listen(queue: 1)
        } catch {
            try? directory.removeFile(socket)
            throw error
        }
        return listener
    }

    /// Removes the socket and its directory, as soon as the relay is connected: what comes then, even
    /// SIGKILL, leaves nothing behind.
    func remove() {
        if isRemoved { return }
        isRemoved = true
        try? directory.removeFile(Self.socket)
        try? parent.removeDirectory(name)
    }

    deinit { remove() }
}
