import TestSupport
import Testing

@testable import Seccomp

/// Policies of several files.
@Suite struct PartsTests {
    private let base = part(
        """
        {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"syscalls":[
          {"names":["read"],"action":"SCMP_ACT_ALLOW"},
          {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]}]}
        """, file: "base.json")

    private func refusal(of parts: [PolicyPart]) -> String? {
        #expect(throws: SeccompError.self) { try Compiler.compile(parts: parts) }?.description
    }

    @Test func `rules of every part count, and the first says what becomes of the rest`() throws {
        let more = part(
            """
            {"comment":"more","syscalls":[
              {"names":["pause"],"action":"SCMP_ACT_ALLOW"},
              {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":9,"op":"SCMP_CMP_EQ"}]}]}
            """, file: "more.json")
        let filter = try FilterUnderTest(Compiler.compile(parts: [base, more, part("{}")]))
        #expect(try filter("read") == .allow)
        #expect(try filter("pause") == .allow)
        #expect(try filter("dup", 7) == .allow)
        #expect(try filter("dup", 8) == .errno(38))
        #expect(try filter("dup", 9) == .allow)
        #expect(try filter("write") == .errno(38))
    }

    @Test(arguments: [
        (
            #"{"defaultAction":"SCMP_ACT_ALLOW"}"#,
            "more.json:1:2: defaultAction: is not a key here; the keys are comment, syscalls"
        ),
        (
            #"{"syscalls":[{"names":["read"],"action":"SCMP_ACT_TRAP"}]}"#,
            "more.json:1:24: syscalls[0].names[0]: another rule without conditions, at "
                + "base.json:2:3, gives read another action"
        ),
        ("", "more.json:1:1: a value was expected, but the text ends"),
    ])
    func `a mistake in a later part is told with that part's file`(json: String, message: String) {
        #expect(refusal(of: [base, part(json, file: "more.json")]) == message)
    }

    @Test func `a list of no parts is an error`() {
        #expect(refusal(of: []) == "a seccomp policy needs at least one part, and a list of none was given")
    }
}
