import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import Seccomp

/// `corral image unpack-layer`: `corral-unpack` in a sandbox of its own. Called by `corral image
/// import` for each archive, as a process of its own, because a launch may change the mount namespace
/// of the process that does it.
///
/// Descriptors: 0 the archive, 1 and 2 for the unpacker's report and complaint, 3 the directory of the
/// tree, 4 a pipe whose other end the importer holds: when that closes, the importer is gone.
enum UnpackLayerCommand {
    static let command = Command(
        "image unpack-layer", summary: "Unpack an archive in a sandbox; used by image import.",
        operandsHelp: "[--] LIMITS...", operands: 0...16, stopsAtOperand: true, isHidden: true
    ) { arguments in
        do throws(CommandError) {
            return try run(arguments.operands)
        } catch {
            Terminal.error("corral image unpack-layer: \(error)")
            return ExitCode.ours
        }
    }

    /// - Parameter words: for `corral-unpack`.
    private static func run(_ words: [String]) throws(CommandError) -> Int32 {
        let signals = try RunSession.takeSignals()
        let program = try UnpackSandbox.program()
        let host = try host()
        let rules = try UnpackSandbox.rules(program, host: host)
        let resources = try prepared(SandboxResources.take(host, id: RunSession.newID()))
        let sandbox: RunningSandbox
        do throws(LaunchError) {
            sandbox = try Launcher.begin(
                identity: resources.identity, without: host.without.layers,
                privileged: host.abilities.privileged, workspace: host.workspace,
                descriptors: resources.descriptors)
        } catch {
            try? resources.release()
            throw CommandError(error.description)
        }
        let ending: Ending
        do throws(CommandError) {
            try build(sandbox, rules, host, resources)
            ending = try live(
                sandbox,
                ProcessRequest(
                    arguments: [program] + words, environment: [], directory: rules.image.workspace),
                signals: signals.value.number, timeout: UnpackSandbox.timeout)
        } catch {
            resources.kill(sandbox)
            try? resources.release()
            throw error
        }
        resources.kill(sandbox)
        let kills = resources.statistics().oomKills ?? 0
        try prepared(resources.release())
        return try code(ending, memoryKills: kills, rules)
    }

    private static func host() throws(CommandError) -> HostSetup {
        do {
            let tree = try WorkspaceDirectory.of(FileDescriptor(owning: 3), path: "the tree")
            return HostSetup(
                abilities: try HostAbilities.probe(), layout: try CgroupLayout.detect(), workspace: tree,
                without: try Ablation.asked())
        } catch {
            throw CommandError("\(error)")
        }
    }

    private static func build(
        _ sandbox: RunningSandbox, _ rules: LaunchRules, _ host: HostSetup, _ resources: SandboxResources
    ) throws(CommandError) {
        try prepared(resources.setLimits(host.groupLimits(rules.limits)))
        let plan = try UnpackSandbox.plan(
            rules, host, identity: resources.identity, cgroups: resources.layers)
        let template = try prepared(host.template(rules))
        do throws(LaunchError) {
            try Launcher.build(
                sandbox, plan, identity: resources.identity, workspace: host.workspace
            ) { () throws(LaunchError) in
                guard let template else { return nil }
                return try RootTemplate.make(template)
            }
        } catch {
            throw CommandError(error.description)
        }
        resources.sweep()
    }

    private enum Ending {
        case exit(ProcessExit)
        case startFailed(ProcessStartError)
        case launchFailed(LaunchError)
        case timeout
        case stopped
    }

    private static func live(
        _ sandbox: RunningSandbox, _ request: ProcessRequest, signals: CInt, timeout: UInt64
    ) throws(CommandError) -> Ending {
        do throws(SystemError) {
            try start(sandbox, request)
            let timer = FileDescriptor(
                owning: try call("timerfd") { clinux_timerfd(timeout * 1_000_000) })
            while true {
                var ready = [sandbox.controlNumber, signals, 4, timer.number].map {
                    pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
                }
                _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), -1) }
                if ready[1].revents != 0 || ready[2].revents != 0 { return .stopped }
                if ready[3].revents != 0 { return .timeout }
                guard ready[0].revents != 0 else { continue }
                switch try sandbox.receive() {
                case .ready, .started: continue
                case .startFailed(_, let error): return .startFailed(error)
                case .exited(_, let exit): return .exit(exit)
                case .gone:
                    try sandbox.reap()
                    return .launchFailed(try sandbox.failure())
                }
            }
        } catch {
            throw CommandError("running the unpacker: \(error)")
        }
    }

    /// Gives our streams away; only the one for complaints stays ours too.
    private static func start(
        _ sandbox: RunningSandbox, _ request: ProcessRequest
    ) throws(SystemError) {
        let errors = FileDescriptor(
            owning: try call("fcntl(F_DUPFD_CLOEXEC)") { fcntl(2, F_DUPFD_CLOEXEC, 3) })
        try sandbox.start(
            request, as: 1, endsSandbox: true, input: FileDescriptor(owning: 0),
            output: FileDescriptor(owning: 1), errors: errors)
    }

    /// - Returns: the unpacker's own exit code.
    private static func code(
        _ ending: Ending, memoryKills: UInt64, _ rules: LaunchRules
    ) throws(CommandError) -> Int32 {
        let limits = rules.limits
        switch ending {
        case .exit(let exit):
            guard memoryKills == 0 else {
                throw CommandError("the unpacker reached its memory limit of \(limits.memory) bytes")
            }
            guard case .exited(let code) = exit.status else { throw CommandError("the unpacker \(exit)") }
            return code
        case .startFailed(let error): throw CommandError("the unpacker was not started: \(error.errno)")
        case .launchFailed(let error): throw CommandError(error.description)
        case .timeout:
            throw CommandError("the unpacker reached its time limit of \(UnpackSandbox.timeout) ms")
        case .stopped: throw CommandError("was stopped")
        }
    }
}
