import Glibc

/// Turns a policy into a filter: ``Dispatch`` tells calls apart, and for a call with conditions it
/// jumps to ``ConditionCode``, which reads the arguments.
struct Compiler {
    private let policy: Policy

    /// Compiles the policy that `parts` make up, for this machine.
    static func compile(parts: [PolicyPart]) throws(SeccompError) -> CompiledFilter {
        try Compiler(Policy(parts: parts)).filter()
    }

    init(_ policy: Policy) { self.policy = policy }

    func filter() throws(SeccompError) -> CompiledFilter {
        var targets: [UInt32: Dispatch.Target] = [:]
        // Calls with the same conditions, such as chmod and mkdir, share their code.
        var codes: [[Instruction]] = []
        var indices: [[Instruction]: Int] = [:]
        for (number, rules) in policy.calls.sorted(by: { $0.key < $1.key }) {
            let (conditional, otherwise) = rules.effective
            guard !conditional.isEmpty else {
                targets[UInt32(number)] = .answer(otherwise)
                continue
            }
            let code = ConditionCode(conditional, otherwise: otherwise).program
            let index = indices[code] ?? codes.count
            if index == codes.count {
                indices[code] = index
                codes.append(code)
            }
            targets[UInt32(number)] = .code(index)
        }
        var dispatch = Dispatch(
            calls: targets, unnamed: policy.defaultAction, newer: policy.newerAction)
        dispatch.append(codes: codes)
        let program = dispatch.program
        guard program.count <= CompiledFilter.maximumInstructions else {
            throw .tooLong(policy: policy.name, instructions: program.count)
        }
        let bytes = Instruction.encode(program)
        let reachable = policy.reachable
        return CompiledFilter(
            bytes: bytes, digest: Digest.of(bytes), allowedCount: reachable.allowed,
            conditionalCount: reachable.conditional, warnings: policy.warningLines,
            kernels: policy.kernels, origin: .compiled)
    }
}

extension Policy {
    /// The first of the warnings, for people.
    fileprivate var warningLines: [String] {
        let most = 50
        let lines = warnings.prefix(most).map { problem in
            var problem = problem
            // A stored filter is used wherever the file is.
            problem.file = String(problem.file.split(separator: "/").last ?? "")
            return problem.description
        }
        return warnings.count > most ? lines + ["\(name): \(warnings.count - most) more warnings"] : lines
    }

    /// How many of this machine's calls can be made with some arguments at least, and how many of these
    /// have their arguments looked at.
    fileprivate var reachable: (allowed: Int, conditional: Int) {
        var allowed = 0
        var conditional = 0
        for rules in calls.values {
            let (rules, otherwise) = rules.effective
            guard otherwise.makesCall || rules.contains(where: \.action.makesCall) else { continue }
            allowed += 1
            if !rules.isEmpty { conditional += 1 }
        }
        // Where the default makes calls, so do the numbers that no rule names.
        if defaultAction.makesCall {
            allowed += (CInt(0)...600).count { calls[$0] == nil && Syscalls.name(of: $0) != nil }
        }
        return (allowed, conditional)
    }
}
