import CLinux
import Glibc
import Linux
import Network

/// A connection to a daemon's socket, and waiting on it for no longer than one wants to.
struct Connection: ~Copyable {
    let socket: FileDescriptor
    /// Milliseconds in which something has to happen; nil for ever.
    var patience: Int?

    /// What sockaddr_un has room for, less its terminating zero.
    private static let pathLimit = 107

    /// - Parameter patience: milliseconds, for this and all that follows.
    static func open(_ place: DaemonAddress.Place, patience: Int?) throws(ClientError) -> Connection {
        switch place {
        case .path(let path): try open(path, patience: patience)
        case .network(let address): try open(address, patience: patience)
        }
    }

    /// Over TCP.
    private static func open(_ address: TCPAddress, patience: Int?) throws(ClientError) -> Connection {
        let kind =
            CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        do throws(SystemError) {
            let number = try call("socket") { Glibc.socket(address.family, kind, 0) }
            let connection = Connection(socket: FileDescriptor(owning: number), patience: patience)
            let result = unsafe address.withSocketAddress { unsafe Glibc.connect(number, $0, $1) }
            if result == 0 { return connection }
            var problem = errno
            if problem == EINPROGRESS {
                do throws(ClientError) {
                    try connection.wait(for: POLLOUT)
                } catch {
                    throw SystemError("connect", "\(address)", Errno(rawValue: ETIMEDOUT))
                }
                var size = socklen_t(MemoryLayout<CInt>.size)
                guard unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 else {
                    throw SystemError("getsockopt", nil, Errno(rawValue: errno))
                }
                if problem == 0 { return connection }
            }
            throw SystemError("connect", "\(address)", Errno(rawValue: problem))
        } catch {
            throw .cannotConnect(path: "\(address)", error.errno)
        }
    }

    static func open(_ path: String, patience: Int?) throws(ClientError) -> Connection {
        guard !path.utf8.contains(0) else { throw .cannotConnect(path: path, .invalidArgument) }
        do throws(SystemError) {
            let socket = try FileDescriptor.unixSocket(nonBlocking: true)
            if path.utf8.count <= pathLimit {
                try connect(socket, path, patience)
            } else {
                // A path of any length: the kernel follows the descriptor's link to the socket.
                let place = try FileDescriptor.open(path, CLINUX_O_PATH)
                try connect(socket, "/proc/self/fd/\(place.number)", patience)
            }
            return Connection(socket: socket, patience: patience)
        } catch {
            var status = stat()
            if error.errno == .connectionRefused, unsafe stat(path, &status) == 0,
                status.st_mode & S_IFMT != S_IFSOCK
            {
                throw .notASocket(path: path)
            }
            throw .cannotConnect(path: path, error.errno)
        }
    }

    /// A listener whose queue is full makes a connect fail at once.
    private static func connect(
        _ socket: borrowing FileDescriptor, _ path: String, _ patience: Int?
    ) throws(SystemError) {
        var waited = 0
        while true {
            do throws(SystemError) {
                return try socket.connect(to: path)
            } catch {
                guard error.errno == .wouldBlock, waited < patience ?? .max else { throw error }
            }
            usleep(5000)
            waited += 5
        }
    }

    /// - Returns: false when the other side reads no more. It may have answered all the same.
    borrowing func send(_ bytes: [UInt8]) throws(ClientError) -> Bool {
        var done = 0
        while done < bytes.count {
            switch socket.send(bytes.span.extracting(done...)) {
            case .bytes(let count): done += count
            case .wouldBlock: try wait(for: POLLOUT)
            case .failed(.brokenPipe), .failed(.connectionReset): return false
            case .failed(let errno): throw .failed(SystemError("send", nil, errno))
            }
        }
        return true
    }

    /// What has come; empty at the end of the stream.
    borrowing func receive(into buffer: inout [UInt8]) throws(ClientError) -> ArraySlice<UInt8> {
        while true {
            var closed: UInt64 = 0
            var room = buffer.mutableSpan
            switch socket.receive(into: &room, closedDescriptors: &closed) {
            case .bytes(let count): return buffer[..<count]
            case .wouldBlock: try wait(for: POLLIN)
            case .failed(.connectionReset): return []
            case .failed(let errno): throw .failed(SystemError("recv", nil, errno))
            }
        }
    }

    consuming func release() -> FileDescriptor { socket }

    /// Whether nothing has come that nobody asked for, the end included.
    borrowing func isQuiet() -> Bool {
        var waiting = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waiting, 1, 0) == 0
    }

    private borrowing func wait(for events: CInt) throws(ClientError) {
        var waiting = pollfd(fd: socket.number, events: Int16(events), revents: 0)
        while true {
            let limit = patience.map { CInt(clamping: $0) } ?? -1
            let count = unsafe poll(&waiting, 1, limit)
            if count > 0 { return }
            if count == 0 { throw .timeout(milliseconds: patience ?? 0) }
            guard errno == EINTR else {
                throw .failed(SystemError("poll", nil, Errno(rawValue: errno)))
            }
        }
    }
}
