import Sandbox

extension Policy {
    /// Decodes a policy in Docker's or OCI's format (runtime-spec, config-linux.md, "Seccomp"). The
    /// first part is a whole file of that format; the others have rules only, which are added.
    ///
    /// Rules for other architectures and other kernels, and rules that need a capability, are left
    /// out, since no process of a sandbox has any. Whatever else this cannot honour is refused.
    package init(parts: [PolicyPart]) throws(SeccompError) { try self.init(parts: parts, kernel: .running) }

    init(parts: [PolicyPart], kernel: KernelVersion) throws(SeccompError) {
        guard let first = parts.first else { throw .noParts }
        let root = try PolicyNode.root(of: first.json, file: first.file)
        let fields = try root.fields([
            "defaultAction", "defaultErrnoRet", "architectures", "archMap", "flags", "listenerPath",
            "listenerMetadata", "comment", "syscalls",
        ])
        _ = try fields["comment"]?.string()
        guard let defaultAction = fields["defaultAction"] else {
            throw root.failure("has no defaultAction, which says what becomes of calls without a rule")
        }
        let action = try Action(defaultAction, errno: fields["defaultErrnoRet"])
        try checkArchitectures(fields["architectures"], fields["archMap"])
        for flag in try fields["flags"]?.elements() ?? [] { try checkFlag(flag) }
        for key in ["listenerPath", "listenerMetadata"] {
            guard let listener = fields[key] else { continue }
            throw listener.failure(
                "is for SCMP_ACT_NOTIFY, which needs somebody who answers; nobody does here")
        }
        var rules = RuleDecoder(kernel: kernel)
        try rules.decode(fields["syscalls"])
        for part in parts.dropFirst() {
            let fields = try PolicyNode.root(of: part.json, file: part.file).fields(["comment", "syscalls"])
            _ = try fields["comment"]?.string()
            try rules.decode(fields["syscalls"])
        }
        try self.init(
            name: parts.policyName, defaultAction: action, rules: rules.rules, kernels: rules.kernels)
    }
}

extension Action {
    init(_ node: PolicyNode, errno: PolicyNode?) throws(SeccompError) {
        let name = try node.string()
        if name == "SCMP_ACT_ERRNO" {
            // The largest that libseccomp takes; the kernel's MAX_ERRNO is one more.
            self = .errno(
                try errno.map { (node) throws(SeccompError) in
                    UInt16(try node.number(upTo: 4094))
                } ?? Action.errnoWithoutNumber)
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
                "there is no action \"\(shown(name))\"; there are SCMP_ACT_ALLOW, ERRNO, KILL_PROCESS, "
                    + "KILL_THREAD, TRAP and LOG")
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
            names.append(try node.string(of: Architectures.seccomp, "architecture"))
            continue
        }
        let fields = try node.fields(["architecture", "subArchitectures"])
        guard let name = fields["architecture"] else { throw node.failure("has no architecture") }
        names.append(try name.string(of: Architectures.seccomp, "architecture"))
        for sub in try fields["subArchitectures"]?.elements() ?? [] {
            _ = try sub.string(of: Architectures.seccomp, "architecture")
        }
    }
    guard names.isEmpty || names.contains(Syscalls.libseccompArchitecture) else {
        throw list.failure("does not list this machine's architecture, \(Syscalls.libseccompArchitecture)")
    }
}

private func checkFlag(_ node: PolicyNode) throws(SeccompError) {
    switch try node.string() {
    // A filter is put on a process that has one thread, so this one changes nothing.
    case "SECCOMP_FILTER_FLAG_TSYNC": return
    case "SECCOMP_FILTER_FLAG_SPEC_ALLOW":
        throw node.failure(
            "would switch off the processor's protection against speculation, so it is refused")
    case "SECCOMP_FILTER_FLAG_LOG":
        throw node.failure("writes refused calls to the machine's audit log, which no sandbox may fill")
    case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
        throw node.failure("is for SCMP_ACT_NOTIFY, which needs somebody who answers; nobody does here")
    case let flag:
        throw node.failure(
            "there is no flag \"\(shown(flag))\" for a filter; only SECCOMP_FILTER_FLAG_TSYNC may be listed")
    }
}
