import Glibc
import Linux
import Sandbox
import Seccomp

extension Explanation {
    /// What the seccomp policy says to a call.
    mutating func decide(_ call: SystemCallEvent, _ rules: SandboxRules) {
        let decision = rules.policy.decision(call: call.number, arguments: call.arguments)
        let name = Syscalls.name(of: call.number) ?? "call \(call.number)"
        let (text, origin) = rules.described(decision, name)
        switch decision.action {
        case .allow: allow(.seccomp, text, origin)
        case .log: allow(.seccomp, "\(text); the kernel writes it to its audit log", origin)
        case .errno(0):
            deny(.seccomp, text, origin, .success, cure: rules.cure(name, decision))
        case .errno(let code):
            let effect = Denial.Effect.errno(Errno(rawValue: CInt(code)))
            deny(.seccomp, text, origin, effect, cure: rules.cure(name, decision))
        case .killProcess:
            let effect = Denial.Effect.ends("SIGSYS, which no process can catch, ends it")
            deny(.seccomp, text, origin, effect, cure: rules.cure(name, decision))
        case .killThread:
            let effect = Denial.Effect.ends("SIGSYS, which no thread can catch, ends the thread")
            deny(.seccomp, text, origin, effect, cure: rules.cure(name, decision))
        case .trap: deny(.seccomp, text, origin, .signal(SIGSYS), cure: rules.cure(name, decision))
        }
    }

    /// The same for a call that an event of another kind makes.
    /// - Returns: false where the call is refused.
    mutating func decide(callNamed name: String, _ arguments: [UInt64], _ rules: SandboxRules) -> Bool {
        // Every name that is asked for is in libseccomp's table; a machine without the call has no
        // program that makes it.
        guard case .number(let number) = Syscalls.look(up: name) else { return true }
        var calls = Explanation()
        calls.decide(SystemCallEvent(number: number, arguments: arguments), rules)
        append(calls)
        return calls.denial == nil
    }
}

extension SandboxRules {
    /// The rule behind a decision in words, and where it is.
    fileprivate func described(_ decision: Decision, _ name: String) -> (text: String, origin: String?) {
        switch decision.reason {
        case .rule(let rule):
            let conditions = rule.conditions.map(\.written).joined(separator: " and ")
            let when =
                switch rule.kind {
                case .conditional: " where \(conditions)"
                case .whole: ""
                case .otherwise: " where no other rule decides"
                }
            let comment = rule.comment.map { ": \($0)" } ?? ""
            return ("\(decision.action.verb) \(name)\(when)\(comment)", rule.location)
        case .newerThan(let last):
            return (
                "\(decision.action.verb) \(name), as every call with a number above \(last), the last that the "
                    + "policy \(policy.name) names", nil
            )
        case .byDefault:
            return (
                "\(decision.action.verb) \(name), as every call for which the policy \(policy.name) has no rule",
                origin(.policy)
            )
        }
    }

    fileprivate func cure(_ name: String, _ decision: Decision) -> String {
        let part = profile.syscalls.policy.last ?? "base"
        if case .rule(let rule) = decision.reason, rule.kind == .conditional {
            return "Take the rule at \(rule.location) away, or narrow its conditions."
        }
        if case .rule(let rule) = decision.reason, rule.kind == .otherwise {
            return "Add a part to syscalls.policy, after \(part), with a rule that allows \(name) where its "
                + "arguments are these."
        }
        if case .rule(let rule) = decision.reason {
            return "Take \(name) out of the rule at \(rule.location), and name it in one that allows it."
        }
        return "Add a part to syscalls.policy, after \(part), that says "
            + "{\"syscalls\": [{\"names\": [\"\(name)\"], \"action\": \"SCMP_ACT_ALLOW\"}]}."
    }
}

extension Action {
    /// As a clause begins about a call.
    fileprivate var verb: String {
        switch self {
        case .allow, .log: "allows"
        case .errno(0): "does nothing for"
        case .errno: "refuses"
        case .killProcess: "kills the process that makes"
        case .killThread: "kills the thread that makes"
        case .trap: "sends SIGSYS for"
        }
    }
}

extension Condition {
    /// Such as `argument 1 is 0x2`.
    fileprivate var written: String {
        let what = "argument \(argument)"
        switch test {
        case .notEqual(let value): return "\(what) is not \(hexadecimal(value))"
        case .less(let bound): return "\(what) is below \(hexadecimal(bound))"
        case .lessOrEqual(let bound): return "\(what) is at most \(hexadecimal(bound))"
        case .equal(let value): return "\(what) is \(hexadecimal(value))"
        case .greaterOrEqual(let bound): return "\(what) is at least \(hexadecimal(bound))"
        case .greater(let bound): return "\(what) is above \(hexadecimal(bound))"
        case .masked(let mask, let bits): return "\(what) & \(hexadecimal(mask)) is \(hexadecimal(bits))"
        }
    }
}

private func hexadecimal(_ value: UInt64) -> String {
    value < 10 ? "\(value)" : "0x" + String(value, radix: 16)
}
