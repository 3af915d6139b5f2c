/// What the rules of a sandbox say to an event. A pure function: no kernel is asked.
///
/// What it knows are the rules, not what processes did: a file in a writable directory may be there or
/// not, and the modes of the host's files are not rules.
package enum Evaluator {
    /// Why an event is refused; nil when it is allowed.
    package static func denial(of event: Event, under rules: SandboxRules) -> Denial? {
        explanation(of: event, under: rules).denial
    }

    /// The same with every rule that had a say.
    package static func explanation(of event: Event, under rules: SandboxRules) -> Explanation {
        var explanation = Explanation()
        switch event {
        case .systemCall(let call): explanation.decide(call, rules)
        case .path(let path): explanation.decide(path, rules)
        case .tcp(let tcp): explanation.decide(tcp, rules)
        case .limit(let limit): explanation.decide(limit, rules)
        }
        return explanation
    }
}
