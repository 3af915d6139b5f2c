// The evaluator and the compiled BPF say the same to every call.

import Denials
import Glibc
import Linux
import Sandbox
import Seccomp
import TestSupport
import Testing

/// A verdict of the filter as a denial has it; nil for one that makes the call.
private func effect(_ verdict: SeccompVerdict) -> String? {
    switch verdict {
    case .allow, .log: nil
    case .errno(0): "success"
    case .errno(let code): "errno \(code)"
    case .killProcess: "kill process"
    case .killThread: "kill thread"
    case .trap: "signal \(SIGSYS)"
    case .other(let value): "other \(value)"
    }
}

private func effect(_ denial: Denial?) -> String? {
    switch denial?.effect {
    case nil: nil
    case .success: "success"
    case .errno(let errno): "errno \(errno.rawValue)"
    case .signal(let number): "signal \(number)"
    case .ends(let text): text.contains("thread") ? "kill thread" : "kill process"
    case .other(let text): text
    }
}

/// Asks both about calls; returns how many were compared, and the calls they disagree on.
private func compare(
    _ rules: SandboxRules, _ parts: [PolicyPart], _ calls: [(number: Int32, arguments: [UInt64])]
) throws -> [String] {
    let filter = try FilterCache(directory: nil, policies: nil).filter(parts: parts)
    let interpreter = try SeccompInterpreter(filter.bytes)
    return calls.compactMap { call in
        let verdict = interpreter.verdict(on: SeccompCall(UInt32(call.number), call.arguments))
        let event = Event.systemCall(SystemCallEvent(number: call.number, arguments: call.arguments))
        let denial = Evaluator.denial(of: event, under: rules)
        guard effect(verdict) != effect(denial) else { return nil }
        return
            "call \(call.number) \(call.arguments): filter \(verdict), evaluator \(effect(denial) ?? "allows")"
    }
}

@Suite(.timeLimit(.minutes(20))) struct CallDifferenceTests {
    /// Values on both sides of what policies ask for: small numbers, flags of open and clone, families
    /// and types of sockets, modes with the setuid bit, the upper half of an argument.
    private static let telling: [UInt64] = [
        0, 1, 2, 3, 5, 10, 16, 17, 0x40, 0x1000, 0o644, 0o4755, 0o2755, 0x8000, 0x8_0001, 0x5412, 0x541C,
        0x40_0040, 0x20_0000, 0x1000_0000, 0x7E02_0080, 0xFFFF_FFFF, 1 << 32, (1 << 32) + 1, 1 << 63, .max,
    ]

    @Test(arguments: Shipped.names)
    func `for a shipped profile both agree on every number and the arguments that matter`(name: String) throws
    {
        for (relay, directory) in [(true, false), (false, true)] {
            let (rules, parts) = try Shipped.rules(name, relay: relay, hostDirectory: directory)
            var calls: [(number: Int32, arguments: [UInt64])] = []
            let conditional = Set(
                rules.policy.rules.filter { $0.kind == .conditional }.flatMap(\.names).map(\.text))
            for number in Int32(0)...600 {
                calls.append((number, []))
                // Each value in each argument where a rule looks at arguments, in all of them elsewhere.
                let isConditional = conditional.contains(Syscalls.name(of: number) ?? "")
                for value in CallDifferenceTests.telling {
                    calls.append((number, [UInt64](repeating: value, count: 6)))
                    for argument in 0..<(isConditional ? 6 : 0) {
                        var arguments = [UInt64](repeating: 0, count: 6)
                        arguments[argument] = value
                        calls.append((number, arguments))
                    }
                }
            }
            #expect(conditional.count > 10)
            #expect(try compare(rules, parts, calls) == [])
        }
    }

    @Test func `for random policies both agree on random calls`() throws {
        var random = Seeded(state: 0x5EED_0003)
        var compared = 0
        var refused = 0
        for _ in 0..<1500 {
            var fixture = Fixture()
            fixture.policy = randomPolicy(&random)
            // Rules that contradict each other are refused as a whole.
            guard let rules = try? fixture.rules() else {
                refused += 1
                continue
            }
            let calls = (0..<60).map { _ in
                (
                    number: Int32.random(in: 0...470, using: &random)
                        % (Bool.random(using: &random) ? 12 : 471),
                    arguments: (0..<6).map { _ in random.pick(CallDifferenceTests.telling) }
                )
            }
            compared += calls.count
            let parts = [PolicyPart(file: "seccomp/base.json", json: Array(fixture.policy.utf8))]
            #expect(try compare(rules, parts, calls) == [], "\(fixture.policy)")
        }
        #expect(compared > 20_000, "\(refused) policies were refused")
    }
}

private func randomPolicy(_ random: inout Seeded) -> String {
    let actions = [
        #""SCMP_ACT_ALLOW""#, #""SCMP_ACT_ERRNO""#, #""SCMP_ACT_ERRNO", "errnoRet": 38"#,
        #""SCMP_ACT_ERRNO", "errnoRet": 0"#, #""SCMP_ACT_KILL_PROCESS""#, #""SCMP_ACT_TRAP""#,
        #""SCMP_ACT_LOG""#,
    ]
    let names = [
        "read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap", "mprotect",
        "socket",
        "mseal",
    ]
    let operators = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]
    let values: [UInt64] = [1, 2, 3, 16, 0xFFFF_FFFF, 1 << 32, 0x7_0000_0003]
    // Two actions per policy, so that few rules contradict each other.
    let used = [random.pick(actions), random.pick(actions)]
    let rules = (0..<Int.random(in: 0...9, using: &random)).map { _ -> String in
        let named = (0..<Int.random(in: 1...3, using: &random)).map { _ in "\"\(random.pick(names))\"" }
        var arguments: [String] = []
        for index in 0..<3 where Int.random(in: 0...2, using: &random) == 0 {
            let test = random.pick(operators)
            let value = random.pick(values)
            let second = test == "MASKED_EQ" ? ", \"valueTwo\": \(value & random.pick(values))" : ""
            arguments.append(
                "{\"index\": \(index), \"op\": \"SCMP_CMP_\(test)\", \"value\": \(value)\(second)}")
        }
        return "{\"names\": [\(named.joined(separator: ", "))], \"action\": \(random.pick(used)), "
            + "\"args\": [\(arguments.joined(separator: ", "))]}"
    }
    let action = random.pick([#""defaultAction": "SCMP_ACT_ERRNO""#, #""defaultAction": "SCMP_ACT_ALLOW""#])
    return "{\(action), \"syscalls\": [\(rules.joined(separator: ",\n"))]}"
}
