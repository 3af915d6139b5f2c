/// Which system calls one policy allows and another does not, by their names.
package struct PolicyDifference: Hashable, Sendable {
    /// Allowed by the first alone, at least with some arguments; sorted.
    package private(set) var onlyFirst: [String] = []
    package private(set) var onlySecond: [String] = []
    /// Allowed by both, with other arguments.
    package private(set) var otherArguments: [String] = []
    /// What becomes of calls that neither names, where that differs.
    package private(set) var defaultsDiffer = false

    package init(_ first: Policy, _ second: Policy) {
        let (left, right) = (first.byName, second.byName)
        for name in Set(left.keys).union(right.keys).sorted() {
            let one = Policy.allowance(left[name] ?? [], otherwise: first.defaultAction)
            let two = Policy.allowance(right[name] ?? [], otherwise: second.defaultAction)
            switch (one.isEmpty, two.isEmpty) {
            case (false, true): onlyFirst.append(name)
            case (true, false): onlySecond.append(name)
            case (false, false) where one != two: otherArguments.append(name)
            default: break
            }
        }
        defaultsDiffer = first.defaultAction != second.defaultAction
    }

    package var isEmpty: Bool {
        onlyFirst.isEmpty && onlySecond.isEmpty && otherArguments.isEmpty && !defaultsDiffer
    }
}

extension Policy {
    fileprivate var byName: [String: [Rule]] {
        var rules: [String: [Rule]] = [:]
        for rule in self.rules {
            for name in rule.names { rules[name.text, default: []].append(rule) }
        }
        return rules
    }

    /// The conditions under which a call with these rules is allowed: none of them for never, the empty
    /// list for always.
    fileprivate static func allowance(_ rules: [Rule], otherwise: Action) -> Set<[Condition]> {
        var allowed = Set(rules.filter { $0.action == .allow && !$0.conditions.isEmpty }.map(\.conditions))
        let last = rules.last { $0.conditions.isEmpty }?.action ?? otherwise
        if last == .allow {
            // With refusals for some arguments it is not the same as without.
            let refused = rules.filter { $0.action != .allow && !$0.conditions.isEmpty }.map(\.conditions)
            allowed = Set(refused + [[]])
        }
        return allowed
    }
}
