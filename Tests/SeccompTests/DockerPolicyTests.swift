import Glibc
import TestSupport
import Testing

@testable import Seccomp

private let dockerPolicy = "\(sourceRoot)/../shared/vectors/docker-default-seccomp.json"

/// Docker's own default profile, where it is found beside the source tree.
@Suite(.enabled(if: unsafe access(dockerPolicy, R_OK) == 0, "\(dockerPolicy) is not there"))
struct DockerPolicyTests {
    private func part() throws -> PolicyPart {
        PolicyPart(file: "docker.json", json: try contents(of: dockerPolicy))
    }

    @Test func `Docker's default profile compiles and means what Docker means`() throws {
        let filter = try Compiler.compile(parts: [part()])
        let ask = try FilterUnderTest(filter)
        #if arch(x86_64)
            // Counted from the profile by other means up to call 450: 291, and clone, personality and
            // socket. Then come fourteen newer ones.
            #expect(filter.allowedCount == 291 + 3 + 14)
            #expect(filter.conditionalCount == 3)
        #endif
        #expect(filter.warnings.isEmpty)
        #expect(try ask("socket", 16) == .allow)
        #expect(try ask("socket", 38) == .errno(1))
        #expect(try ask("socket", 39) == .allow)
        #expect(try ask("socket", 40) == .errno(1))
        #expect(try ask("socket", 41) == .allow)
        #expect(try ask("clone", 0x11) == .allow)
        #expect(try ask("clone", 0x1000_0011) == .errno(1))
        #expect(try ask("clone3") == .errno(38))
        #expect(try ask("mount") == .errno(1))
        #expect(try ask("personality", 0x20008) == .allow)
        #expect(try ask("personality", 9) == .errno(1))
        #expect(try ask("ptrace") == .allow)
        #expect(ask.interpreter.verdict(on: SeccompCall(599)) == .errno(38))
    }

    /// Every number, and for calls with conditions every combination of values that could matter.
    @Test func `the filter answers as the one that runc makes with libseccomp`() throws {
        let compared = try compareWithRuntime(part())
        #expect(compared > 601)
    }
}

/// Small policies in Docker's format, each for one habit of runc's and libseccomp's.
@Suite struct RuntimeMeaningTests {
    @Test(arguments: [
        // A rule without conditions replaces those with, whatever their order.
        #"""
        {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
        {"names":["dup","pause"],"action":"SCMP_ACT_ERRNO","errnoRet":9},
        {"names":["fsync"],"action":"SCMP_ACT_ALLOW"},
        {"names":["fsync"],"action":"SCMP_ACT_TRAP","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]}
        """#,
        // Unless it says what the default says: runc does not pass it on.
        #"""
        {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
        {"names":["dup"],"action":"SCMP_ACT_ERRNO","errnoRet":1},
        {"names":["fsync"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
        {"names":["fsync"],"action":"SCMP_ACT_ALLOW"}
        """#,
        // Two conditions on one argument make every condition of the rule an alternative.
        #"""
        {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[
          {"index":0,"value":7,"op":"SCMP_CMP_GE"},{"index":0,"value":9,"op":"SCMP_CMP_LE"},
          {"index":1,"value":3,"op":"SCMP_CMP_EQ"}]},
        {"names":["fsync"],"action":"SCMP_ACT_ALLOW","args":[
          {"index":0,"value":7,"op":"SCMP_CMP_EQ"},{"index":0,"value":9,"op":"SCMP_CMP_EQ"}]}
        """#,
        // Conditions on different arguments must all hold.
        #"""
        {"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[
          {"index":0,"value":2,"op":"SCMP_CMP_EQ"},{"index":1,"value":15,"valueTwo":1,"op":"SCMP_CMP_MASKED_EQ"},
          {"index":2,"value":6,"op":"SCMP_CMP_LT"}]}
        """#,
        // Every operator.
        #"""
        {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_NE"}]},
        {"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":7,"op":"SCMP_CMP_LT"}]},
        {"names":["write"],"action":"SCMP_ACT_ALLOW","args":[{"index":2,"value":7,"op":"SCMP_CMP_LE"}]},
        {"names":["open"],"action":"SCMP_ACT_ALLOW","args":[{"index":3,"value":7,"op":"SCMP_CMP_EQ"}]},
        {"names":["close"],"action":"SCMP_ACT_ALLOW","args":[{"index":4,"value":4294967303,"op":"SCMP_CMP_GE"}]},
        {"names":["stat"],"action":"SCMP_ACT_ALLOW","args":[{"index":5,"value":4294967303,"op":"SCMP_CMP_GT"}]},
        {"names":["fstat"],"action":"SCMP_ACT_ALLOW","args":[
          {"index":0,"value":4294967303,"valueTwo":7,"op":"SCMP_CMP_MASKED_EQ"}]}
        """#,
        // `name` alone, rules for others, and a call newer than the rest.
        #"""
        {"name":"dup","action":"SCMP_ACT_ALLOW"},
        {"names":["fsync"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
        {"names":["mseal"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}},
        {"names":["sync"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}},
        {"names":["pause"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}}
        """#,
        "",
    ])
    func `a policy is compiled as runc compiles it`(rules: String) throws {
        for action in [
            #""SCMP_ACT_ERRNO""#, #""SCMP_ACT_ERRNO","defaultErrnoRet":38"#, #""SCMP_ACT_KILL_PROCESS""#,
            #""SCMP_ACT_LOG""#,
        ] {
            _ = try compareWithRuntime(part(#"{"defaultAction":\#(action),"syscalls":[\#(rules)]}"#))
        }
    }

    /// Each call has one rule, so that nothing contradicts anything, and conditions are equalities, which
    /// libseccomp 2.5.4 compiles rightly: so it vouches for telling calls apart.
    @Test func `random policies are compiled as libseccomp compiles them`() throws {
        var random = Seeded(20_261_121)
        let actions = [
            #""SCMP_ACT_ALLOW""#, #""SCMP_ACT_ERRNO","errnoRet":9"#, #""SCMP_ACT_TRAP""#,
            #""SCMP_ACT_KILL_PROCESS""#, #""SCMP_ACT_ERRNO""#,
        ]
        let names = (CInt(0)...470).compactMap { Syscalls.name(of: $0) }
        for _ in 0..<60 {
            let share = Double.random(in: 0.01...1, using: &random)
            let rules = names.compactMap { name -> String? in
                guard Double.random(in: 0...1, using: &random) < share else { return nil }
                let action = actions.randomElement(using: &random) ?? actions[0]
                let value =
                    UInt64.random(in: 0...UInt64.max, using: &random)
                    >> UInt64.random(in: 0...63, using: &random)
                let args =
                    Int.random(in: 0...9, using: &random) > 0
                    ? "" : #","args":[{"index":1,"value":\#(value),"op":"SCMP_CMP_EQ"}]"#
                return #"{"names":["\#(name)"],"action":\#(action)\#(args)}"#
            }
            let otherwise = actions.randomElement(using: &random) ?? actions[0]
            let json =
                #"{"defaultAction":\#(otherwise.replacing("errnoRet", with: "defaultErrnoRet")),"#
                + #""syscalls":[\#(rules.joined(separator: ","))]}"#
            _ = try compareWithRuntime(part(json))
        }
    }
}

/// Compares our filter of a policy with runc's. Returns how many calls were compared.
private func compareWithRuntime(_ part: PolicyPart) throws -> Int {
    let policy = try Policy(parts: [part])
    let ours = try FilterUnderTest(Compiler(policy).filter()).interpreter
    let theirs = try RuntimeFilter.answers(to: part.json)
    var compared = 0
    for number in Array(UInt32(0)...600) + [1000, 0x3FFF_FFFF, 0xFFFF_FFFF] {
        let rules = policy.rules(for: CInt(bitPattern: number))
        for arguments in telling(rules) {
            let call = SeccompCall(number, arguments)
            #expect(ours.verdict(on: call) == theirs.verdict(on: call), "\(number) \(arguments)")
            compared += 1
        }
    }
    return compared
}
