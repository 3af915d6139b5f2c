/// Why a process or a session ended; exactly one.
package enum Cause: String, CaseIterable, Sendable {
    case exited
    case signalled
    /// The wall-clock limit.
    case timeout
    case ttl
    case idle
    /// The longest that a session may live, however often it is renewed.
    case max
    case memory
    case pids
    /// The limit of cpu time.
    case cpu
    case output
    case quota
    case seccomp
    case policy
    /// Somebody asked for it: a signal to `corral run`, a kill command.
    case `operator`
    case launchFailed = "launch-failed"
    case daemonRestart = "daemon-restart"
}
