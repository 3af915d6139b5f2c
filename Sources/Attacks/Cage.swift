// Where attacks run, and how a program is started there.

import Glibc
package import Sandbox
package import TestSupport

/// What is around an attack.
package enum Cage: Sendable, Hashable {
    /// No sandbox: root in throw-away namespaces. Needs root.
    case bare
    /// `corral run` with a profile of the installation's, without some of it (debug builds only).
    case corral(profile: String, without: Ablation = [])
    /// `bwrap --unshare-all --cap-drop ALL`, with the host's programs read-only.
    case bwrap
    /// `runc` with what `runc spec` writes; the directory is a ``RuncBundle``'s.
    case runc(bundle: String)

    /// The profile's name; nil outside of Corral.
    package var profile: String? {
        if case .corral(let profile, _) = self { profile } else { nil }
    }

    /// Every profile that Corral ships, by name.
    package static var shippedProfiles: [String] {
        File.names(in: Repository.path("profiles")).filter { $0.hasSuffix(".yaml") }
            .map { String($0.dropLast(".yaml".count)) }
    }

    /// The words and variables that run `words` of the attacker program here.
    /// - Parameter options: for `corral run`; elsewhere there are no limits to change, and they mean
    ///   nothing.
    /// - Parameter bait: where the bait is; nil for that of the stage.
    package func program(
        attacker words: [String], options: [String] = [], bait: [String: String]? = nil, on stage: Stage
    ) -> Program {
        var program = careful(words, options, bait ?? stage.bait, stage)
        // Started by a careless caller, from whom some layers have to shed something.
        program.arguments = [stage.attacker, "--lure"] + program.arguments
        return program
    }

    private func careful(
        _ words: [String], _ options: [String], _ bait: [String: String], _ stage: Stage
    ) -> Program {
        var environment = Program.environment
        for name in Attack.hostile { environment[name] = "/nonexistent/corral-secret-\(getpid())" }
        switch self {
        case .bare:
            environment.merge(bait) { $1 }
            return Program([stage.attacker, "--bare"] + words, environment: environment)
        case .corral(let profile, let without):
            if !without.isEmpty {
                environment["CORRAL_TEST_WITHOUT"] = without.names.joined(separator: ",")
            }
            let laid = bait.sorted { $0.key < $1.key }.flatMap { ["--env", "\($0.key)=\($0.value)"] }
            // Until the egress proxy exists, the profiles that name it run without a network.
            let run = [Product.path("corral"), "run", "--json", "--profile", profile, "--network", "none"]
            // Where all of the host is visible, nothing can be mounted, nothing has to be, and there is no workspace.
            let visible = without.contains(.mountNamespace)
            let place = options.contains("--workdir") ? [] : ["--workdir", "/usr"]
            let mount = visible ? place : ["-v", "\(stage.tools):/opt/attack:ro"]
            let attacker = visible ? stage.attacker : "/opt/attack/attacker"
            return Program(
                run + mount + laid + options + ["--", attacker] + words, environment: environment)
        case .bwrap:
            environment.merge(bait) { $1 }
            return Program(Cage.bubblewrap(stage.tools) + words, environment: environment)
        case .runc(let bundle):
            return RuncBundle.program(bundle, attacker: words, environment: environment)
        }
    }
}
