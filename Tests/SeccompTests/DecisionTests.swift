import TestSupport
import Testing

@testable import Seccomp

/// What decides a call, and what is told of it.
@Suite struct DecisionTests {
    private func policy(_ rules: String, default action: String = #""SCMP_ACT_ERRNO""#) throws -> Policy {
        try Policy(parts: [part("{\"defaultAction\":\(action),\"syscalls\":[\n\(rules)]}")])
    }

    private func number(_ name: String) throws -> Int32 {
        guard case .number(let number) = Syscalls.look(up: name) else { throw NoSuchCall(name: name) }
        return number
    }

    @Test func `a decision names its rule with place and comment`() throws {
        let policy = try policy(
            """
            {"comment":"seven","names":["dup"],"action":"SCMP_ACT_ALLOW",
             "args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
            {"comment":"not seven","names":["dup"],"otherwise":true,"action":"SCMP_ACT_TRAP"},
            {"names":["mseal"],"action":"SCMP_ACT_ERRNO","errnoRet":1}
            """)
        let seven = policy.decision(call: try number("dup"), arguments: [7])
        #expect(seven.action == .allow)
        guard case .rule(let rule) = seven.reason else { throw NoSuchCall(name: "dup") }
        #expect(rule.comment == "seven")
        #expect(rule.location == "test.json:2:1")
        #expect(rule.path == "syscalls[0]")
        let other = policy.decision(call: try number("dup"), arguments: [])
        #expect(other.action == .trap)
        #expect(other.reason == .rule(policy.rules[1]))
        let read = policy.decision(call: try number("read"), arguments: [7])
        #expect(read == Decision(action: .errno(1), reason: .byDefault))
        // A rule that says what the default says is still what decides.
        let seal = policy.decision(call: try number("mseal"), arguments: [])
        #expect(seal == Decision(action: .errno(1), reason: .rule(policy.rules[2])))
        #expect(
            policy.decision(call: 463, arguments: []) == Decision(action: .errno(38), reason: .newerThan(462))
        )
    }

    @Test func `a rule that nothing is left to decide for is a warning`() throws {
        let policy = try policy(
            """
            {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
            {"names":["dup"],"action":"SCMP_ACT_TRAP"},
            {"names":["raed", "read", "rea\\n\\u0000d"],"action":"SCMP_ACT_ALLOW"}
            """)
        let known =
            "as far as libseccomp \(Syscalls.libraryVersion) and Corral know, so the rule does nothing for it"
        #expect(
            policy.warnings.map(\.description) == [
                "test.json:4:11: syscalls[2].names[0]: there is no system call \"raed\", \(known)",
                "test.json:4:27: syscalls[2].names[2]: there is no system call \"rea\\u{a}\\u{0}d\", \(known)",
                "test.json:2:11: syscalls[0].names[0]: the rule has no effect, since another one, without "
                    + "conditions, decides every dup",
            ])
        #expect(try Compiler(policy).filter().warnings == policy.warnings.map(\.description))
    }

    @Test func `of very many warnings the first are kept`() throws {
        let names = (0..<300).map { "\"no\($0)\"" }.joined(separator: ",")
        let filter = try Compiler(policy(#"{"names":[\#(names)],"action":"SCMP_ACT_ALLOW"}"#)).filter()
        #expect(filter.warnings.count == 51)
        #expect(filter.warnings.last == "test: 250 more warnings")
    }

    /// The bottom of one range, of the next and so on, and the interpreter must not leave the program.
    @Test(arguments: [1, 2, 3, 7, 60, 255, 256, 257, 600, 1300])
    func `numbers are told apart, however many ranges there are`(count: Int) throws {
        let actions: [Action] = [.allow, .errno(5), .trap, .killProcess]
        var calls: [UInt32: Dispatch.Target] = [:]
        for number in 0..<count where number % 5 != 4 {
            calls[UInt32(number)] = .answer(actions[number % 7 % 4])
        }
        calls[UInt32(count)] = .code(0)
        var dispatch = Dispatch(calls: calls, unnamed: .errno(1), newer: .errno(38))
        dispatch.append(codes: [[.answer(Action.log.number)]])
        let interpreter = try SeccompInterpreter(Instruction.encode(dispatch.program))
        for number in UInt32(0)...UInt32(count + 3) {
            let expected: Action =
                switch calls[number] {
                case .answer(let action): action
                case .code: .log
                case nil: number > count ? .errno(38) : .errno(1)
                }
            #expect(
                interpreter.verdict(on: SeccompCall(number)) == SeccompVerdict(expected.number), "\(number)")
        }
    }

    @Test func `a policy that lets everything pass counts every call`() throws {
        let filter = try Compiler(
            policy(#"{"names":["reboot"],"action":"SCMP_ACT_TRAP"}"#, default: #""SCMP_ACT_ALLOW""#)
        )
        .filter()
        #expect(filter.allowedCount > 350)
        #expect(filter.conditionalCount == 0)
        let ask = try FilterUnderTest(filter)
        #expect(try ask("reboot") == .trap)
        #expect(ask.interpreter.verdict(on: SeccompCall(2000)) == .allow)
    }
}
