import Glibc
import Wire

extension Policy {
    /// Decodes a policy in Docker's or OCI's format (runtime-spec, config-linux.md, "Seccomp"). The
    /// first part is a whole file of that format; the others have rules only, which are added.
    ///
    /// Rules for other architectures, and rules that need a capability, are left out, since no
    /// process of a sandbox has any. Whatever else this cannot honour is refused.
    package init(parts: [PolicyPart]) throws(SeccompError) {
        guard let first = parts.first else { throw .noParts }
        try self.init(first, name: parts.policyName)
        for part in parts.dropFirst() {
            let fields = try PolicyNode.root(of: part.json, file: part.file).fields(["comment", "syscalls"])
            _ = try fields["comment"]?.string()
            try add(fields["syscalls"])
        }
    }

    private init(_ part: PolicyPart, name: String) throws(SeccompError) {
        let root = try PolicyNode.root(of: part.json, file: part.file)
        let fields = try root.fields([
            "defaultAction", "defaultErrnoRet", "architectures", "archMap", "flags", "comment",
            "syscalls",
        ])
        _ = try fields["comment"]?.string()
        guard let defaultAction = fields["defaultAction"] else {
            throw root.failure("has no defaultAction, which says what becomes of calls without a rule")
        }
        self.name = name
        self.defaultAction = try Action(defaultAction, errno: fields["defaultErrnoRet"])
        try checkArchitectures(fields["architectures"], fields["archMap"])
        try checkFlags(fields["flags"])
        rules = []
        try add(fields["syscalls"])
    }

    private mutating func add(_ syscalls: PolicyNode?) throws(SeccompError) {
        for node in try syscalls?.elements() ?? [] {
            if let rule = try Rule(applying: node) { rules.append(rule) }
        }
    }
}

extension Rule {
    /// Nil for a rule that is not for this machine or needs a capability.
    fileprivate init?(applying node: PolicyNode) throws(SeccompError) {
        let fields = try node.fields([
            "names", "action", "errnoRet", "args", "comment", "includes", "excludes",
        ])
        guard let names = fields["names"] else { throw node.failure("has no names") }
        guard let action = fields["action"] else { throw node.failure("has no action") }
        self.names = try names.elements().map { (name) throws(SeccompError) in
            Name(text: try name.string(), file: name.file, place: name.tree.place, path: name.path)
        }
        guard !self.names.isEmpty else { throw names.failure("is empty, so the rule says nothing") }
        self.action = try Action(action, errno: fields["errnoRet"])
        comment = try fields["comment"]?.string()
        conditions = []
        for argument in try fields["args"]?.elements() ?? [] {
            let condition = try Condition(argument)
            // runc takes two conditions on one argument as alternatives, libseccomp refuses them.
            guard !conditions.contains(where: { $0.argument == condition.argument }) else {
                throw argument.failure(
                    "is a second condition on argument \(condition.argument); write one rule for each")
            }
            conditions.append(condition)
        }
        if let includes = fields["includes"], try !Filter(includes).includes { return nil }
        if let excludes = fields["excludes"], try Filter(excludes).excludes { return nil }
    }
}

/// `includes` or `excludes` of a rule.
private struct Filter {
    let includes: Bool
    let excludes: Bool

    init(_ node: PolicyNode) throws(SeccompError) {
        let fields = try node.fields(["arches", "caps", "minKernel"])
        let arches = try fields["arches"]?.strings() ?? []
        let capabilities = try fields["caps"]?.strings() ?? []
        if let kernel = fields["minKernel"] { try checkKernel(kernel) }
        let isHere = arches.contains(Syscalls.dockerArchitecture)
        includes = (arches.isEmpty || isHere) && capabilities.isEmpty
        // Nothing is excluded for a capability, because nobody has one.
        excludes = isHere || fields["minKernel"] != nil
    }
}

/// Accepts only what every kernel that Corral runs on fulfils, so that a compiled filter does not
/// depend on the kernel it was compiled under.
private func checkKernel(_ node: PolicyNode) throws(SeccompError) {
    let parts = try node.string().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt32(parts[0]), let minor = UInt32(parts[1]) else {
        throw node.failure("must be a kernel version such as \"4.8\"")
    }
    guard (major, minor) <= (6, 1) else {
        throw node.failure("must be 6.1 or older, the oldest kernel that Corral supports")
    }
}

extension Condition {
    fileprivate init(_ node: PolicyNode) throws(SeccompError) {
        let fields = try node.fields(["index", "value", "valueTwo", "op"])
        guard let index = fields["index"] else { throw node.failure("has no index") }
        guard let value = fields["value"] else { throw node.failure("has no value") }
        guard let op = fields["op"] else { throw node.failure("has no op") }
        argument = UInt32(try index.number(upTo: 5))
        let first = try value.number(upTo: .max)
        let second = try fields["valueTwo"]?.number(upTo: .max) ?? 0
        test =
            switch try op.string() {
            case "SCMP_CMP_NE": .notEqual(first)
            case "SCMP_CMP_LT": .less(first)
            case "SCMP_CMP_LE": .lessOrEqual(first)
            case "SCMP_CMP_EQ": .equal(first)
            case "SCMP_CMP_GE": .greaterOrEqual(first)
            case "SCMP_CMP_GT": .greater(first)
            case "SCMP_CMP_MASKED_EQ": .masked(mask: first, bits: second)
            default:
                throw op.failure(
                    "there is no operator \"\(try op.string())\"; there are SCMP_CMP_NE, LT, LE, EQ, GE, GT "
                        + "and MASKED_EQ")
            }
        if case .masked = test {
        } else if let second = fields["valueTwo"], try second.number(upTo: .max) != 0 {
            throw second.failure("is used with SCMP_CMP_MASKED_EQ only")
        }
        if test.isImpossible { throw node.failure("can never hold") }
    }
}

extension Action {
    fileprivate init(_ node: PolicyNode, errno: PolicyNode?) throws(SeccompError) {
        let name = try node.string()
        if name == "SCMP_ACT_ERRNO" {
            // The largest that libseccomp takes; the kernel's MAX_ERRNO is one more.
            self = .errno(UInt16(try errno?.number(upTo: 4094) ?? UInt64(EPERM)))
            return
        }
        if let errno { throw errno.failure("is used with SCMP_ACT_ERRNO only") }
        switch name {
        case "SCMP_ACT_ALLOW": self = .allow
        case "SCMP_ACT_KILL_PROCESS": self = .killProcess
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": self = .killThread
        case "SCMP_ACT_TRAP": self = .trap
        case "SCMP_ACT_LOG": self = .log
        case "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY":
            throw node.failure("\(name) needs somebody who answers, and nobody does in a sandbox")
        default:
            throw node.failure(
                "there is no action \"\(name)\"; there are SCMP_ACT_ALLOW, ERRNO, KILL_PROCESS, KILL_THREAD, "
                    + "TRAP and LOG")
        }
    }
}

/// A policy may list any architectures as long as this one is among them; the filter is for this
/// one alone, whatever else is listed: another ABI is another way around the rules.
private func checkArchitectures(_ plain: PolicyNode?, _ map: PolicyNode?) throws(SeccompError) {
    if let plain, map != nil { throw plain.failure("and archMap exclude each other") }
    guard let list = plain ?? map else { return }
    var names: [String] = []
    for node in try list.elements() {
        guard map != nil else {
            names.append(try node.string())
            continue
        }
        let fields = try node.fields(["architecture", "subArchitectures"])
        guard let name = fields["architecture"] else { throw node.failure("has no architecture") }
        names.append(try name.string())
        _ = try fields["subArchitectures"]?.strings()
    }
    guard names.isEmpty || names.contains(Syscalls.libseccompArchitecture) else {
        throw list.failure("does not list this machine's architecture, \(Syscalls.libseccompArchitecture)")
    }
}

private func checkFlags(_ node: PolicyNode?) throws(SeccompError) {
    for flag in try node?.elements() ?? [] {
        // A filter is put on a process that has one thread, so this one changes nothing.
        guard try flag.string() == "SECCOMP_FILTER_FLAG_TSYNC" else {
            throw flag.failure("Corral sets no such flag; only SECCOMP_FILTER_FLAG_TSYNC may be listed")
        }
    }
}
