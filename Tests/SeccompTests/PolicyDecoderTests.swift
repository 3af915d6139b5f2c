import Testing
import Wire

@testable import Seccomp

@Suite struct PolicyDecoderTests {
    private func decode(_ json: String) throws(SeccompError) -> Policy {
        try Policy(parts: [part(json, file: "p.json")])
    }

    @Test func `every part of a rule is read`() throws {
        let policy = try decode(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "flags": [], "archMap": null,
             "syscalls": [
               {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "comment": "io", "args": []},
               {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "includes": {}, "args": [
                 {"index": 0, "value": 1, "op": "SCMP_CMP_NE"},
                 {"index": 1, "value": 15, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]},
               {"names": ["reboot"], "action": "SCMP_ACT_KILL_PROCESS"}]}
            """)
        #expect(policy.defaultAction == .errno(38))
        #expect(policy.rules.map { $0.names.map(\.text) } == [["read", "write"], ["socket"], ["reboot"]])
        #expect(policy.rules.map(\.action) == [.allow, .errno(97), .killProcess])
        #expect(policy.rules[0].comment == "io")
        #expect(
            policy.rules[1].conditions == [
                Condition(argument: 0, test: .notEqual(1)),
                Condition(argument: 1, test: .masked(mask: 15, bits: 3)),
            ])
        #expect(policy.rules[1].names[0].path == "syscalls[1].names[0]")
        #expect(policy.rules[1].names[0].place == JSONPlace(line: 4, column: 15))
    }

    @Test(arguments: [
        ("NE", Condition.Test.notEqual(5)), ("LT", .less(5)), ("LE", .lessOrEqual(5)), ("EQ", .equal(5)),
        ("GE", .greaterOrEqual(5)), ("GT", .greater(5)), ("MASKED_EQ", .masked(mask: 5, bits: 0)),
    ])
    func `every operator is read`(name: String, test: Condition.Test) throws {
        let policy = try decode(rule(#""args": [{"index": 5, "value": 5, "op": "SCMP_CMP_\#(name)"}]"#))
        #expect(policy.rules[0].conditions == [Condition(argument: 5, test: test)])
    }

    @Test func `ERRNO without a number is EPERM`() throws {
        #expect(try decode(#"{"defaultAction": "SCMP_ACT_ERRNO"}"#).defaultAction == .errno(1))
    }

    /// A rule for `read` with more members, on line 1.
    private func rule(_ members: String) -> String {
        #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"#
            + #""action":"SCMP_ACT_ALLOW",\#(members)}]}"#
    }

    @Test(arguments: [
        ("{}", "p.json:1:1: has no defaultAction, which says what becomes of calls without a rule"),
        ("[]", "p.json:1:1: must be an object, but is a list"),
        (
            "{\n \"defaultaction\": 1}",
            "p.json:2:2: defaultaction: is not a key here; the keys are "
                + "defaultAction, defaultErrnoRet, architectures, archMap, flags, listenerPath, "
                + "listenerMetadata, comment, syscalls"
        ),
        (#"{"defaultAction": 1}"#, "p.json:1:19: defaultAction: must be a string, but is a number"),
        (
            #"{"defaultAction": "ALLOW"}"#,
            "p.json:1:19: defaultAction: there is no action \"ALLOW\"; there "
                + "are SCMP_ACT_ALLOW, ERRNO, KILL_PROCESS, KILL_THREAD, TRAP and LOG"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_NOTIFY"}"#,
            "p.json:1:19: defaultAction: SCMP_ACT_NOTIFY needs "
                + "somebody who answers, and nobody does in a sandbox"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}"#,
            "p.json:1:56: defaultErrnoRet: is used with SCMP_ACT_ERRNO only"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4095}"#,
            "p.json:1:56: defaultErrnoRet: must be a whole number from 0 to 4094, but is 4095"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1.5}"#,
            "p.json:1:56: defaultErrnoRet: must be a whole number from 0 to 4094, but is 1.5"
        ),
        (#"{"defaultAction": "SCMP_ACT_ERRNO",}"#, "p.json:1:36: a key in quotation marks was expected"),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}"#,
            "p.json:1:47: flags[0]: writes refused calls to the machine's audit log, which no sandbox may fill"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86"]}"#,
            "p.json:1:54: architectures: does not list this machine's architecture, "
                + Syscalls.libseccompArchitecture
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": [], "archMap": []}"#,
            "p.json:1:54: architectures: and archMap exclude each other"
        ),
    ])
    func `a mistake at the top is refused with its place`(json: String, message: String) {
        let error = #expect(throws: SeccompError.self) { try decode(json) }
        #expect(error?.description == message)
    }

    @Test(arguments: [
        (
            #""nmae": 1"#,
            "syscalls[0].nmae: is not a key here; the keys are names, name, action, errnoRet, args, "
                + "comment, includes, excludes, otherwise"
        ),
        (
            #""args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]"#,
            "syscalls[0].args[0].index: must be a whole number from 0 to 5, but is 6"
        ),
        (
            #""args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]"#,
            "syscalls[0].args[0].value: must be a whole number from 0 to 18446744073709551615, but is -1"
        ),
        (#""args": [{"index": 0, "value": 1}]"#, "syscalls[0].args[0]: has no op"),
        (
            #""args": [{"index": 0, "value": 1, "op": "EQ"}]"#,
            "syscalls[0].args[0].op: there is no operator "
                + "\"EQ\"; there are SCMP_CMP_NE, LT, LE, EQ, GE, GT and MASKED_EQ"
        ),
        (
            #""args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_EQ"}]"#,
            "syscalls[0].args[0].valueTwo: is used with SCMP_CMP_MASKED_EQ only"
        ),
        (#""args": [{"index": 0, "value": 0, "op": "SCMP_CMP_LT"}]"#, "syscalls[0].args[0]: can never hold"),
        (
            #""args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]"#,
            "syscalls[0].args[0]: can never hold"
        ),
        (#""errnoRet": 1"#, "syscalls[0].errnoRet: is used with SCMP_ACT_ERRNO only"),
        (
            #""includes": {"kernel": "6.12"}"#,
            "syscalls[0].includes.kernel: is not a key here; the keys are arches, caps, minKernel"
        ),
    ])
    func `a mistake in a rule is refused with the way to it`(members: String, message: String) {
        let error = #expect(throws: SeccompError.self) { try decode(rule(members)) }
        guard case .badPolicy(let problem) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect("\(problem.path): \(problem.problem)" == message)
        #expect(problem.place.line == 1 && problem.place.column > 70)
    }

    @Test(arguments: [
        (#""includes": {"caps": ["CAP_SYS_ADMIN"]}"#, false),
        (#""excludes": {"caps": ["CAP_SYS_ADMIN"]}"#, true),
        (#""includes": {"arches": ["s390"]}"#, false),
        (#""includes": {"arches": ["s390", "\#(Syscalls.dockerArchitecture)"]}"#, true),
        (#""excludes": {"arches": ["\#(Syscalls.dockerArchitecture)"]}"#, false),
        (#""excludes": {"arches": ["s390"], "caps": ["CAP_BPF"]}"#, true),
        (#""includes": {"minKernel": "4.8"}"#, true),
        (#""excludes": {"minKernel": "4.8"}"#, false),
        (#""includes": {}, "excludes": {}"#, true),
    ])
    func `a rule applies where its includes and excludes say`(members: String, applies: Bool) throws {
        #expect(try decode(rule(members)).rules.count == (applies ? 1 : 0))
    }
}
