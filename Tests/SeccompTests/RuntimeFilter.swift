import CLinux
import CSeccomp
import Glibc
import Linux
import TestSupport
import Wire

@testable import Seccomp

/// The filter that runc makes of a policy in Docker's format, for a container without capabilities on
/// this machine's architecture alone: read and compiled by libseccomp, and by none of the product's
/// code, after moby's `setupSeccomp` and runc's `matchCall` and `patchbpf`.
///
/// `@safe`: the context belongs to this value alone and lives as long as it.
@safe
struct RuntimeFilter: ~Copyable {
    private let context: scmp_filter_ctx
    private let defaultAction: UInt32
    private var lastNamed: CInt = 0

    /// What a filter of libseccomp and runc's answer to newer calls say together.
    struct Answers {
        let interpreter: SeccompInterpreter
        let lastNamed: CInt?

        func verdict(on call: SeccompCall) -> SeccompVerdict {
            if let lastNamed, call.number > UInt32(lastNamed), call.number < 0x4000_0000 {
                return .errno(UInt16(ENOSYS))
            }
            return interpreter.verdict(on: call)
        }
    }

    static func answers(to policy: [UInt8]) throws -> Answers {
        let root = try JSONTree(parsing: policy)
        var filter = try make(default: action(root, "defaultAction", "defaultErrnoRet"))
        for rule in elements(root["syscalls"]) where applies(rule) { try filter.add(rule) }
        return try filter.answers()
    }

    private init(context: scmp_filter_ctx, default action: UInt32) {
        unsafe self.context = unsafe context
        defaultAction = action
    }

    private static func make(default action: UInt32) throws -> RuntimeFilter {
        guard let context = unsafe seccomp_init(action) else {
            throw SystemError("seccomp_init", nil, .invalidArgument)
        }
        let filter = unsafe RuntimeFilter(context: context, default: action)
        try filter.set(SCMP_FLTATR_CTL_OPTIMIZE, 2)
        try filter.set(SCMP_FLTATR_ACT_BADARCH, UInt32(SCMP_ACT_KILL_PROCESS))
        return filter
    }

    private borrowing func set(_ attribute: scmp_filter_attr, _ value: UInt32) throws {
        try check("seccomp_attr_set", unsafe seccomp_attr_set(context, attribute, value))
    }

    deinit { unsafe seccomp_release(context) }

    private mutating func add(_ rule: JSONTree) throws {
        let action = try Self.action(rule, "action", "errnoRet")
        let names = rule["names"].map { elements($0) } ?? [rule["name"]].compactMap(\.self)
        for name in names.compactMap(\.text) {
            let number = unsafe seccomp_syscall_resolve_name(name)
            // What this libseccomp does not know, a newer one does.
            guard let number = number >= 0 ? number : Self.newer[name] else { continue }
            lastNamed = max(lastNamed, number)
            if action == defaultAction { continue }
            let conditions = elements(rule["args"]).compactMap(Self.condition)
            if Set(conditions.map(\.arg)).count < conditions.count {
                for condition in conditions { try add(action, number, [condition]) }
            } else {
                try add(action, number, conditions)
            }
        }
    }

    private func add(_ action: UInt32, _ number: CInt, _ conditions: [scmp_arg_cmp]) throws {
        let result = unsafe conditions.withUnsafeBufferPointer { buffer in
            unsafe seccomp_rule_add_array(
                context, action, number, UInt32(buffer.count), buffer.isEmpty ? nil : buffer.baseAddress)
        }
        // The same rule twice is none the less there once.
        if result != -EEXIST { try check("seccomp_rule_add of \(number)", result) }
    }

    private func answers() throws -> Answers {
        let memory = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("filter", 0) })
        try check("seccomp_export_bpf", unsafe seccomp_export_bpf(context, memory.number))
        let number = memory.number
        let size = try call("lseek") { lseek(number, 0, SEEK_CUR) }
        _ = try call("lseek") { lseek(number, 0, SEEK_SET) }
        let interpreter = try SeccompInterpreter(memory.readOnce(limit: size))
        let makesCalls = [UInt32(SCMP_ACT_ALLOW), UInt32(SCMP_ACT_LOG)].contains(defaultAction)
        let isPatched = lastNamed > 0 && !makesCalls && defaultAction != 0x0005_0000 | UInt32(ENOSYS)
        return Answers(interpreter: interpreter, lastNamed: isPatched ? lastNamed : nil)
    }

    private func check(_ call: String, _ result: CInt) throws {
        if result < 0 { throw SystemError(call, nil, Errno(rawValue: -result)) }
    }

    private static func action(_ node: JSONTree, _ key: String, _ errnoKey: String) throws -> UInt32 {
        switch node[key]?.text {
        case "SCMP_ACT_ALLOW": UInt32(SCMP_ACT_ALLOW)
        case "SCMP_ACT_LOG": UInt32(SCMP_ACT_LOG)
        case "SCMP_ACT_ERRNO": 0x0005_0000 | UInt32(node[errnoKey]?.number ?? 1)
        case "SCMP_ACT_KILL_PROCESS": UInt32(SCMP_ACT_KILL_PROCESS)
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": UInt32(SCMP_ACT_KILL_THREAD)
        case "SCMP_ACT_TRAP": UInt32(SCMP_ACT_TRAP)
        case let other: throw NoSuchCall(name: other ?? "no action")
        }
    }

    private static func condition(_ node: JSONTree) -> scmp_arg_cmp? {
        let operators = [
            "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE,
            "SCMP_CMP_EQ": SCMP_CMP_EQ, "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT,
            "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
        ]
        guard let op = node["op"]?.text.flatMap({ operators[$0] }), let index = node["index"]?.number,
            let value = node["value"]?.number
        else { return nil }
        return scmp_arg_cmp(
            arg: UInt32(index), op: op, datum_a: value, datum_b: node["valueTwo"]?.number ?? 0)
    }

    /// No capability is there, and the kernel is newer than any that Docker's policies ask for.
    private static func applies(_ rule: JSONTree) -> Bool {
        let here = Syscalls.dockerArchitecture
        let includes = rule["includes"]
        let arches = elements(includes?["arches"]).compactMap(\.text)
        return elements(includes?["caps"]).isEmpty && (arches.isEmpty || arches.contains(here))
            && !elements(rule["excludes"]?["arches"]).compactMap(\.text).contains(here)
            && rule["excludes"]?["minKernel"] == nil
    }

    /// From the kernel's own tables.
    private static let newer: [String: CInt] = [
        "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
        "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465,
        "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468, "file_setattr": 469,
        "listns": 470, "uretprobe": 335, "uprobe": 336,
    ]
}

private func elements(_ node: JSONTree?) -> [JSONTree] {
    guard case .array(let elements) = node?.value else { return [] }
    return elements
}

extension JSONTree {
    fileprivate subscript(key: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.value
    }

    fileprivate var text: String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    fileprivate var number: UInt64? {
        guard case .number(let text) = value else { return nil }
        return UInt64(text)
    }
}
