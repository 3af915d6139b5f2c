import Preparation
import Sandbox
import Seccomp

extension ProfileCommand {
    static let diff = Command(
        "profile diff", summary: "Show in what two profiles differ, key by key and call by call.",
        operandsHelp: "A B", operands: 2...2, operandKinds: [.profile],
        examples: ["corral profile diff default strict"],
        details: """
            Compares what holds: the files, those that they extend and the built-in defaults. System calls
            are compared for a run without a relay and without a directory of the host. Exit code 0 when
            nothing differs, 1 when something does, 2 when it cannot be told, as diff(1) has it.
            """
    ) { arguments in
        do throws(CommandError) {
            let installation = try prepared(Installation.find())
            let difference = try ProfileDifference(
                path(arguments.operands[0]), path(arguments.operands[1]), installation)
            guard !difference.isEmpty else { return ExitCode.success }
            Terminal.print(difference.lines.joined(separator: "\n"))
            return ExitCode.failure
        } catch {
            Terminal.error("corral profile diff: \(error)")
            return ExitCode.usage
        }
    }
}

/// What `profile diff` prints.
struct ProfileDifference {
    private struct Side {
        let name: String
        let file: String
        let layers: PartialProfile
        let policy: Policy
    }

    private let first: Side
    private let second: Side
    private let calls: PolicyDifference
    private let values: [String]

    init(_ first: String, _ second: String, _ installation: Installation) throws(CommandError) {
        self.first = try ProfileDifference.side(first, installation)
        self.second = try ProfileDifference.side(second, installation)
        calls = PolicyDifference(self.first.policy, self.second.policy)
        values = ProfileDifference.values(self.first.layers, self.second.layers)
    }

    var isEmpty: Bool { values.isEmpty && calls.isEmpty }

    var lines: [String] {
        ["- \(first.name)  \(first.file)", "+ \(second.name)  \(second.file)"] + values + callLines
    }

    private static func side(_ reference: String, _ installation: Installation) throws(CommandError) -> Side {
        let source = try prepared(installation.profileSource(reference))
        let chain = try prepared(installation.chain(from: source)).chain
        do {
            let parts = try installation.policyParts(of: chain.profile(), RulesVariant())
            return Side(
                name: chain.files[0].name, file: source.called, layers: chain.merged,
                policy: try Policy(parts: parts))
        } catch {
            throw CommandError("\(error)")
        }
    }

    private static func values(_ first: PartialProfile, _ second: PartialProfile) -> [String] {
        var fields = first.fields
        for field in second.fields where !fields.contains(field) { fields.append(field) }
        var lines: [String] = []
        for field in fields where first[field]?.value != second[field]?.value {
            lines.append(field.path)
            let kind = field.key.kind
            for (sign, statement) in [("-", first[field]), ("+", second[field])] {
                lines.append(
                    "  \(sign) "
                        + (statement.map { "\($0.value.written(as: kind))  # \($0.origin)" } ?? "not set"))
            }
        }
        let (left, right) = (first.locks, second.locks)
        let locks =
            left.filter { lock in !right.contains { $0.path == lock.path } }.map { ("-", $0) }
            + right.filter { lock in !left.contains { $0.path == lock.path } }.map { ("+", $0) }
        if !locks.isEmpty { lines.append("locked") }
        return lines + locks.map { "  \($0) \($1.path)  # \($1.origin)" }
    }

    private var callLines: [String] {
        guard !calls.isEmpty else { return [] }
        var lines = ["system calls"]
        if !calls.onlyFirst.isEmpty { lines.append("  - \(calls.onlyFirst.joined(separator: ", "))") }
        if !calls.onlySecond.isEmpty { lines.append("  + \(calls.onlySecond.joined(separator: ", "))") }
        if !calls.otherArguments.isEmpty {
            lines.append("  with other arguments: \(calls.otherArguments.joined(separator: ", "))")
        }
        if calls.defaultsDiffer { lines.append("  what becomes of calls that no rule names differs") }
        return lines
    }
}
