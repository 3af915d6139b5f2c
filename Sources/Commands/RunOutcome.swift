import Launch
import Sandbox

/// What is known when a sandbox has ended.
struct RunFacts: Hashable, Sendable {
    /// How the program ended; nil when it was ended with the sandbox, or never reported.
    var status: ProcessExit.Status?
    var timedOut = false
    /// It used up its cpu time, and we ended it for that.
    var cpuTimeExceeded = false
    /// It wrote more than it may where that ends it, at whatever time that was noticed.
    var outputExceeded = false
    /// Where that ends it: a process or thread was refused before the sandbox was ended.
    var pidsExceeded = false
    /// The relay refused a message for which the sandbox is ended, at whatever time that was noticed.
    var violated = false
    /// The signal that asked us to end it.
    var askedBy: Int32?
    /// Kills by the kernel for want of memory, in the sandbox's cgroup.
    var outOfMemoryKills: UInt64 = 0
    /// Times that a process or thread was refused at the limit.
    var pidsHits: UInt64 = 0
    /// Bytes between the head and the tail of its output that were not passed on.
    var outputLeftOut: UInt64 = 0
}

/// Why the program ended, and the exit code that says so.
struct RunOutcome: Hashable, Sendable {
    /// A limit that was reached, whether or not that ended the program; in the report's order.
    enum Limit: String, CaseIterable, Sendable {
        case memory, pids, cpu, output
    }

    let cause: Cause
    let exitCode: Int32
    let limitsHit: [Limit]

    init(_ facts: RunFacts) {
        limitsHit = Limit.allCases.filter { limit in
            switch limit {
            case .memory: facts.outOfMemoryKills > 0
            case .pids: facts.pidsHits > 0
            case .cpu: facts.cpuTimeExceeded
            case .output: facts.outputExceeded || facts.outputLeftOut > 0
            }
        }
        (cause, exitCode) = RunOutcome.decide(facts)
    }

    private static func decide(_ facts: RunFacts) -> (Cause, Int32) {
        // Before everything else: part of what it wrote is missing, or a process that it wanted, however
        // it ended. So the answer does not depend on whether we or the program were first.
        if facts.outputExceeded { return (.output, ExitCode.output) }
        if facts.pidsExceeded { return (.pids, ExitCode.pids) }
        // Likewise: a message was refused.
        if facts.violated { return (.policy, ExitCode.policy) }
        // What the program itself reported comes next: it may have ended before a limit or a
        // signal to us took effect.
        if case .exited(let code) = facts.status { return (.exited, code) }
        if facts.timedOut { return (.timeout, ExitCode.timeLimit) }
        if facts.cpuTimeExceeded { return (.cpu, ExitCode.cpuTime) }
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
