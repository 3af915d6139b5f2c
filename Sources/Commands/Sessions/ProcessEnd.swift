import Sandbox
import Wire

/// How a process ended, as its last frame says.
struct ProcessEnd: Hashable, Sendable {
    var cause = ""
    var exit: Int32?
    var signal: Int32?
    var message: String?

    init(_ payload: [UInt8]) {
        let members = (try? JSONTree(parsing: payload)).flatMap { try? AnswerMembers($0) }
        cause = members?.text("cause") ?? ""
        exit = members?.code("exit")
        signal = members?.code("signal")
        message = members?.text("message")
    }

    init(_ process: ProcessAnswer) {
        cause = process.cause ?? ""
        exit = process.exit
        signal = process.signal
    }

    /// As `corral run` has them.
    var exitCode: Int32 {
        switch Cause(rawValue: cause) {
        case .timeout: return ExitCode.timeLimit
        case .memory: return ExitCode.memory
        case .pids: return ExitCode.pids
        case .cpu: return ExitCode.cpuTime
        case .output: return ExitCode.output
        case .policy: return ExitCode.policy
        case .seccomp: return ExitCode.seccomp
        default: return exit ?? signal.map(ExitCode.signal) ?? ExitCode.ours
        }
    }

    /// What there is to say besides the exit code; nil for a program that ended by itself.
    var notice: String? {
        let why: String
        switch Cause(rawValue: cause) {
        case .exited?, .signalled?: return nil
        case .timeout?: why = "its time limit"
        case .memory?: why = "its limit of memory"
        case .pids?: why = "its limit of processes"
        case .cpu?: why = "its limit of cpu time"
        case .output?: why = "its limit of output"
        case .seccomp?: why = "a system call that the seccomp policy does not allow"
        case .operator?: why = "somebody who asked for it"
        case .ttl?, .idle?, .max?: why = "its session's end (\(cause))"
        default: why = cause.isEmpty ? "something that nobody told" : cause
        }
        return "the program was ended by \(why)" + (message.map { ": \(shown($0))" } ?? "")
    }
}
