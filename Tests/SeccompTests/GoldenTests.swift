import Glibc
import Linux
import TestSupport
import Testing

@testable import Seccomp

#if arch(x86_64)
    /// The whole of each shipped filter as a table in the repository, so that every widening is seen
    /// in review. `CORRAL_GOLDEN=write` writes the tables anew.
    @Suite struct GoldenTests {
        @Test(arguments: goldenNames)
        func `the filter answers as the table says`(policy: String) throws {
            let path = "\(sourceRoot)/Tests/SeccompTests/Golden/\(policy).txt"
            let table = try goldenTable(of: policy)
            if isWriting {
                let number = try call("open", on: path) {
                    unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
                }
                try FileDescriptor(owning: number).writeAll(Array(table.joined(separator: "\n").utf8))
            }
            let golden = String(decoding: try contents(of: path), as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let changes =
                table.difference(from: golden).map { change in
                    switch change {
                    case .insert(_, let line, _): "+ \(line)"
                    case .remove(_, let line, _): "- \(line)"
                    }
                }
            #expect(
                changes.isEmpty,
                "\(path) differs:\n\(changes.joined(separator: "\n"))\nCORRAL_GOLDEN=write accepts this")
        }
    }

    extension GoldenTests {
        @Test(.enabled(if: !isWriting, "the tables are being written"))
        func `there is a table for each policy and for nothing else`() {
            #expect(
                File.names(in: "\(sourceRoot)/Tests/SeccompTests/Golden").sorted()
                    == goldenNames.map { "\($0).txt" }.sorted())
        }
    }

    private let goldenNames = (shippedNames + terminalPolicies.keys).sorted()

    private func goldenTable(of policy: String) throws -> [String] {
        let parts = try shippedPolicy(policy)
        let policies = shippedPolicies.merging(terminalPolicies) { $1 }
        let profiles = policies.filter { $0.value == policies[policy] }.keys.sorted()
        let filter = try Compiler.compile(parts: parts)
        let interpreter = try SeccompInterpreter(filter.bytes)
        var lines = [
            "# What the filter of \(parts.policyName) answers; "
                + "CORRAL_GOLDEN=write swift test --filter GoldenTests",
            "# For \(profiles.joined(separator: ", "))",
            "# \(filter.allowedCount) calls are allowed, "
                + "\(filter.conditionalCount) of them by their arguments.",
            "",
            "# Calls of x86_64 by number: the answer with every argument 0, and with all bits set where it differs.",
        ]
        lines += (UInt32(0)...470).map { number in
            let zeros = interpreter.verdict(on: SeccompCall(number))
            let ones = interpreter.verdict(on: SeccompCall(number, Array(repeating: .max, count: 6)))
            let name = Syscalls.name(of: CInt(number)) ?? "-"
            return "\(number) \(name): \(zeros)\(ones == zeros ? "" : " | \(ones)")"
        }
        for (abi, call) in [
            ("x86_64", { SeccompCall($0, $1) }),
            ("x32", { SeccompCall(0x4000_0000 | $0, $1) }),
            ("i386", { SeccompCall($0, $1, architecture: SeccompCall.i386) }),
        ] as [(String, (UInt32, [UInt64]) -> SeccompCall)] {
            lines += ["", "# Calls of \(abi) by number, with every argument 0 and with all bits set."]
            let start: UInt32 = abi.hasPrefix("x86_64") ? 471 : 0
            let answers = (start...600).map { number in
                Set([0, .max].map { interpreter.verdict(on: call(number, Array(repeating: $0, count: 6))) })
                    .map(\.description).sorted().joined(separator: " | ")
            }
            lines += runs(of: answers, from: Int(start))
        }
        lines += ["", "# Calls with arguments that matter."]
        for (name, tuples) in cases {
            guard case .number(let number) = Syscalls.look(up: name) else { continue }
            for arguments in tuples {
                let text = arguments.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
                let verdict = interpreter.verdict(on: SeccompCall(UInt32(number), arguments))
                lines.append("\(name)(\(text)): \(verdict)")
            }
        }
        return lines + [""]
    }

    /// `0...600: kill process`: neighbours with the same answer in one line.
    private func runs(of answers: [String], from first: Int) -> [String] {
        var lines: [String] = []
        var start = 0
        for at in answers.indices where at + 1 == answers.count || answers[at + 1] != answers[at] {
            lines.append("\(first + start)...\(first + at): \(answers[at])")
            start = at + 1
        }
        return lines
    }

    private let cases: KeyValuePairs<String, [[UInt64]]> = [
        "clone": [
            0x11, 0x3D0F00, 0x20011, 0x0200_0011, 0x0400_0011, 0x0800_0011, 0x1000_0011, 0x2000_0011,
            0x4000_0011,
        ].map { [$0] },
        "socket": (0...46).map { [$0, 1, 0] }
            + [1, 2, 10, 16, 17, 40].flatMap { family in
                [2, 3, 4, 5, 10].map { [family, $0, 0] } + [
                    [family, 1, 6], [family, 2, 17], [family, 2, 1],
                ]
            },
        "socketpair": [[1, 1], [1, 2], [1, 5], [2, 1], [16, 3]],
        "mq_open": [[0, 0, 0o4600], [0, 0o100, 0o600], [0, 0o100, 0o4600], [0, 0o100, 0o2600]],
        "setresuid": [
            [.max, 1000, .max], [0xFFFF_FFFF, 1000, 0xFFFF_FFFF], [.max, 0, .max], [.max, 1001, .max],
            [1000, 1000, 1000], [0, 1000, .max], [.max, 1000, 0], [.max, .max, .max],
        ],
        "setresgid": [[.max, 1000, .max], [.max, 0, .max], [1000, 1000, 1000], [.max, 1000, 0]],
        "creat": [0o755, 0o1777, 0o2755, 0o4755].map { [0, $0] },
        "fchmod": [0o755, 0o1777, 0o2755, 0o4755].map { [0, $0] },
        "fchmodat": [0o755, 0o1777, 0o2755, 0o4755].map { [0, 0, $0] },
        "mkdirat": [0o755, 0o1777, 0o2755, 0o4755].map { [0, 0, $0] },
        "mknodat": [0o100644, 0o104755, 0o010600, 0o020600, 0o060600, 0o140600].map { [0, 0, $0] },
        "ioctl": [
            0x5401, 0x5402, 0x540E, 0x5412, 0x5413, 0x541B, 0x541C, 0x5421, 0x5450, 0x5451, 0x5452,
            0x8933, 0x4004_9409, 0x802C_542A, 0xFFFF_FFFF_0000_5412,
        ].map { [0, $0] },
        "fcntl": (Array(0...40) + Array(1024...1040)).map { [0, $0] },
        "prctl": (Array(0...80)).map { [$0] } + [[4, 1], [4, 2], [0x5356_4D41], [0x5961_6D61]],
        "personality": [[0], [8], [0x20000], [0x40000], [0xFFFF_FFFF]],
        "openat": [
            [0, 0, 0], [0, 0, 0o101, 0o644], [0, 0, 0o101, 0o4755], [0, 0, 0o101, 0o2755],
            [0, 0, 0o20200002, 0o4700], [0, 0, 0, 0o6777],
        ],
        "open": [[0, 0], [0, 0o101, 0o644], [0, 0o101, 0o4755], [0, 0, 0o6777]],
        "chmod": [0o755, 0o1777, 0o2755, 0o4755].map { [0, $0] },
        "fchmodat2": [0o755, 0o1777, 0o2755, 0o4755].map { [0, 0, $0] },
        "mkdir": [0o755, 0o1777, 0o2755, 0o4755].map { [0, $0] },
        "mknod": [0o100644, 0o104755, 0o010600, 0o020600, 0o060600, 0o140600].map { [0, $0] },
        "prlimit64": [[0], [1], [1000], [0, 4, 0], [0, 4, 1], [0, 7, 1], [0, 16, 1]],
        "setrlimit": [[0], [3], [4], [5], [6], [7], [15], [16]],
        "setpriority": [[0, 0], [0, 1], [1, 0], [2, 0]],
        "sched_setaffinity": [[0], [1], [1000]],
    ]
#endif
