import Launch
import Preparation
import Sandbox

/// What `--plan` prints: the very steps that a run would carry out.
enum PlanText {
    static func text(
        _ rules: LaunchRules, _ host: HostSetup, _ options: RunOptions
    ) throws(CommandError) -> String {
        let identity = host.abilities.privileged ? Identity.slot(0) : UserIdentity.choose(host.abilities)
        let plan = try host.plan(rules, options, identity: identity, cgroups: host.expectedCgroups)
        let sections = [
            ("profile", [rules.profile.name]),
            ("command", options.command.map { quoted($0) }),
            ("working directory", [options.directory ?? rules.image.workspace]),
            ("environment", rules.environment(options)),
            ("limits", limits(rules.profile)),
            ("network", ["\(rules.profile.network.mode)"]),
            ("ids", ids(identity)),
            (
                "root, by the launcher",
                try prepared(host.template(rules, plan.placements, terminal: options.terminal))?.descriptions
                    ?? []
            ),
            ("sandbox, by the init", plan.initial.descriptions),
            (
                "layers",
                Layer.allCases.map {
                    "\($0.rawValue): \(plan.layers[$0].map(String.init(describing:)) ?? "off")"
                }
            ),
        ]
        return sections.filter { !$0.1.isEmpty }.map { name, lines in
            "\(name):\n" + lines.map { "  \($0)" }.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private static func limits(_ profile: Profile) -> [String] {
        let limits = profile.limits
        return [
            "memory \(Limits.Rule.memory.write(limits.memory)), swap \(Limits.Rule.swap.write(limits.swap))",
            "cpus \(Limits.Rule.cpus.write(UInt64(limits.milliCPUs)))",
            "pids \(limits.pids)\(limits.pidsKill ? ", reaching it ends the run" : "")",
            "cpu time \(limits.cpuTime.map { Limits.Rule.cpuTime.write($0) } ?? "none")",
            "open files \(limits.openFiles), file size \(Limits.Rule.fileSize.write(limits.fileSize)), "
                + "stack \(Limits.Rule.stack.write(limits.stack))",
            "timeout \(profile.lifetime.timeout.map { Lifetime.Rule.timeout.write($0) } ?? "none")",
            "output \(profile.output.limit.map { OutputPolicy.Rule.limit.write($0) } ?? "no limit")"
                + (profile.output.kill ? ", reaching it ends the run" : ""),
        ]
    }

    private static func ids(_ identity: Identity) -> [String] {
        switch identity {
        case .pair:
            [
                "a uid of its own for the init (0 inside), another for the program (1000 inside), the first free "
                    + "pair from \(Identity.rangeStart) on"
            ]
        case .subordinate(let uid, _, let initUID, _):
            ["uid \(initUID) for the init (0 inside), uid \(uid) for the program (1000 inside)"]
        case .single(let uid, _): ["uid \(uid) for both the init and the program (1000 inside)"]
        }
    }
}
