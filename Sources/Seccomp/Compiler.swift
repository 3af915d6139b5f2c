import Wire

/// Turns a policy into a filter.
///
/// libseccomp writes the part that tells calls apart: a binary tree over their numbers. For a call
/// with conditions that part jumps to ``ConditionCode``, which reads the arguments.
struct Compiler {
    private let policy: Policy
    /// What was decided for each call, by its number.
    private var verdicts: [CInt: Verdict] = [:]
    /// Names that exist on other architectures only, so that their rules have no effect here.
    private(set) var notHere: [String] = []

    private struct Verdict {
        var conditional: [Rule] = []
        var otherwise: Action
        /// Whether a rule without conditions set `otherwise`.
        var isExplicit = false

        var isAllowedSometimes: Bool { otherwise == .allow || conditional.contains { $0.action == .allow } }

        /// Drops rules that say what would happen without them. No other rule can hold where they
        /// do, or it would have been refused as a contradiction.
        mutating func dropRedundantRules() {
            let action = otherwise
            conditional.removeAll { $0.action == action }
        }
    }

    /// Compiles the policy that `parts` make up, for this machine.
    static func compile(parts: [PolicyPart]) throws(SeccompError) -> CompiledFilter {
        try Compiler(Policy(parts: parts)).filter()
    }

    /// - Throws: ``SeccompError/badPolicy(_:)`` for a name that no table knows, and for rules that
    ///   contradict each other.
    init(_ policy: Policy) throws(SeccompError) {
        self.policy = policy
        for rule in policy.rules {
            for name in rule.names {
                switch Syscalls.look(up: name.text) {
                case .number(let number): try add(rule, to: number, name)
                case .notHere: notHere.append(name.text)
                case .unknown:
                    throw problem(
                        name,
                        "there is no system call \"\(name.text)\", as far as libseccomp "
                            + "\(Syscalls.libraryVersion) and Corral know")
                }
            }
        }
        for number in verdicts.keys { verdicts[number]?.dropRedundantRules() }
    }

    private func problem(_ name: Rule.Name, _ text: String) -> SeccompError {
        .badPolicy(PolicyProblem(file: name.file, place: name.place, path: name.path, problem: text))
    }

    private mutating func add(_ rule: Rule, to number: CInt, _ name: Rule.Name) throws(SeccompError) {
        var verdict = verdicts[number] ?? Verdict(otherwise: policy.defaultAction)
        if rule.conditions.isEmpty {
            if verdict.isExplicit, verdict.otherwise != rule.action {
                throw problem(name, "another rule without conditions gives \(name.text) another action")
            }
            verdict.otherwise = rule.action
            verdict.isExplicit = true
        } else {
            // The format gives rules no order, and each runtime would decide by its own.
            for other in verdict.conditional where other.action != rule.action && !other.excludes(rule) {
                throw problem(
                    name,
                    "a call of \(name.text) can fulfil this rule and one before it that has another action")
            }
            verdict.conditional.append(rule)
        }
        verdicts[number] = verdict
    }

    func filter() throws(SeccompError) -> CompiledFilter {
        let calls = verdicts.sorted { $0.key < $1.key }
        let conditional = calls.filter { !$0.value.conditional.isEmpty }
        var program = try tree(calls, conditional: conditional.map(\.key))
        let treeEnd = program.count
        for (index, call) in conditional.enumerated() {
            replace(marker(index), in: &program, upTo: treeEnd, byJumpTo: program.count)
            program += ConditionCode(call.value.conditional, otherwise: call.value.otherwise).program
        }
        guard program.count <= CompiledFilter.maximumInstructions else {
            throw .tooLong(policy: policy.name, instructions: program.count)
        }
        let bytes = Instruction.encode(program)
        return CompiledFilter(
            bytes: bytes, digest: Digest.of(bytes),
            allowedCount: calls.count { $0.value.isAllowedSometimes },
            conditionalCount: conditional.count { $0.value.isAllowedSometimes },
            origin: .compiled)
    }

    /// The part that tells calls apart, with a marker in the place of each of `conditional`.
    private func tree(
        _ calls: [(key: CInt, value: Verdict)], conditional: [CInt]
    ) throws(SeccompError) -> [Instruction] {
        let builder = try FilterBuilder.make(
            otherwise: policy.defaultAction.number, calls: calls.count, policy: policy.name)
        for (number, verdict) in calls where verdict.conditional.isEmpty {
            // libseccomp refuses a rule that says what the default says.
            if verdict.otherwise == policy.defaultAction { continue }
            try builder.add(verdict.otherwise.number, call: number)
        }
        for (index, number) in conditional.enumerated() { try builder.add(marker(index), call: number) }
        return try builder.program()
    }
}

/// What libseccomp is told to answer where there will be a jump. No policy may use SCMP_ACT_TRACE,
/// so an instruction that returns it can only be one of these. A machine has far fewer calls than
/// the 65,536 values there are.
private func marker(_ index: Int) -> UInt32 { 0x7FF0_0000 | UInt32(index) }

private func replace(
    _ marker: UInt32, in program: inout [Instruction], upTo end: Int, byJumpTo target: Int
) {
    for at in 0..<end where program[at].code == Instruction.returnConstant && program[at].k == marker {
        // Classic BPF counts from the instruction after the jump.
        program[at] = Instruction(
            code: Instruction.jump, jumpTrue: 0, jumpFalse: 0, k: UInt32(target - at - 1))
    }
}
