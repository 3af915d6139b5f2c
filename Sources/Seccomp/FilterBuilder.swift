import CLinux
import CSeccomp
import Glibc
import Linux

/// One libseccomp filter under construction, for the machine's own architecture.
///
/// `@safe`: the context belongs to this value alone and lives as long as it.
@safe
struct FilterBuilder: ~Copyable {
    /// Searching a list of so few calls is as fast as a tree. libseccomp up to 2.5.3 also forgot
    /// the default action of an empty filter when it was asked for a tree.
    private static let treeThreshold = 8

    private let context: scmp_filter_ctx
    private let policy: String

    private init(context: scmp_filter_ctx, policy: String) {
        unsafe self.context = unsafe context
        self.policy = policy
    }

    deinit { unsafe seccomp_release(context) }

    /// - Parameters:
    ///   - otherwise: becomes of calls that no rule decides.
    ///   - calls: how many calls will get rules.
    static func make(otherwise: UInt32, calls: Int, policy: String) throws(SeccompError) -> FilterBuilder {
        guard let context = unsafe seccomp_init(otherwise) else {
            throw .refused(policy: policy, call: "seccomp_init", errno: .invalidArgument)
        }
        let builder = unsafe FilterBuilder(context: context, policy: policy)
        // Another ABI (i386 through int 0x80, x32) numbers its calls differently.
        try builder.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)
        if calls >= treeThreshold { try builder.set(SCMP_FLTATR_CTL_OPTIMIZE, 2) }
        return builder
    }

    private borrowing func set(_ attribute: scmp_filter_attr, _ value: UInt32) throws(SeccompError) {
        try check("seccomp_attr_set", unsafe seccomp_attr_set(context, attribute, value))
    }

    private borrowing func check(_ call: String, _ result: CInt) throws(SeccompError) {
        if result < 0 { throw .refused(policy: policy, call: call, errno: Errno(rawValue: -result)) }
    }

    borrowing func add(_ action: UInt32, call number: CInt) throws(SeccompError) {
        let result = unsafe seccomp_rule_add_array(context, action, number, 0, nil)
        try check("seccomp_rule_add of \(Syscalls.name(of: number) ?? "call \(number)")", result)
    }

    /// The program, through a memory file: libseccomp 2.5 writes to descriptors only.
    borrowing func program() throws(SeccompError) -> [Instruction] {
        let memory = try system { () throws(SystemError) in
            FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("seccomp", 0) })
        }
        try check("seccomp_export_bpf", unsafe seccomp_export_bpf(context, memory.number))
        let number = memory.number
        let size = try system { () throws(SystemError) in
            try call("lseek") { lseek(number, 0, SEEK_CUR) }
        }
        let bytes = try system { () throws(SystemError) in
            _ = try call("lseek") { lseek(number, 0, SEEK_SET) }
            return try memory.readOnce(limit: size)
        }
        return Instruction.decode(bytes)
    }
}
