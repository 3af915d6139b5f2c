import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Preparation
import Relay
import Sandbox
import Seccomp

/// One `corral run` from the first resource to the last, which is released on every way out.
///
/// The init is started before the sandbox is planned: while the kernel executes it and it waits,
/// limits are set, the plan is computed and the root tree is made.
final class RunSession {
    private let options: RunOptions
    private let id = RunSession.newID()
    private let began = clinux_boottime()
    private let signals: Held<FileDescriptor>

    init(_ options: RunOptions) throws(CommandError) {
        self.options = options
        // From here on a signal is an event of the loop, and everything that was made is released.
        signals = try RunSession.takeSignals()
    }

    /// - Returns: the exit code.
    func run() throws(CommandError) -> Int32 {
        let rules = try LaunchRules.load(options)
        let host = try HostSetup.probe(options)
        let terminal = try options.terminal ? TerminalSession(interactive: options.interactive) : nil
        let relay = try options.relay.map(RunRelay.connect)
        let resources = try prepared(SandboxResources.take(host, id: id))
        let sandbox: RunningSandbox
        do throws(LaunchError) {
            sandbox = try Launcher.begin(
                identity: resources.identity, without: rules.without(host),
                privileged: host.abilities.privileged,
                workspace: host.workspace, descriptors: resources.descriptors)
        } catch {
            try? resources.release()
            throw CommandError(error.description)
        }
        let started: Started
        do throws(CommandError) {
            started = try start(sandbox, rules, host, resources)
        } catch {
            resources.kill(sandbox)
            try? resources.release()
            throw error
        }
        return try finish(
            try live(sandbox, started, host, resources, relay, terminal), started, resources, relay)
    }

    /// What a run is, once everything about it is known.
    private struct Started {
        let rules: LaunchRules
        let plan: LaunchPlan
        let watch: LimitWatch?
        let report: Held<FileDescriptor>?
    }

    private func start(
        _ sandbox: RunningSandbox, _ rules: LaunchRules, _ host: HostSetup, _ resources: SandboxResources
    ) throws(CommandError) -> Started {
        try prepared(resources.setLimits(host.groupLimits(rules.limits)))
        let watch = try prepared(LimitWatch.make(rules.limits, resources, host))
        let plan = try host.plan(rules, options, identity: resources.identity, cgroups: resources.layers)
        let template = try prepared(host.template(rules, plan.placements, terminal: options.terminal))
        let report = try options.report.map(RunSession.create)
        Notices.partial(plan.layers, plan.without)
        do throws(LaunchError) {
            try Launcher.build(
                sandbox, plan, identity: resources.identity, workspace: host.workspace, mounts: host.mounts
            ) { () throws(LaunchError) in
                guard let template else { return nil }
                return try RootTemplate.make(template)
            }
        } catch {
            throw CommandError(error.description)
        }
        // While the init works.
        resources.sweep()
        return Started(rules: rules, plan: plan, watch: watch, report: report)
    }

    private func live(
        _ sandbox: RunningSandbox, _ started: Started, _ host: HostSetup, _ resources: SandboxResources,
        _ relay: RunRelay?, _ terminal: TerminalSession?
    ) throws(CommandError) -> RunLoop.Ended {
        // Before a word of ours is printed.
        defer { terminal?.restore() }
        let rules = started.rules
        let request = ProcessRequest(
            arguments: options.command, environment: rules.environment(options),
            directory: options.directory ?? rules.image.workspace)
        let peer = host.without.contains(.userNamespace) ? Identity.insideID : resources.identity.processUID
        do throws(SystemError) {
            let loop = try RunLoop.make(
                sandbox, request, signals: signals.value.number, interactive: options.interactive,
                timeout: rules.profile.lifetime.timeout, limit: host.outputPolicy(rules.profile),
                watch: started.watch, terminal: terminal)
            return try loop.run(relay, policy: host.relayPolicy(rules.profile), peer: peer) {
                resources.kill(sandbox)
            }
        } catch {
            resources.kill(sandbox)
            try? resources.release()
            throw CommandError("running the sandbox: \(error)")
        }
    }

    private func finish(
        _ ended: RunLoop.Ended, _ started: Started, _ resources: SandboxResources, _ relay: RunRelay?
    ) throws(CommandError) -> Int32 {
        let totals = relay?.finish()
        let statistics = resources.statistics()
        // What stays is said, and swept by a later run; how the program ended must not be lost by it.
        reportingFailure { () throws(CommandError) in try prepared(resources.release()) }
        if let failure = ended.startFailure { throw refusal(failure, started.rules) }
        var facts = ended.facts
        facts.outOfMemoryKills = statistics.oomKills ?? 0
        facts.pidsHits = statistics.pidsLimitHits ?? 0
        facts.violated = totals?.violation != nil
        let outcome = RunOutcome(facts)
        var end = EndText(outcome: outcome, facts: facts, profile: started.rules.profile)
        if outcome.cause == .seccomp { end.seccomp = seccompCause(ended, started.rules, resources.identity) }
        end.violation = totals?.violation
        for line in end.lines { Terminal.error("corral run: \(line)") }
        let text = RunReport(
            id: id, outcome: outcome, ended: ended, statistics: statistics, layers: started.plan.layers,
            leftOut: started.plan.without.mechanisms, relay: totals, began: began, tags: options.tags
        ).text
        if let report = started.report {
            reportingFailure { () throws(CommandError) in
                do throws(SystemError) {
                    try report.value.writeAll(Array((text + "\n").utf8))
                } catch {
                    throw CommandError("--report: \(shown(options.report ?? "")): \(error.errno)")
                }
            }
        }
        // Last, as scripts expect it.
        if options.json { Terminal.error(text) }
        return outcome.exitCode
    }

    /// The system call that the policy killed for, and its rule, as far as they can be known.
    private func seccompCause(_ ended: RunLoop.Ended, _ rules: LaunchRules, _ identity: Identity) -> String {
        let policy = try? Policy(parts: Installation.find().policyParts(of: rules.profile, options.variant))
        return KernelLog.seccompCause(identity, started: ended.started).text(policy)
    }

    /// Does what may fail without changing how the run ended.
    private func reportingFailure(_ body: () throws(CommandError) -> Void) {
        do throws(CommandError) {
            try body()
        } catch {
            Terminal.error("corral run: \(error)")
        }
    }

    /// The error of a program that never ran.
    private func refusal(_ failure: RunLoop.StartFailure, _ rules: LaunchRules) -> CommandError {
        let command = shown(options.command[0])
        switch failure {
        case .launch(let error): return CommandError(error.description)
        case .relay(let message): return CommandError("--relay: \(message)")
        case .process(let error):
            switch error.reason {
            case .notFound:
                return CommandError(
                    "\(command): not found in the sandbox, or a script whose interpreter is not there "
                        + "(\(error.errno.name))", code: ExitCode.notFound)
            case .notExecutable:
                return CommandError(
                    "\(command): cannot be executed: \(error.errno)", code: ExitCode.cannotExecute)
            case .directory:
                let directory = shown(options.directory ?? rules.image.workspace)
                return CommandError(
                    "--workdir: \(directory) cannot be entered in the sandbox: \(error.errno)")
            case .layer(let step):
                return CommandError("the program was not started, because \(step) failed: \(error.errno)")
            }
        }
    }

    static func newID() -> String {
        let text = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    static func takeSignals() throws(CommandError) -> Held<FileDescriptor> {
        // SIGPIPE too: a reader of ours that went away is an error of write(2), not the end of us.
        let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE]
        let number = unsafe clinux_signalfd(numbers, numbers.count)
        guard number >= 0 else { throw CommandError("signalfd: \(Errno(rawValue: errno))") }
        return Held(FileDescriptor(owning: number))
    }

    private static func create(_ path: String) throws(CommandError) -> Held<FileDescriptor> {
        do throws(SystemError) {
            return Held(try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644))
        } catch {
            throw CommandError("--report: \(shown(path)): \(error.errno)")
        }
    }
}

/// Lines on standard error that tell the user what is not as they may think.
enum Notices {
    /// One line when layers hold in part or not at all: for an ordinary user, or on an older kernel.
    /// - Parameter leftOut: by a test.
    static func partial(_ layers: [Layer: LayerState], _ leftOut: Ablation) {
        let weak = Layer.allCases.filter { layers[$0] != .inForce }
        let list =
            weak.map { "\($0.rawValue) \(layers[$0].map(String.init(describing:)) ?? "off")" }
            + leftOut.mechanisms.map(\.rawValue).sorted().map { "\($0) \(RunReport.leftOut)" }
        guard !list.isEmpty else { return }
        Terminal.error("corral run: not in force in full: \(list.joined(separator: ", "))")
    }
}
