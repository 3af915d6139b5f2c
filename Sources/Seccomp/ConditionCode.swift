/// The BPF that decides one system call by its arguments.
///
/// libseccomp could write this too, but it does not write it right: of 6,000 random policies whose
/// rules did not contradict each other, 2.5.4 compiled 77 to filters that answered something else,
/// such as `trap` for the value 8 under "trap if >= 0x700000003" and "trap if <= 7".
struct ConditionCode {
    private(set) var program: [Instruction] = []
    /// The word of `struct seccomp_data` that the accumulator holds whenever the next rule begins.
    private var held: UInt32?

    /// - Parameters:
    ///   - rules: with conditions each; no two with different actions may hold for one call.
    ///   - otherwise: the answer where none of them holds.
    init(_ rules: [Rule], otherwise: Action) {
        for rule in rules { append(rule) }
        program.append(.answer(otherwise.number))
    }

    private mutating func append(_ rule: Rule) {
        var body: [Step] = []
        for condition in rule.conditions {
            // A step's `pass` is the end of its own condition.
            body += condition.steps.enumerated().map { index, step in
                step.passing(condition.steps.count - index - 1)
            }
        }
        let first = body.first?.load
        let loads = body.filter { $0.load != nil }
        if let held, first == held { body.removeFirst() }
        held = loads.count == 1 && !body.contains { $0.instruction.code == Instruction.and } ? first : nil
        // A step's `fail` is the end of the rule, after its answer.
        program += body.enumerated().map { index, step in step.failing(body.count - index) }
        program.append(.answer(rule.action.number))
    }
}

/// An instruction of a condition whose jumps have yet to be given their distances.
private struct Step {
    enum Target { case next, pass, fail }

    var instruction: Instruction
    var ifTrue = Target.next
    var ifFalse = Target.next

    /// The word it loads, if it loads one.
    var load: UInt32? { instruction.code == Instruction.load ? instruction.k : nil }

    // A rule has at most six conditions of six steps, so that every distance fits into eight bits.
    func passing(_ distance: Int) -> Step { setting(.pass, UInt8(distance)) }

    func failing(_ distance: Int) -> Instruction { setting(.fail, UInt8(distance)).instruction }

    private func setting(_ target: Target, _ distance: UInt8) -> Step {
        var step = self
        if ifTrue == target { step.instruction.jumpTrue = distance }
        if ifFalse == target { step.instruction.jumpFalse = distance }
        return step
    }

    static func load(_ word: UInt32) -> Step {
        Step(instruction: Instruction(code: Instruction.load, jumpTrue: 0, jumpFalse: 0, k: word))
    }

    static func and(_ mask: UInt32) -> Step {
        Step(instruction: Instruction(code: Instruction.and, jumpTrue: 0, jumpFalse: 0, k: mask))
    }

    static func jump(_ code: UInt16, _ k: UInt32, _ ifTrue: Target, else ifFalse: Target) -> Step {
        Step(
            instruction: Instruction(code: code, jumpTrue: 0, jumpFalse: 0, k: k), ifTrue: ifTrue,
            ifFalse: ifFalse)
    }
}

extension Condition {
    /// Offsets of the argument's halves in `struct seccomp_data`, little-endian.
    private var low: UInt32 { 16 + 8 * argument }
    private var high: UInt32 { low + 4 }

    fileprivate var steps: [Step] {
        switch test {
        case .equal(let value): masked(.max, value)
        case .masked(let mask, let bits): masked(mask, bits)
        case .notEqual(let value):
            [
                .load(high), .jump(Instruction.jumpEqual, value.high, .next, else: .pass),
                .load(low), .jump(Instruction.jumpEqual, value.low, .fail, else: .next),
            ]
        case .greater(let bound): compare(Instruction.jumpGreater, bound, .pass, else: .fail)
        case .greaterOrEqual(let bound): compare(Instruction.jumpGreaterOrEqual, bound, .pass, else: .fail)
        case .lessOrEqual(let bound): compare(Instruction.jumpGreater, bound, .fail, else: .pass)
        case .less(let bound): compare(Instruction.jumpGreaterOrEqual, bound, .fail, else: .pass)
        }
    }

    /// Only the halves that the mask looks at are read.
    private func masked(_ mask: UInt64, _ bits: UInt64) -> [Step] {
        var steps: [Step] = []
        for (word, mask, bits) in [(high, mask.high, bits.high), (low, mask.low, bits.low)] where mask != 0 {
            steps.append(.load(word))
            if mask != .max { steps.append(.and(mask)) }
            steps.append(.jump(Instruction.jumpEqual, bits, .next, else: .fail))
        }
        return steps
    }

    /// The high half decides unless it is equal; then the low half does, by `code`.
    private func compare(
        _ code: UInt16, _ bound: UInt64, _ above: Step.Target, else below: Step.Target
    ) -> [Step] {
        [
            .load(high), .jump(Instruction.jumpGreater, bound.high, above, else: .next),
            .jump(Instruction.jumpEqual, bound.high, .next, else: below),
            .load(low), .jump(code, bound.low, above, else: below),
        ]
    }
}

extension UInt64 {
    fileprivate var high: UInt32 { UInt32(self >> 32) }
    fileprivate var low: UInt32 { UInt32(truncatingIfNeeded: self) }
}
