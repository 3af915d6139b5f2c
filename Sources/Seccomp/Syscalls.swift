import CSeccomp
import Glibc

/// The machine's own system calls, by name and number. No other architecture's calls are ever
/// allowed, so no other is looked up.
package enum Syscalls {
    /// The name Docker's files use in `arches`.
    static var dockerArchitecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #endif
    }

    /// The AUDIT_ARCH_* of linux/audit.h, which a filter sees.
    package static var auditArchitecture: UInt32 {
        #if arch(x86_64)
            0xC000_003E
        #elseif arch(arm64)
            0xC000_00B7
        #endif
    }

    /// The name of libseccomp's constant, which `architectures` holds.
    static var libseccompArchitecture: String {
        #if arch(x86_64)
            "SCMP_ARCH_X86_64"
        #elseif arch(arm64)
            "SCMP_ARCH_AARCH64"
        #endif
    }

    package enum Lookup: Hashable {
        case number(CInt)
        /// A call of other architectures, or of none any more: a rule on it has no effect here.
        case notHere
        case unknown
    }

    /// Finds a call by its name: in libseccomp's table first, then in ours of newer calls.
    package static func look(up name: String) -> Lookup {
        // libseccomp takes C strings, so a NUL would hide the rest of the name.
        guard !name.utf8.contains(0) else { return .unknown }
        let number = unsafe name.withCString { unsafe seccomp_syscall_resolve_name($0) }
        if number >= 0 { return .number(number) }
        // -1 is an unknown name, everything below stands for a call of another architecture.
        if number < -1 { return .notHere }
        guard let newer = newerCalls.first(where: { $0.key == name }) else { return .unknown }
        guard let number = newer.value else { return .notHere }
        return .number(number)
    }

    /// The name of a number; nil when neither libseccomp nor our table has one.
    package static func name(of number: CInt) -> String? {
        if let newer = newerCalls.first(where: { $0.value == number }) { return newer.key }
        guard let name = unsafe seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number) else {
            return nil
        }
        defer { unsafe free(name) }
        return unsafe String(cString: name)
    }

    /// The name of a call of any architecture, as an audit record numbers it.
    /// - Parameter architecture: an AUDIT_ARCH_*, which is also libseccomp's token.
    package static func name(of number: CInt, architecture: UInt32) -> String? {
        let isX32 = architecture == 0xC000_003E && number & x32Bit != 0
        if architecture == auditArchitecture, !isX32 { return name(of: number) }
        let token = isX32 ? UInt32(SCMP_ARCH_X32) : architecture
        let plain = isX32 ? number & ~x32Bit : number
        guard let name = unsafe seccomp_syscall_resolve_num_arch(token, plain) else { return nil }
        defer { unsafe free(name) }
        return unsafe String(cString: name)
    }

    /// Marks calls of x32, another ABI of x86-64 (asm/unistd.h).
    private static let x32Bit: CInt = 0x4000_0000

    /// What libseccomp 2.5.4 does not know, from the kernel's syscall tables as of Linux 6.19.
    /// Numbers from 424 up are the same on every architecture; nil is a call of other machines only.
    private static let newerCalls: KeyValuePairs<String, CInt?> = [
        "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
        "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464,
        "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468,
        "file_setattr": 469, "listns": 470, "uretprobe": onlyOnX86(335), "uprobe": onlyOnX86(336),
        "riscv_hwprobe": nil,
    ]

    private static func onlyOnX86(_ number: CInt) -> CInt? {
        #if arch(x86_64)
            number
        #else
            nil
        #endif
    }

    /// Of the library that is linked, such as `2.5.4`.
    static var libraryVersion: String {
        guard let version = unsafe seccomp_version() else { return "unknown" }
        return unsafe "\(version.pointee.major).\(version.pointee.minor).\(version.pointee.micro)"
    }
}
