// Seccomp policies in JSON: what is compiled means what the policy says, and the kernel would take it.

import Sandbox
import Seccomp
import TestSupport

/// Input: a policy; what is behind a NUL byte is a second part of it.
func checkPolicy(_ bytes: [UInt8]) throws(FuzzFailure) {
    let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        .map { PolicyPart(file: "fuzz.json", json: Array($0)) }
    let policy: Policy
    let filter: CompiledFilter
    do throws(SeccompError) {
        policy = try Policy(parts: parts)
        filter = try FilterCache(directory: nil, policies: nil).filter(parts: parts)
    } catch {
        return try checkLine(error.description, "an error")
    }
    for warning in filter.warnings { try checkLine(warning, "a warning") }
    guard let interpreter = try? SeccompInterpreter(filter.bytes) else {
        throw FuzzFailure("the kernel would refuse the filter")
    }
    try hold(PolicyDifference(policy, policy).isEmpty, "a policy differs from itself")
    let named = (UInt32(0)..<600).filter { !policy.rules(for: Int32($0)).isEmpty }
    let last = UInt32(bitPattern: policy.lastNamed ?? 0)
    #if arch(x86_64)
        // Another ABI, x32, which no policy speaks of.
        for number in [0x4000_0000, 0x4000_003B, 0x7FFF_FFFF] as [UInt32] {
            let answer = interpreter.verdict(on: SeccompCall(number))
            try hold(answer == .killProcess, "a call of x32: \(answer)")
        }
    #endif
    for number in named.prefix(16) + [0, 1, last, last + 1, 600, .max] {
        let call = Int32(bitPattern: number)
        for arguments in telling(policy.rules(for: call)) {
            let expected = policy.decision(call: call, arguments: arguments).action.number
            let actual = interpreter.verdict(on: SeccompCall(number, arguments))
            let words = "call \(number) \(arguments): the policy says \(SeccompVerdict(expected))"
            try hold(actual == SeccompVerdict(expected), "\(words), the filter \(actual)")
        }
    }
    let key = FilterFile.key(for: parts)
    let stored = try? FilterFile.decode(FilterFile.encode(filter, key: key), key: key, origin: .compiled)
    try hold(stored == filter, "stored it is another filter")
}

/// Arguments at and beside the values that conditions compare with.
private func telling(_ rules: [Rule]) -> [[UInt64]] {
    var all: [[UInt64]] = [Array(repeating: 0, count: 6), Array(repeating: .max, count: 6)]
    for rule in rules.prefix(8) {
        for offset in [0, 1, UInt64.max, 1 << 40] {
            var arguments = [UInt64](repeating: 0, count: 6)
            for condition in rule.conditions {
                arguments[Int(condition.argument)] = value(of: condition.test) &+ offset
            }
            all.append(arguments)
        }
    }
    return all
}

private func value(of test: Condition.Test) -> UInt64 {
    switch test {
    case .notEqual(let value), .less(let value), .lessOrEqual(let value), .equal(let value),
        .greaterOrEqual(let value), .greater(let value):
        value
    case .masked(_, let bits): bits
    }
}
