import TestSupport
import Testing
import Wire

@testable import Seccomp

/// What the compiled filter answers, compared with what the policy says.
@Suite struct MeaningTests {
    @Test(arguments: ["default", "strict"])
    func `a shipped filter means what its policy says`(name: String) throws {
        let policy = try Policy(parts: shippedPolicy(name))
        let compared = try compare(policy, numbers: 0...600)
        #expect(compared > 1000)
    }

    @Test func `random filters mean what their policies say`() throws {
        var random = Seeded(20_240_607)
        var compiled = 0
        while compiled < 400 {
            // Rules that contradict each other are refused, which another test shows.
            guard let policy = try? randomPolicy(&random) else { continue }
            _ = try compare(policy, numbers: 0...20)
            compiled += 1
        }
    }
}

/// Compares over every number and, for calls with conditions, over every combination of values that
/// the conditions could tell apart. Returns how many calls were compared.
private func compare(_ policy: Policy, numbers: ClosedRange<UInt32>) throws -> Int {
    let filter = try FilterUnderTest(try Compiler(policy).filter())
    var compared = 0
    for number in Array(numbers) + [10_000, 0xFFFF_FFFF] {
        let rules = policy.rules(for: CInt(bitPattern: number))
        for arguments in telling(rules) {
            let expected = SeccompVerdict(
                policy.decision(call: CInt(bitPattern: number), arguments: arguments).action.number)
            let actual = filter.interpreter.verdict(on: SeccompCall(number, arguments))
            #expect(
                actual == expected,
                "\(Syscalls.name(of: CInt(bitPattern: number)) ?? "\(number)") \(arguments) in \(policy)")
            compared += 1
        }
    }
    return compared
}

/// Every combination of argument values that the conditions of `rules` could tell apart.
func telling(_ rules: [Rule]) -> [[UInt64]] {
    var values = [Set<UInt64>](repeating: [0], count: 6)
    for condition in rules.flatMap(\.conditions) {
        values[Int(condition.argument)].formUnion(telling(condition.test))
    }
    return values.reduce([[]]) { tuples, values in
        tuples.flatMap { tuple in values.sorted().map { tuple + [$0] } }
    }
}

private func telling(_ test: Condition.Test) -> Set<UInt64> {
    switch test {
    case .notEqual(let value), .less(let value), .lessOrEqual(let value), .equal(let value),
        .greaterOrEqual(let value), .greater(let value):
        return [value &- 1, value, value &+ 1, value ^ 1 << 40, .max]
    case .masked(let mask, let bits):
        let one = mask & (~mask &+ 1)
        return [bits, bits ^ one, bits | ~mask, bits ^ 1 << 40, .max]
    }
}

private func randomPolicy(_ random: inout Seeded) throws(SeccompError) -> Policy {
    let names = [
        "read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap", "ioctl",
    ]
    let actions: [Action] = [.allow, .errno(0), .errno(38), .killProcess, .trap]
    let action = { (random: inout Seeded) -> Action in actions.randomElement(using: &random) ?? .allow }
    let place = JSONPlace(line: 1, column: 1)
    var rules: [Rule] = []
    for _ in 0..<Int.random(in: 0...24, using: &random) {
        let name = names.randomElement(using: &random) ?? "read"
        var rule = Rule(
            names: [.init(text: name, place: place, path: "")], action: action(&random), kind: .conditional,
            conditions: [], comment: nil, file: "random", place: place, path: "")
        for argument in UInt32(0)..<3 where Bool.random(using: &random) {
            let test = randomTest(&random)
            if !test.isImpossible { rule.conditions.append(Condition(argument: argument, test: test)) }
        }
        if rule.conditions.isEmpty {
            rule.kind = Int.random(in: 0...2, using: &random) == 0 ? .whole : .otherwise
        }
        rules.append(rule)
    }
    return try Policy(name: "random", defaultAction: action(&random), rules: rules)
}

private func randomTest(_ random: inout Seeded) -> Condition.Test {
    let values: [UInt64] = [0, 1, 2, 3, 7, 0xFFFF_FFFF, 0x1_0000_0000, 0x7_0000_0003, .max]
    let masks: [UInt64] = [1, 3, 0xFFFF_FFFF, 0xF_0000_000F, .max]
    let value = values.randomElement(using: &random) ?? 0
    let mask = masks.randomElement(using: &random) ?? 0
    return switch Int.random(in: 0...6, using: &random) {
    case 0: .notEqual(value)
    case 1: .less(value)
    case 2: .lessOrEqual(value)
    case 3: .equal(value)
    case 4: .greaterOrEqual(value)
    case 5: .greater(value)
    default: .masked(mask: mask, bits: value & mask)
    }
}
