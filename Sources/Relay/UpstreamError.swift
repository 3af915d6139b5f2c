import Glibc
package import Linux

/// A host application's socket that cannot be used, and why. It prints as `PATH: why`; callers put
/// the option that named the path in front.
package struct UpstreamError: Error, Hashable, Sendable {
    package enum Problem: Hashable, Sendable {
        case empty
        case holdsZeroByte
        case endsWithSlash
        /// Bytes of the path.
        case pathTooLong(Int)
        case nameTooLong
        case missing
        case notDirectory
        case symbolicLink
        /// What it is instead.
        case notSocket(String)
        case denied
        case refused
        /// The listener's queue stayed full.
        case busy
        /// A datagram or packet socket.
        case notStream
        case system(SystemError)
    }

    package let path: String
    package let problem: Problem

    init(_ path: String, _ problem: Problem) {
        self.path = path
        self.problem = problem
    }

    /// What a failed system call means for the user of the path.
    init(_ path: String, _ error: SystemError) {
        self.path = path
        problem =
            switch error.errno {
            case .noSuchFileOrDirectory: .missing
            case .notDirectory: .notDirectory
            case .accessDenied, .notPermitted: .denied
            case .connectionRefused: .refused
            case .wouldBlock: .busy
            case .nameTooLong: .nameTooLong
            case .wrongProtocolType: .notStream
            default: .system(error)
            }
    }
}

extension UpstreamError: CustomStringConvertible {
    /// For example `/tmp/x: not a socket (a regular file)`.
    package var description: String { "\(shortened(path)): \(why)" }

    private var why: String {
        switch problem {
        case .empty: "the path of the host application's socket is empty"
        case .holdsZeroByte: "a path cannot hold a zero byte"
        case .endsWithSlash: "names a directory; expected the path of a socket"
        case .pathTooLong(let count):
            "the path is \(count) bytes long; Linux takes at most \(Upstream.longestPath)"
        case .nameTooLong: "a name in the path is longer than its file system takes (255 bytes mostly)"
        case .missing: "no such file; start the host application first"
        case .notDirectory: "a part of the path in front of the last one is not a directory"
        case .symbolicLink: "a symbolic link; give the path of the socket itself"
        case .notSocket(let kind): "not a socket (\(kind))"
        case .denied: "permission denied; the user who runs this needs write access to the socket"
        case .refused: "connection refused: nothing listens there"
        case .busy: "the host application does not accept connections: its queue is full"
        case .notStream: "not a stream socket"
        case .system(let error): "\(error)"
        }
    }
}

private func shortened(_ path: String) -> String {
    path.utf8.count <= 200 ? path : "\(path.prefix(80))... (\(path.utf8.count) bytes)"
}

extension Errno {
    fileprivate static let wrongProtocolType = Errno(rawValue: EPROTOTYPE)
}
