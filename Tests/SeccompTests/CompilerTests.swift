import TestSupport
import Testing

@testable import Seccomp

@Suite struct CompilerTests {
    private func compile(_ rules: String, default action: String = #""SCMP_ACT_ERRNO""#) throws
        -> FilterUnderTest
    {
        try FilterUnderTest(json: #"{"defaultAction":\#(action),"syscalls":[\#(rules)]}"#)
    }

    private func problem(of rules: String) -> String? {
        let error = #expect(throws: SeccompError.self) { try compile(rules) }
        return error?.description
    }

    @Test func `a rule says what happens otherwise`() throws {
        let filter = try compile(
            """
            {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
            {"names":["dup", "pause"],"otherwise":true,"action":"SCMP_ACT_ERRNO","errnoRet":9},
            {"names":["fsync"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
            {"names":["sync"],"action":"SCMP_ACT_ERRNO","errnoRet":0}
            """)
        #expect(try filter("dup", 7) == .allow)
        #expect(try filter("dup", 8) == .errno(9))
        #expect(try filter("pause") == .errno(9))
        #expect(try filter("fsync", 7) == .allow)
        #expect(try filter("fsync", 8) == .errno(1))
        #expect(try filter("sync") == .errno(0))
        #expect(try filter("read") == .errno(1))
    }

    @Test func `otherwise may be allowed and may kill`() throws {
        let filter = try compile(
            """
            {"names":["dup"],"action":"SCMP_ACT_KILL_PROCESS",
             "args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
            {"names":["dup"],"otherwise":true,"action":"SCMP_ACT_ALLOW"},
            {"names":["fsync"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
            {"names":["fsync"],"otherwise":true,"action":"SCMP_ACT_KILL_PROCESS"},
            {"names":["pause"],"action":"SCMP_ACT_TRAP"}
            """)
        #expect(try filter("dup", 7) == .killProcess)
        #expect(try filter("dup", 8) == .allow)
        #expect(try filter("fsync", 7) == .allow)
        #expect(try filter("fsync", 8) == .killProcess)
        #expect(try filter("pause") == .trap)
    }

    /// libseccomp up to 2.5.3 allowed everything here when it was asked for a tree.
    @Test func `a policy without rules answers with its default`() throws {
        #expect(try compile("")("read") == .errno(1))
        #expect(try compile("", default: #""SCMP_ACT_KILL_PROCESS""#)("read") == .killProcess)
    }

    @Test func `calls that libseccomp does not know are found by our table`() throws {
        let filter = try compile(
            #"{"names":["mseal","statmount","file_setattr"],"action":"SCMP_ACT_ALLOW"}"#)
        for number in [462, 457, 469] as [UInt32] {
            #expect(filter.interpreter.verdict(on: SeccompCall(number)) == .allow)
        }
        #expect(filter.interpreter.verdict(on: SeccompCall(458)) == .errno(1))
    }

    @Test func `a call of other architectures is told and not an error`() throws {
        let policy = try Policy(
            parts: [
                part(
                    #"""
                    {"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
                    {"names":["read","riscv_hwprobe","socketcall"],"action":"SCMP_ACT_ALLOW"}]}
                    """#)
            ])
        #expect(policy.notHere == ["riscv_hwprobe", "socketcall"])
        #expect(policy.warnings.isEmpty)
        #expect(try Compiler(policy).filter().allowedCount == 1)
    }

    @Test func `rules that contradict each other are an error`() {
        #expect(
            problem(
                of: """
                    {"names":["dup"],"action":"SCMP_ACT_ALLOW"},
                    {"names":["dup"],"action":"SCMP_ACT_TRAP"}
                    """)?.hasSuffix(
                    "syscalls[1].names[0]: another rule without conditions, at test.json:1:47, gives dup "
                        + "another action") == true)
        #expect(
            problem(
                of: """
                    {"names":["dup"],"action":"SCMP_ACT_ALLOW",
                     "args":[{"index":0,"value":7,"op":"SCMP_CMP_LE"}]},
                    {"names":["dup"],"action":"SCMP_ACT_TRAP",
                     "args":[{"index":0,"value":7,"op":"SCMP_CMP_GE"}]}
                    """)?.hasSuffix(
                    "syscalls[1].names[0]: a call of dup can fulfil this rule and the one at test.json:1:47, which "
                        + "has another action") == true)
    }

    @Test func `counts and digest describe the filter`() throws {
        let json = #"""
            {"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
            {"names":["read","write"],"action":"SCMP_ACT_ALLOW"},
            {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]},
            {"names":["reboot"],"action":"SCMP_ACT_KILL_PROCESS"}]}
            """#
        let filter = try Compiler.compile(parts: [part(json)])
        #expect(filter.allowedCount == 3)
        #expect(filter.conditionalCount == 1)
        #expect(filter.instructionCount * 8 == filter.bytes.count)
        #expect(filter.digest == Digest.of(filter.bytes))
        #expect(try Compiler.compile(parts: [part(json, file: "q.json")]) == filter)
    }

    /// FIPS 180-4's example, so that the digest is what it says.
    @Test func `the digest is SHA-512 slash 256`() {
        #expect(
            hexadecimal(Digest.of(Array("abc".utf8)))
                == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23")
    }

    @Test func `a filter longer than the kernel takes is an error`() {
        let rules = (0..<1000).map { value in
            #"""
            {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[
              {"index":0,"value":\#(value),"op":"SCMP_CMP_EQ"},
              {"index":1,"value":\#(value),"op":"SCMP_CMP_EQ"}]}
            """#
        }
        #expect(
            problem(of: rules.joined(separator: ","))?.contains("and the kernel takes at most 4096") == true)
    }
}
