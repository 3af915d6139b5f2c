import CLinux
import Glibc

/// What came of moving bytes through a non-blocking socket. That nothing could be moved now is a
/// value and not an error: it happens all the time.
package enum Transfer: Hashable, Sendable {
    /// How many bytes; 0 from a receive is the end of the stream.
    case bytes(Int)
    case wouldBlock
    case failed(Errno)
}

/// Who is at the other end of a unix socket, as it was when it connected (unix(7), SO_PEERCRED).
package struct PeerCredentials: Hashable, Sendable {
    package let pid: Int32
    /// As this process's user namespace numbers it.
    package let uid: UInt32
    package let gid: UInt32
}

/// Stream sockets of the family AF_UNIX (unix(7)).
extension FileDescriptor {
    /// A new socket, close-on-exec.
    package static func unixSocket(nonBlocking: Bool) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try call("socket") { clinux_unix_socket(nonBlocking ? 1 : 0) })
    }

    /// Connects to the socket at `path`, at most 107 bytes.
    /// - Throws: `.wouldBlock` when this socket is non-blocking and the listener's queue is full.
    package borrowing func connect(to path: String) throws(SystemError) {
        let number = number
        _ = try call("connect", on: path) { unsafe clinux_unix_connect(number, path) }
    }

    /// Gives the socket a name in the file system, at most 107 bytes.
    package borrowing func bind(to path: String) throws(SystemError) {
        let number = number
        _ = try call("bind", on: path) { unsafe clinux_unix_bind(number, path) }
    }

    /// - Parameter queue: connections that may wait to be accepted.
    package borrowing func listen(queue: CInt) throws(SystemError) {
        let number = number
        _ = try call("listen") { Glibc.listen(number, queue) }
    }

    /// The next connection, non-blocking; nil when none waits.
    package borrowing func accept() throws(SystemError) -> FileDescriptor? {
        let number = number
        do {
            return FileDescriptor(owning: try call("accept4") { clinux_accept(number) })
        } catch  where error.errno == .wouldBlock || error.errno == Errno(rawValue: ECONNABORTED) {
            return nil
        }
    }

    package borrowing func peerCredentials() throws(SystemError) -> PeerCredentials {
        let number = number
        var (pid, uid, gid): (Int32, UInt32, UInt32) = (0, 0, 0)
        _ = try call("getsockopt(SO_PEERCRED)") { unsafe clinux_peer(number, &pid, &uid, &gid) }
        return PeerCredentials(pid: pid, uid: uid, gid: gid)
    }

    package borrowing func setNonBlocking() throws(SystemError) {
        let number = number
        let flags = try call("fcntl(F_GETFL)") { fcntl(number, F_GETFL) }
        _ = try call("fcntl(F_SETFL)") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
    }

    /// Receives bytes without waiting. Descriptors that came along are closed and counted (those
    /// of one message as 1 or 2, since the kernel itself closes what it is given no room for).
    package borrowing func receive(
        into memory: inout MutableSpan<UInt8>, closedDescriptors: inout UInt64
    ) -> Transfer {
        let number = number
        return unsafe memory.withUnsafeMutableBufferPointer { buffer in
            var closed = 0
            while true {
                let count = unsafe clinux_receive_bytes(number, buffer.baseAddress, buffer.count, &closed)
                if count < 0 && errno == EINTR { continue }
                let result = transfer(count)
                closedDescriptors += UInt64(closed)
                return result
            }
        }
    }

    /// Sends as many of `bytes` as fit without waiting, in one call and without SIGPIPE.
    package borrowing func send(_ bytes: Span<UInt8>) -> Transfer {
        let number = number
        let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT)
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            while true {
                let count = unsafe Glibc.send(number, buffer.baseAddress, buffer.count, flags)
                if count < 0 && errno == EINTR { continue }
                return transfer(count)
            }
        }
    }

    /// Asks for room for `bytes` that were sent and not yet received (socket(7), "SO_SNDBUF", where the kernel
    /// counts what it needs itself as well). Less than there is, or than it grants, changes nothing.
    package borrowing func setSendRoom(_ bytes: Int) {
        var (present, length): (CInt, socklen_t) = (0, socklen_t(MemoryLayout<CInt>.size))
        let number = number
        guard unsafe getsockopt(number, SOL_SOCKET, SO_SNDBUF, &present, &length) == 0, present < bytes
        else { return }
        // What is asked for is doubled.
        var half = CInt(clamping: bytes / 2)
        _ = unsafe setsockopt(number, SOL_SOCKET, SO_SNDBUF, &half, length)
    }

    /// Ends one direction: `SHUT_RD` or `SHUT_WR` (shutdown(2)). A peer that is gone already is
    /// no error.
    package borrowing func shutdown(_ direction: ShutdownDirection) {
        _ = Glibc.shutdown(number, direction.rawValue)
    }
}

/// Which half of a connection to end.
package enum ShutdownDirection: Sendable {
    /// Nothing more is received; the peer's writes fail with EPIPE.
    case receiving
    /// Nothing more is sent; the peer reads the end of the stream.
    case sending

    fileprivate var rawValue: CInt {
        switch self {
        case .receiving: CInt(SHUT_RD)
        case .sending: CInt(SHUT_WR)
        }
    }
}

@inline(__always)
private func transfer(_ count: Int) -> Transfer {
    if count >= 0 { return .bytes(count) }
    let code = Errno(rawValue: errno)
    return code == .wouldBlock ? .wouldBlock : .failed(code)
}
