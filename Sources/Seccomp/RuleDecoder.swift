import Glibc
import Sandbox
import Wire

/// Reads entries of `syscalls`, and keeps those that are for this machine, this kernel and a process
/// without capabilities.
struct RuleDecoder {
    private let kernel: KernelVersion
    private(set) var kernels = KernelRange.all
    private(set) var rules: [Rule] = []

    init(kernel: KernelVersion) { self.kernel = kernel }

    mutating func decode(_ syscalls: PolicyNode?) throws(SeccompError) {
        for node in try syscalls?.elements() ?? [] { try decode(node) }
    }

    private mutating func decode(_ node: PolicyNode) throws(SeccompError) {
        let fields = try node.fields([
            "names", "name", "action", "errnoRet", "args", "comment", "includes", "excludes", "otherwise",
        ])
        guard let action = fields["action"] else { throw node.failure("has no action") }
        let conditions = try (fields["args"]?.elements() ?? []).map { (node) throws(SeccompError) in
            try Condition(node)
        }
        let isOtherwise = try fields["otherwise"]?.truth() ?? false
        if isOtherwise, let args = fields["args"], !conditions.isEmpty {
            throw args.failure("and otherwise exclude each other")
        }
        let rule = Rule(
            names: try names(node, fields["name"], fields["names"]),
            action: try Action(action, errno: fields["errnoRet"]),
            kind: isOtherwise ? .otherwise : conditions.isEmpty ? .whole : .conditional,
            conditions: conditions,
            comment: try fields["comment"]?.string(), file: node.file, place: node.tree.place, path: node.path
        )
        // Both are read, whatever the first says, so that a mistake in either is told.
        let isIncluded = try fields["includes"].map { (node) throws(SeccompError) in try includes(node) }
        let isExcluded = try fields["excludes"].map { (node) throws(SeccompError) in try excludes(node) }
        if isIncluded ?? true, !(isExcluded ?? false) { rules += rule.asRuntimesTakeIt }
    }

    /// `names`, or `name` as older files have it.
    private func names(
        _ rule: PolicyNode, _ name: PolicyNode?, _ names: PolicyNode?
    ) throws(SeccompError) -> [Rule.Name] {
        if let name, names != nil { throw name.failure("and names exclude each other") }
        guard let list = name ?? names else { throw rule.failure("has no names") }
        let nodes = if let name { [name] } else { try list.elements() }
        guard !nodes.isEmpty else { throw list.failure("is empty, so the rule says nothing") }
        return try nodes.map { (node) throws(SeccompError) in
            let text = try node.string()
            guard !text.isEmpty else { throw node.failure("is empty, and a system call's name was expected") }
            return Rule.Name(text: text, place: node.tree.place, path: node.path)
        }
    }

    private mutating func includes(_ node: PolicyNode) throws(SeccompError) -> Bool {
        let filter = try Filter(node)
        let isNewEnough = filter.minKernel.map { kernels.narrow(at: $0, for: kernel) } ?? true
        let isHere = filter.arches.isEmpty || filter.arches.contains(Syscalls.dockerArchitecture)
        return isHere && filter.capabilities.isEmpty && isNewEnough
    }

    /// Nothing is excluded for a capability, because nobody has one.
    private mutating func excludes(_ node: PolicyNode) throws(SeccompError) -> Bool {
        let filter = try Filter(node)
        let isNewEnough = filter.minKernel.map { kernels.narrow(at: $0, for: kernel) } ?? false
        return filter.arches.contains(Syscalls.dockerArchitecture) || isNewEnough
    }
}

/// `includes` or `excludes` of a rule.
private struct Filter {
    let arches: [String]
    let capabilities: [String]
    let minKernel: KernelVersion?

    init(_ node: PolicyNode) throws(SeccompError) {
        let fields = try node.fields(["arches", "caps", "minKernel"])
        arches = try (fields["arches"]?.elements() ?? []).map { (node) throws(SeccompError) in
            try node.string(of: Architectures.docker, "architecture")
        }
        capabilities = try fields["caps"]?.strings() ?? []
        minKernel = try fields["minKernel"].map { (node) throws(SeccompError) in
            guard let version = KernelVersion(try node.string()) else {
                throw node.failure("must be a kernel version such as \"4.8\"")
            }
            return version
        }
    }
}

extension Rule {
    /// As runc does: when two conditions are on one argument, libseccomp cannot take them together, and
    /// each of the rule's conditions becomes a rule of its own. They are alternatives then.
    fileprivate var asRuntimesTakeIt: [Rule] {
        guard Set(conditions.map(\.argument)).count < conditions.count else { return [self] }
        return conditions.map { condition in
            var rule = self
            rule.conditions = [condition]
            return rule
        }
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
                    "there is no operator \"\(shown(try op.string()))\"; there are SCMP_CMP_NE, LT, LE, EQ, GE, "
                        + "GT and MASKED_EQ")
            }
        if case .masked = test {
        } else if let node = fields["valueTwo"], second != 0 {
            throw node.failure("is used with SCMP_CMP_MASKED_EQ only")
        }
        if test.isImpossible { throw node.failure("can never hold") }
    }
}
