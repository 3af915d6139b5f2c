import Testing

@testable import Seccomp

/// Rules for some kernels only, and what that means for filters that are kept.
@Suite struct KernelTests {
    private let policy = part(
        #"""
        {"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
          {"names":["read"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"5.4"}},
          {"names":["write"],"action":"SCMP_ACT_ALLOW","excludes":{"minKernel":"6.12"}}]}
        """#)

    private func filter(_ major: UInt32, _ minor: UInt32) throws -> CompiledFilter {
        try Compiler(Policy(parts: [policy], kernel: KernelVersion(major: major, minor: minor))).filter()
    }

    @Test(arguments: [
        (5, 3, false, true), (5, 4, true, true), (5, 10, true, true), (6, 11, true, true),
        (6, 12, true, false), (7, 0, true, false),
    ])
    func `minKernel is compared with the kernel that runs`(
        major: UInt32, minor: UInt32, read: Bool, write: Bool
    ) throws {
        let policy = try Policy(parts: [policy], kernel: KernelVersion(major: major, minor: minor))
        #expect(policy.decision(call: 0, arguments: []).action == (read ? .allow : .errno(1)))
        #expect(
            policy.rules.contains { $0.names[0].text == "write" } == write, "\(major).\(minor)")
    }

    @Test func `a stored filter counts for the kernels for which the policy says the same`() throws {
        let key = FilterFile.key(for: [policy])
        let stored = FilterFile.encode(try filter(6, 1), key: key)
        for (major, minor, fits) in [
            (5, 3, false), (5, 4, true), (6, 11, true), (6, 12, false), (7, 0, false),
        ] as [(UInt32, UInt32, Bool)] {
            let kernel = KernelVersion(major: major, minor: minor)
            if fits {
                let filter = try FilterFile.decode(stored, key: key, origin: .cache, kernel: kernel)
                #expect(try filter.bytes == self.filter(major, minor).bytes)
            } else {
                #expect(throws: FilterFileProblem.otherKernel) {
                    try FilterFile.decode(stored, key: key, origin: .cache, kernel: kernel)
                }
            }
        }
    }

    @Test func `the kernel that runs has a version`() {
        #expect(KernelVersion.running >= KernelVersion(major: 5, minor: 0))
    }

    @Test func `warnings come back from a stored filter`() throws {
        let parts = [
            part(
                #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["a","b"],"action":"SCMP_ACT_ALLOW"}]}"#
            )
        ]
        let filter = try Compiler.compile(parts: parts)
        let key = FilterFile.key(for: parts)
        let stored = try FilterFile.decode(FilterFile.encode(filter, key: key), key: key, origin: .compiled)
        #expect(stored == filter)
        #expect(stored.warnings.count == 2)
    }
}
