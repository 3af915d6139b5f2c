import Glibc
import Sandbox

/// A seccomp policy as its files say it: Docker's and OCI's JSON, reduced to what applies to this
/// machine and to a sandbox without capabilities.
///
/// What decides a call, by the first of these that there is:
/// 1. a rule without conditions, as under Docker: libseccomp then drops the call's other rules. One
///    that says what the default says is no such rule, since no runtime passes it on;
/// 2. a rule whose conditions hold;
/// 3. a rule marked `otherwise`;
/// 4. a rule without conditions that says what the default says;
/// 5. ENOSYS for a number above every call that the policy names, as under runc: a call newer than
///    the policy looks as on a kernel without it. Not where the default action makes the call;
/// 6. the default action.
package struct Policy: Hashable, Sendable {
    /// The names of its parts, such as `base+network`.
    package let name: String
    package let defaultAction: Action
    /// In the files' order.
    package let rules: [Rule]
    /// Names of calls that exist on other architectures only, so that their rules have no effect here.
    package let notHere: [String]
    /// What has no effect, though somebody wrote it.
    package let warnings: [PolicyProblem]
    /// The rules of each call, by its number.
    let calls: [CInt: CallRules]
    /// The kernels for which the same rules apply.
    let kernels: KernelRange

    /// The most rules with conditions that one call can have. More make a filter that is longer than
    /// the kernel takes, and each is compared with each.
    static let maximumConditionalRules = 1000

    /// - Throws: ``SeccompError/badPolicy(_:)`` for rules that contradict each other.
    init(
        name: String, defaultAction: Action, rules: [Rule], kernels: KernelRange = .all
    ) throws(SeccompError) {
        self.name = name
        self.defaultAction = defaultAction
        self.rules = rules
        self.kernels = kernels
        var calls: [CInt: CallRules] = [:]
        var notHere: [String] = []
        var warnings: [PolicyProblem] = []
        for rule in rules {
            for name in rule.names {
                switch Syscalls.look(up: name.text) {
                case .number(let number):
                    try calls[number, default: CallRules(defaultAction)].add(rule, named: name)
                case .notHere: notHere.append(name.text)
                case .unknown:
                    warnings.append(
                        rule.problem(
                            name,
                            "there is no system call \"\(shown(name.text))\", as far as libseccomp "
                                + "\(Syscalls.libraryVersion) and Corral know, so the rule does nothing for it"
                        ))
                }
            }
        }
        for call in calls.sorted(by: { $0.key < $1.key }) { warnings += call.value.superseded }
        self.calls = calls
        self.notHere = notHere
        self.warnings = warnings
    }

    /// The highest number that a rule names; nil when that is no more than 0.
    package var lastNamed: Int32? { calls.keys.max().flatMap { $0 > 0 ? $0 : nil } }

    /// What becomes of calls above ``lastNamed``.
    var newerAction: Action {
        defaultAction.makesCall || lastNamed == nil ? defaultAction : .errno(UInt16(ENOSYS))
    }

    /// The rules that name a call, in the files' order.
    package func rules(for call: Int32) -> [Rule] { calls[call]?.all ?? [] }

    /// What becomes of a call, and why. The one definition of what a policy means.
    /// - Parameters:
    ///   - call: a number of this machine's own table.
    ///   - arguments: at most six; missing ones count as 0.
    package func decision(call: Int32, arguments: [UInt64]) -> Decision {
        let six = Array((arguments + Array(repeating: 0, count: 6)).prefix(6))
        if let rule = calls[call]?.deciding(six) { return Decision(action: rule.action, reason: .rule(rule)) }
        if let lastNamed, call > lastNamed, newerAction != defaultAction {
            return Decision(action: newerAction, reason: .newerThan(lastNamed))
        }
        return Decision(action: defaultAction, reason: .byDefault)
    }
}

/// What a policy says to one call.
package struct Decision: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        case rule(Rule)
        /// The number is above this one, the highest that the policy names.
        case newerThan(Int32)
        case byDefault
    }

    package let action: Action
    package let reason: Reason
}

/// The rules for one call.
struct CallRules: Hashable, Sendable {
    private let defaultAction: Action
    /// In the files' order.
    private(set) var all: [Rule] = []
    private(set) var conditional: [Rule] = []
    private var whole: Rule?
    private var otherwise: Rule?
    /// Says what the default says, and is kept so that one can see that somebody said it.
    private var redundant: Rule?
    private var seen: Set<[Condition]> = []
    /// Warnings about rules that ``whole`` leaves nothing to decide, in case there is such a one.
    private var conditionalProblems: [PolicyProblem] = []

    init(_ defaultAction: Action) { self.defaultAction = defaultAction }

    /// The rule that decides; nil when none does.
    func deciding(_ arguments: [UInt64]) -> Rule? {
        whole ?? conditional.first { $0.holds(for: arguments) } ?? otherwise ?? redundant
    }

    /// The rules with conditions that change anything, and the answer where none of them holds.
    var effective: (conditional: [Rule], otherwise: Action) {
        if let whole { return ([], whole.action) }
        let answer = otherwise?.action ?? defaultAction
        // No other rule can hold where one holds that says what would happen without it: that would
        // have been refused as a contradiction.
        return (conditional.filter { $0.action != answer }, answer)
    }

    var superseded: [PolicyProblem] { whole == nil ? [] : conditionalProblems }

    mutating func add(_ rule: Rule, named name: Rule.Name) throws(SeccompError) {
        all.append(rule)
        switch rule.kind {
        case .conditional: try addConditional(rule, name)
        case .whole where rule.action != defaultAction:
            if let whole, whole.action != rule.action {
                throw .badPolicy(
                    rule.problem(
                        name,
                        "another rule without conditions, at \(whole.location), gives \(name.text) "
                            + "another action"))
            }
            whole = whole ?? rule
        case .whole: redundant = redundant ?? rule
        case .otherwise:
            if let otherwise, otherwise.action != rule.action {
                throw .badPolicy(
                    rule.problem(
                        name,
                        "another rule, at \(otherwise.location), gives \(name.text) another action "
                            + "where no other rule decides"))
            }
            otherwise = otherwise ?? rule
        }
    }

    private mutating func addConditional(_ rule: Rule, _ name: Rule.Name) throws(SeccompError) {
        conditionalProblems.append(
            rule.problem(
                name,
                "the rule has no effect, since another one, without conditions, decides every \(name.text)"))
        // The format gives rules no order, and each runtime would decide by its own.
        for other in conditional where other.action != rule.action && !other.excludes(rule) {
            throw .badPolicy(
                rule.problem(
                    name,
                    "a call of \(name.text) can fulfil this rule and the one at \(other.location), which has "
                        + "another action"))
        }
        guard seen.insert(rule.conditions).inserted else { return }
        conditional.append(rule)
        guard conditional.count <= Policy.maximumConditionalRules else {
            throw .badPolicy(
                rule.problem(
                    name,
                    "this is one more than the \(Policy.maximumConditionalRules) rules with conditions that "
                        + "a call can have"))
        }
    }
}

extension Rule {
    /// Such as `base.json:12:5`.
    package var location: String { "\(file):\(place)" }

    fileprivate func problem(_ name: Name, _ text: String) -> PolicyProblem {
        PolicyProblem(file: file, place: name.place, path: name.path, problem: text)
    }
}
