import Cgroups
import Launch
import Linux
import Preparation
import Sandbox
import Seccomp

extension LaunchRules {
    /// The profile with the command line as its uppermost layer, and what comes with it.
    static func load(_ options: RunOptions) throws(CommandError) -> LaunchRules {
        let rules = try prepared(
            Installation.find().rules(options.profile, options.variant, cache: StateDirectory.cache()))
        for warning in rules.filter.warnings { Terminal.error("corral run: warning: \(warning)") }
        return try prepared(LaunchRules(rules, overrides: options.overrides))
    }
}

extension HostSetup {
    static func probe(_ options: RunOptions) throws(CommandError) -> HostSetup {
        try prepared(
            probe(workspace: options.workspace, called: "--workspace", mounts: options.mounts))
    }

    /// - Parameter identity: the sandbox's ids.
    func plan(
        _ rules: LaunchRules, _ options: RunOptions, identity: Identity, cgroups: [Layer: LayerState]
    ) throws(CommandError) -> LaunchPlan {
        try prepared(
            plan(
                rules, identity: identity, cgroups: cgroups,
                sockets: options.relay == nil ? [] : [RunRelay.socketPath],
                softLimits: options.ulimits.soft, terminal: options.terminal ? .first : .none))
    }
}
