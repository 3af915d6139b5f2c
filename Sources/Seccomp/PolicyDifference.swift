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
        let names = Set((first.rules + second.rules).flatMap { $0.names.map(\.text) })
        for name in names.sorted() {
            guard case .number(let number) = Syscalls.look(up: name) else { continue }
            let (one, two) = (first.allowance(number), second.allowance(number))
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
    /// The conditions under which a call is made: none of them for never, the empty list for always. With
    /// arguments for which it is refused, always is something else than without.
    fileprivate func allowance(_ number: CInt) -> Set<[Condition]> {
        guard let (rules, otherwise) = calls[number]?.effective else {
            return decision(call: number, arguments: []).action.makesCall ? [[]] : []
        }
        if otherwise.makesCall { return Set(rules.map(\.conditions) + [[]]) }
        return Set(rules.filter(\.action.makesCall).map(\.conditions))
    }
}
