import Glibc
import Relay
import Sandbox
import Seccomp

/// What `corral run` says at the end on standard error: the limits that were reached on the way, then
/// the one that ended it, each with its value and the option that changes it.
struct EndText {
    let outcome: RunOutcome
    let facts: RunFacts
    let profile: Profile
    /// Only with the cause `seccomp`: the call, and the rule about it.
    var seccomp = ""
    /// Only with the cause `policy`.
    var violation: RelayViolation?

    var lines: [String] {
        let ended = outcome.cause
        var lines: [String] = []
        for limit in outcome.limitsHit where limit.cause != ended { lines += along(limit).map { [$0] } ?? [] }
        return lines + (last.map { ["ended: \($0)"] } ?? [])
    }

    /// A limit that did not end the program.
    private func along(_ limit: RunOutcome.Limit) -> String? {
        switch limit {
        case .memory:
            let count = facts.outOfMemoryKills
            return "\(memory) reached: the kernel killed \(count) \(count == 1 ? "process" : "processes") "
                + change("--memory")
        case .pids:
            let count = facts.pidsHits
            return "\(pids) reached: \(count) \(count == 1 ? "was" : "were") refused \(change("--pids"))"
        case .output where facts.outputLeftOut > 0:
            return "\(output) reached: \(facts.outputLeftOut) bytes left out \(change("--output-limit"))"
        // The program was first, or something else ended it.
        case .cpu, .output: return nil
        }
    }

    private var last: String? {
        switch outcome.cause {
        case .timeout:
            let time = profile.lifetime.timeout.map { Lifetime.Rule.timeout.write($0) } ?? "none"
            return "time limit of \(time) reached \(change("--timeout"))"
        case .cpu:
            let time = profile.limits.cpuTime.map { Limits.Rule.cpuTime.write($0) } ?? "none"
            return "cpu time limit of \(time) reached \(change("--cpu-time"))"
        case .memory: return "\(memory) reached \(change("--memory"))"
        case .output: return "\(output) reached \(change("--output-limit"))"
        case .pids: return "\(pids) reached \(change("--pids"))"
        case .seccomp: return "killed by the seccomp policy (SIGSYS): \(seccomp)"
        case .policy: return violation.map(RelayNotices.ending)
        case .operator: return facts.askedBy.map { "signal \($0) to corral" }
        default: return nil
        }
    }

    private func change(_ option: String) -> String { "(change it with \(option))" }

    private var memory: String { "memory limit of \(size(Limits.Rule.memory.write(profile.limits.memory)))" }
    private var pids: String { "limit of \(profile.limits.pids) processes and threads" }
    private var output: String {
        "output limit of \(profile.output.limit.map { size(OutputPolicy.Rule.limit.write($0)) } ?? "none")"
    }

    /// With its unit, which a size that is no multiple of 1024 has not.
    private func size(_ text: String) -> String {
        text.utf8.allSatisfy { $0 < 0x3A } ? text + " bytes" : text
    }
}

extension RunOutcome.Limit {
    /// The cause of a program that it ended.
    fileprivate var cause: Cause {
        switch self {
        case .memory: .memory
        case .pids: .pids
        case .cpu: .cpu
        case .output: .output
        }
    }
}

extension SeccompCause {
    /// The call, and the rule of the policy that kills for it.
    func text(_ policy: Policy?) -> String {
        switch self {
        case .unknown(let why): return "the call is unknown: \(why)"
        case .call(let architecture, let number):
            let name = Syscalls.name(of: number, architecture: architecture)
            guard architecture == Syscalls.auditArchitecture, number < 0x4000_0000 else {
                return "system call \(name ?? "\(number)") of another architecture, which no policy allows"
            }
            let called = "system call \(name ?? "\(number)")"
            let rules = policy?.rules(for: number).filter(\.action.kills) ?? []
            if let rule = rules.first {
                return "\(called), rule at \(rule.location)"
            }
            return "\(called), by the default action of the policy \(policy?.name ?? "")"
        }
    }
}

extension Action {
    fileprivate var kills: Bool {
        switch self {
        case .killProcess, .killThread, .trap: true
        default: false
        }
    }
}
