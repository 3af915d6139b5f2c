package import Linux

/// Why the command line got no answer from a daemon.
package enum ClientError: Error, Hashable, Sendable {
    case cannotConnect(path: String, Errno)
    /// Something is at the socket's path, and it is no socket.
    case notASocket(path: String)
    /// Nothing came for so many milliseconds.
    case timeout(milliseconds: Int)
    /// The daemon went away within an answer, or before one.
    case closed
    case malformed(HTTPError)
    /// The answer is larger than so many bytes.
    case tooLarge(limit: Int)
    /// An answer in JSON that is not what the API says.
    case unexpected(String)
    /// It refused.
    case refused(ServiceError)
    /// It answered an upgrade with a success that is none.
    case notUpgraded(status: Int)
    case failed(SystemError)
}

extension ClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cannotConnect(let path, let errno):
            "cannot connect to \(path): \(Self.explanation(errno))"
        case .notASocket(let path):
            "cannot connect to \(path): it is not a socket; name the daemon's with --state or CORRAL_SOCKET_PATH"
        case .timeout(let milliseconds):
            "the daemon has said nothing for \(milliseconds / 1000) seconds; corral daemon status says more"
        case .closed: "the daemon closed the connection before it had answered; its log says why"
        case .malformed(let error): "the daemon's answer cannot be read: \(error)"
        case .tooLarge(let limit): "the daemon's answer has more than \(limit) bytes"
        case .unexpected(let problem):
            "the daemon's answer is not what was asked for: \(problem); are corral and corrald of one version?"
        case .refused(let error): error.description
        case .notUpgraded(let status):
            "the daemon answered \(status) and did not open a stream; are corral and corrald of one version?"
        case .failed(let error): error.description
        }
    }

    private static func explanation(_ errno: Errno) -> String {
        switch errno {
        case .noSuchFileOrDirectory, .notDirectory:
            "there is no such socket. Is corrald running? corral daemon run starts it; --state DIR names "
                + "another one's directory"
        case .connectionRefused:
            "nobody listens there. corrald has ended; corral daemon run starts it"
        case .accessDenied, .notPermitted:
            "permission denied. Members of the group corral may connect: usermod -aG corral USER, then log "
                + "in anew"
        case .wouldBlock:
            "too many connections wait already; corral daemon status says what the daemon does"
        default: errno.description
        }
    }
}
