/// A filter that the kernel takes as it is, with what a report says about it.
package struct CompiledFilter: Hashable, Sendable {
    /// Where a filter came from.
    package enum Origin: String, Sendable {
        /// From the policy, just now.
        case compiled
        /// From the cache directory.
        case cache
        /// From the file that the installation put beside the policy.
        case installed
    }

    /// An array of `struct sock_filter` in the machine's byte order, 8 bytes each, as seccomp(2) with
    /// SECCOMP_SET_MODE_FILTER takes it.
    package let bytes: [UInt8]
    /// The SHA-512/256 of `bytes`, 32 bytes: names the filter in reports.
    package let digest: [UInt8]
    /// System calls of this machine that may be made with some arguments at least.
    package let allowedCount: Int
    /// Those of them whose arguments are looked at.
    package let conditionalCount: Int
    /// What of the policy has no effect, such as a rule for a call that nobody knows: lines for people,
    /// each with its place.
    package let warnings: [String]
    /// The kernels that it was compiled for, where the policy makes a difference.
    package let kernels: KernelRange
    package var origin: Origin

    package init(
        bytes: [UInt8], digest: [UInt8], allowedCount: Int, conditionalCount: Int, warnings: [String] = [],
        kernels: KernelRange = .all, origin: Origin
    ) {
        self.bytes = bytes
        self.digest = digest
        self.allowedCount = allowedCount
        self.conditionalCount = conditionalCount
        self.warnings = warnings
        self.kernels = kernels
        self.origin = origin
    }

    /// The most instructions the kernel takes (BPF_MAXINSNS).
    package static let maximumInstructions = 4096

    /// From 1 to ``maximumInstructions``.
    package var instructionCount: Int { bytes.count / Instruction.size }

    /// ``digest`` in hexadecimal.
    package var digestText: String { hexadecimal(digest) }
}
