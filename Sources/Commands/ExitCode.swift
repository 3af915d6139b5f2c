/// The exit codes of `corral`; README has the same table.
package enum ExitCode {
    package static let success: Int32 = 0
    /// A command other than `run` failed.
    package static let failure: Int32 = 1
    /// A command other than `run` was called wrongly.
    package static let usage: Int32 = 2
    /// `profile explain`: the event would be refused.
    package static let denied: Int32 = 3
    /// `daemon status`: there is no daemon, as systemctl(1) has it.
    package static let stopped: Int32 = 3
    /// `audit verify`: something was changed or is missing.
    package static let broken: Int32 = 3
    /// `run`: the limit of processes ended it, with `--pids-kill`. No signal stands for it.
    package static let pids: Int32 = 122
    /// `run`: the limit of wall-clock time ended it, as timeout(1) has it.
    package static let timeLimit: Int32 = 124
    /// `run`: the failure is Corral's, a wrong command line included.
    package static let ours: Int32 = 125
    package static let cannotExecute: Int32 = 126
    package static let notFound: Int32 = 127
    /// `run`: the limit of memory ended it.
    package static let memory: Int32 = 137
    /// `run`: the limit of cpu time ended it. 128 + SIGXCPU, what RLIMIT_CPU comes to.
    package static let cpuTime: Int32 = 152
    /// `run`: the limit of output ended it. 128 + SIGXFSZ, what a file that grows too large comes to.
    package static let output: Int32 = 153
    /// `run`: a message that the relay refused ended it. Of no signal that anything here sends (128 +
    /// SIGVTALRM).
    package static let policy: Int32 = 154
    /// `run`: a call that the seccomp policy kills for (128 + SIGSYS).
    package static let seccomp: Int32 = 159

    package static func signal(_ number: Int32) -> Int32 { 128 + number }
}
