import TestSupport
import Testing

@testable import Seccomp

/// What is no policy, or too much of one.
@Suite struct BadInputTests {
    private func problem(_ json: String) -> String? {
        #expect(throws: SeccompError.self) { try Policy(parts: [part(json)]) }?.description
    }

    private func problem(ofRule members: String) -> String? {
        problem(#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{\#(members)}]}"#)
    }

    @Test(arguments: [
        (#""action":"SCMP_ACT_ALLOW""#, "1:47: syscalls[0]: has no names"),
        (
            #""names":[],"action":"SCMP_ACT_ALLOW""#,
            "1:56: syscalls[0].names: is empty, so the rule says nothing"
        ),
        (
            #""names":[""],"action":"SCMP_ACT_ALLOW""#,
            "1:57: syscalls[0].names[0]: is empty, and a system call's name was expected"
        ),
        (
            #""name":"read","names":["write"],"action":"SCMP_ACT_ALLOW""#,
            "1:55: syscalls[0].name: and names exclude each other"
        ),
        (#""names":["read"]"#, "1:47: syscalls[0]: has no action"),
        (
            #""names":["read"],"action":"SCMP_ACT_ALOW""#,
            "1:74: syscalls[0].action: there is no action \"SCMP_ACT_ALOW\"; there are SCMP_ACT_ALLOW, ERRNO, "
                + "KILL_PROCESS, KILL_THREAD, TRAP and LOG"
        ),
        (
            #""names":["read"],"action":"SCMP_ACT_TRACE""#,
            "1:74: syscalls[0].action: SCMP_ACT_TRACE needs somebody who answers, and nobody does in a sandbox"
        ),
        (
            #""names":["read"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["amd46"]}"#,
            "1:113: syscalls[0].includes.arches[0]: there is no architecture \"amd46\"; did you mean amd64?"
        ),
        (
            #""names":["read"],"action":"SCMP_ACT_ALLOW","excludes":{"minKernel":"6"}"#,
            "1:115: syscalls[0].excludes.minKernel: must be a kernel version such as \"4.8\""
        ),
        (
            #""names":["read"],"otherwise":true,"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]"#,
            "1:115: syscalls[0].args: and otherwise exclude each other"
        ),
        (
            #""names":["read"],"otherwise":1,"action":"SCMP_ACT_ALLOW""#,
            "1:77: syscalls[0].otherwise: must be true or false, but is a number"
        ),
        (
            #""names":["read"],"names":["write"],"action":"SCMP_ACT_ALLOW""#,
            "1:65: the key \"names\" was already given"
        ),
    ])
    func `a rule that is wrong is told with its place`(members: String, message: String) {
        #expect(problem(ofRule: members) == "test.json:" + message)
    }

    @Test(arguments: [
        (
            #""architectures":["SCMP_ARCH_X86_46"]"#,
            "architectures[0]: there is no architecture \"SCMP_ARCH_X86_46\"; did you mean SCMP_ARCH_X86_64?"
        ),
        (
            #""archMap":[{"architecture":"x"}]"#,
            "archMap[0].architecture: there is no architecture \"x\""
        ),
        (
            #""archMap":[{"architecture":"\#(Syscalls.libseccompArchitecture)","subArchitectures":["SCMP_ARCH_X23"]}]"#,
            "archMap[0].subArchitectures[0]: there is no architecture \"SCMP_ARCH_X23\"; did you mean SCMP_ARCH_X32?"
        ),
        (
            #""archMap":[{"architecture":"SCMP_ARCH_S390X","subArchitectures":["SCMP_ARCH_S390"]}]"#,
            "archMap: does not list this machine's architecture, \(Syscalls.libseccompArchitecture)"
        ),
        (
            #""flags":["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]"#,
            "flags[0]: would switch off the processor's protection against speculation, so it is refused"
        ),
        (
            #""flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]"#,
            "flags[0]: is for SCMP_ACT_NOTIFY, which needs somebody who answers; nobody does here"
        ),
        (
            #""flags":["TSYNC"]"#,
            "flags[0]: there is no flag \"TSYNC\" for a filter; only SECCOMP_FILTER_FLAG_TSYNC may be listed"
        ),
        (
            #""listenerPath":"/run/x""#,
            "listenerPath: is for SCMP_ACT_NOTIFY, which needs somebody who answers; nobody does here"
        ),
        (
            #""listenerMetadata":"x""#,
            "listenerMetadata: is for SCMP_ACT_NOTIFY, which needs somebody who answers; nobody does here"
        ),
    ])
    func `what is wrong for the whole policy is told`(members: String, message: String) {
        let problem = problem(#"{"defaultAction":"SCMP_ACT_ERRNO",\#(members)}"#)
        #expect(problem?.hasPrefix("test.json:1:") == true)
        #expect(problem?.hasSuffix(": " + message) == true, "\(problem ?? "")")
    }

    @Test func `flags and architectures that change nothing are taken`() throws {
        let policy = try Policy(
            parts: [
                part(
                    #"""
                    {"defaultAction":"SCMP_ACT_ERRNO","flags":["SECCOMP_FILTER_FLAG_TSYNC"],"archMap":[
                    {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]},
                    {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":null}]}
                    """#)
            ])
        #expect(policy.rules.isEmpty)
    }

    /// Ten thousand rules that say the same are one; ten thousand that differ are refused before they
    /// are compared with each other.
    @Test func `ten thousand rules are taken or refused, and not for ever`() throws {
        func rule(_ args: String, _ action: String) -> String {
            #"{"names":["dup"],"action":"SCMP_ACT_\#(action)"\#(args)}"#
        }
        func policy(_ rules: [String]) -> String {
            #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[\#(rules.joined(separator: ","))]}"#
        }
        let same = try Policy(parts: [part(policy(Array(repeating: rule("", "ALLOW"), count: 10_000)))])
        #expect(same.rules.count == 10_000)
        #expect(try Compiler(same).filter().instructionCount < 20)
        let equal = #","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]"#
        let repeated = try Policy(parts: [part(policy(Array(repeating: rule(equal, "ALLOW"), count: 10_000)))]
        )
        #expect(try Compiler(repeated).filter().instructionCount < 20)
        let different = (0..<10_000).map { number in
            rule(
                #","args":[{"index":0,"value":\#(number),"op":"SCMP_CMP_EQ"}]"#,
                number % 2 == 0 ? "ALLOW" : "TRAP")
        }
        #expect(
            problem(policy(different))?.hasSuffix(
                "syscalls[1000].names[0]: this is one more than the 1000 rules with conditions that a call can "
                    + "have") == true)
    }

    @Test func `a name with NUL in it is not the name before it`() throws {
        let policy = try Policy(
            parts: [
                part(
                    #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read\u0000x"],"action":"SCMP_ACT_ALLOW"}]}"#
                )
            ])
        #expect(policy.warnings.count == 1)
        #expect(policy.decision(call: 0, arguments: []).action == .errno(1))
    }
}
