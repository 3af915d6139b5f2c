package import Sandbox

/// Why a session does not do what a client asks for. The text fits behind its name.
package enum SessionRefusal: Error, Hashable, Sendable {
    /// It is not running yet.
    case notYetRunning(SessionState)
    case paused
    case notPaused(SessionState)
    case stopping(Cause)
    case ended(Cause, at: BootTime)
    case launchFailed(String)
    case noTTL
    case pauseFailed(String)
    case resumeFailed(String)
    case quarantined(Cause, problem: String)
}

extension SessionRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notYetRunning(let state): "is not running yet: it is \(state.rawValue)"
        case .paused: "is paused; resume it first"
        case .notPaused(let state): "is not paused: it is \(state.rawValue)"
        case .stopping(let cause): "is stopping (\(cause.rawValue))"
        case .ended(let cause, _): "has ended (\(cause.rawValue))"
        case .launchFailed(let problem): "could not be launched: \(problem)"
        case .noTTL: "has no ttl to renew; state one"
        case .pauseFailed(let problem): "could not be paused: \(problem)"
        case .resumeFailed(let problem): "could not be resumed: \(problem)"
        case .quarantined(let cause, let problem):
            "has ended (\(cause.rawValue)) and could not be removed: \(problem)"
        }
    }
}
