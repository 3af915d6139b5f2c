import Launch
import Sandbox

/// What is known when a sandbox has ended.
struct RunFacts: Hashable, Sendable {
    /// How the program ended; nil when it was ended with the sandbox, or never reported.
    var status: ProcessExit.Status?
    var timedOut = false
    /// It wrote more than it may, at whatever time that was noticed.
    var outputExceeded = false
    /// The relay refused a message for which the sandbox is ended, at whatever time that was noticed.
    var violated = false
    /// The signal that asked us to end it.
    var askedBy: Int32?
    /// Kills by the kernel for want of memory, in the sandbox's cgroup.
    var outOfMemoryKills: UInt64 = 0
    /// Times that a process or thread was refused at the limit.
    var pidsHits: UInt64 = 0
}

/// Why the program ended, and the exit code that says so.
struct RunOutcome: Hashable, Sendable {
    let cause: Cause
    let exitCode: Int32
    /// Limits that were reached, whether or not they ended it.
    let limitsHit: [Layer]

    init(_ facts: RunFacts) {
        limitsHit = [
            facts.outOfMemoryKills > 0 ? Layer.memory : nil, facts.pidsHits > 0 ? Layer.pids : nil,
        ].compactMap(\.self)
        (cause, exitCode) = RunOutcome.decide(facts)
    }

    private static func decide(_ facts: RunFacts) -> (Cause, Int32) {
        // Before everything else: part of what it wrote is missing, however it ended. So the answer does
        // not depend on whether we or the program were first.
        if facts.outputExceeded { return (.output, ExitCode.output) }
        // Likewise: a message was refused, however the program ended.
        if facts.violated { return (.policy, ExitCode.policy) }
        // What the program itself reported comes first: it may have ended before a limit or a
        // signal to us took effect.
        if case .exited(let code) = facts.status { return (.exited, code) }
        if facts.timedOut { return (.timeout, ExitCode.timeLimit) }
        if let signal = facts.askedBy { return (.operator, ExitCode.signal(signal)) }
        guard case .signalled(let number) = facts.status else {
            // Nobody asked the init to end. The kernel may kill it instead of the program.
            return facts.outOfMemoryKills > 0
                ? (.memory, ExitCode.memory) : (.signalled, ExitCode.signal(9))
        }
        if number == 9, facts.outOfMemoryKills > 0 { return (.memory, ExitCode.memory) }
        if number == 31 { return (.seccomp, ExitCode.seccomp) }
        return (.signalled, ExitCode.signal(number))
    }
}
