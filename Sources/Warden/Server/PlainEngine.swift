import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import WardenProtocol

/// Launches as `corral run` does, without ceilings, terminals and pause.
final class PlainEngine: SandboxEngine {
    fileprivate final class Sandbox: EventHandler {
        let id: SandboxID
        let running: RunningSandbox
        let resources: SandboxResources
        let rules: LaunchRules
        var layers: [Layer: LayerState] = [:]
        var watched: [(Held<FileDescriptor>, EventLoop.Token)] = []
        var isReady = false
        var isKilled = false
        unowned let engine: PlainEngine

        init(
            _ id: SandboxID, _ running: RunningSandbox, _ resources: SandboxResources, _ rules: LaunchRules,
            _ engine: PlainEngine
        ) {
            self.id = id
            self.running = running
            self.resources = resources
            self.rules = rules
            self.engine = engine
        }

        func ready(_ token: EventLoop.Token, _ events: Events) { engine.hear(self) }
    }

    private let host: HostSetup
    private let installation: Installation
    private var sandboxes: [SandboxID: Sandbox] = [:]
    private var loop: EventLoop?
    private var tell: (EngineEvent) -> Void = { _ in }

    init() throws {
        host = try HostSetup.probe(workspace: nil, called: "workspace", mounts: [])
        installation = try Installation.find()
    }

    func begin(on loop: EventLoop, telling tell: @escaping (EngineEvent) -> Void) throws(SystemError) {
        self.loop = loop
        self.tell = tell
    }

    var patience: CInt { -1 }
    func look() {}

    func create(_ order: SessionOrder) throws(Refusal) {
        do {
            try checkSimpleName(order.profile)
            if let image = order.image { try checkSimpleName(image) }
            let found = try installation.rules(
                order.profile, RulesVariant(image: order.image), cache: StateDirectory.cache())
            let rules = try LaunchRules(found, overrides: order.overrides)
            let resources = try SandboxResources.take(
                host, id: order.id.description, mark: "corral-session",
                startingAt: Int.random(in: 0..<30_000))
            let sandbox = try Launcher.begin(
                identity: resources.identity, without: rules.without(host),
                privileged: host.abilities.privileged, workspace: nil, descriptors: resources.descriptors)
            let held = Sandbox(order.id, sandbox, resources, rules, self)
            try build(held)
            try watch(held)
            sandboxes[order.id] = held
        } catch {
            throw Refusal(.order, "\(error)")
        }
    }

    private func build(_ sandbox: Sandbox) throws {
        let (rules, resources) = (sandbox.rules, sandbox.resources)
        try resources.setLimits(host.groupLimits(rules.limits))
        let plan = try host.plan(rules, identity: resources.identity, cgroups: resources.layers)
        let template = try host.template(rules)
        try Launcher.build(sandbox.running, plan, identity: resources.identity, workspace: nil) {
            () throws(LaunchError) in
            guard let template else { return nil }
            return try RootTemplate.make(template)
        }
        sandbox.layers = plan.layers
    }

    private func watch(_ sandbox: Sandbox) throws(SystemError) {
        let copy = dup(sandbox.running.controlNumber)
        let held = Held(FileDescriptor(owning: copy))
        guard let token = try loop?.add(held.value, for: .readable, handler: sandbox) else { return }
        sandbox.watched.append((held, token))
    }

    fileprivate func hear(_ sandbox: Sandbox) {
        guard let event = try? sandbox.running.receive() else { return end(sandbox) }
        switch event {
        case .ready:
            sandbox.isReady = true
            tell(.ready(sandbox.id, layers: sandbox.layers, image: sandbox.rules.image.name))
        case .started(let process, let pid): tell(.started(ProcessKey(sandbox.id, process), pid: pid))
        case .startFailed(let process, let error):
            let problem = StartProblem(.notFound, errno: error.errno.rawValue, sentence: "\(error)")
            tell(.startFailed(ProcessKey(sandbox.id, process), problem))
        case .exited(let process, let exit):
            let status: ExitRecord.Status =
                switch exit.status {
                case .exited(let code): .exited(code)
                case .signalled(let number): .signalled(number)
                }
            let record = ExitRecord(
                status, userTime: exit.userTime, systemTime: exit.systemTime, peakMemory: exit.peakMemory,
                at: clinux_boottime())
            tell(.exited(ProcessKey(sandbox.id, process), record))
        case .gone: end(sandbox)
        }
    }

    private func end(_ sandbox: Sandbox) {
        for (held, token) in sandbox.watched { loop?.remove(held.value, token) }
        sandboxes[sandbox.id] = nil
        sandbox.resources.kill(sandbox.running)
        let counted = sandbox.resources.statistics()
        let statistics = SandboxStatistics(
            peakMemory: counted.peakMemory, cpuTime: counted.cpuTime, outOfMemoryKills: counted.oomKills,
            pidsLimitHits: counted.pidsLimitHits)
        let failure = sandbox.isReady ? nil : try? sandbox.running.failure()
        let end = SandboxEnd(
            cause: sandbox.isKilled ? .operator : failure == nil ? .signalled : .launchFailed,
            detail: failure?.description ?? "", statistics: statistics, at: clinux_boottime())
        do throws(PreparationError) {
            try sandbox.resources.release()
            tell(.gone(sandbox.id, end))
        } catch {
            tell(.stuck(sandbox.id, end, remains: error.description))
        }
    }

    func start(_ order: ProcessOrder, _ streams: EngineStreams?) throws(Refusal) {
        guard let sandbox = sandboxes[order.key.session], let streams else {
            throw Refusal(.unsupported, "no terminals here")
        }
        guard case .arguments(let arguments) = order.command else {
            throw Refusal(.unsupported, "no scripts here")
        }
        let request = ProcessRequest(
            arguments: arguments, environment: sandbox.rules.environment + order.environment,
            directory: order.directory ?? sandbox.rules.image.workspace)
        do throws(SystemError) {
            let output = FileDescriptor(owning: dup(streams.output))
            let errors = FileDescriptor(owning: dup(streams.errors))
            let input = streams.input < 0 ? nil : FileDescriptor(owning: dup(streams.input))
            try sandbox.running.start(
                request, as: order.key.process, endsSandbox: false, input: input, output: output,
                errors: errors)
        } catch {
            throw Refusal(.system, "\(error)")
        }
    }

    func signal(_ key: ProcessKey, _ number: Int32) throws(Refusal) {
        try? sandboxes[key.session]?.running.signal(key.process, number)
    }

    func pause(_ id: SandboxID) throws(Refusal) { throw Refusal(.unsupported, "no pause here") }
    func resume(_ id: SandboxID) throws(Refusal) { throw Refusal(.unsupported, "no pause here") }

    func kill(_ id: SandboxID) {
        guard let sandbox = sandboxes[id] else { return }
        sandbox.isKilled = true
        sandbox.resources.kill(sandbox.running)
    }

    func clean(_ id: SandboxID) throws(Refusal) { throw Refusal(.system, "not here") }

    func statistics(_ id: SandboxID) throws(Refusal) -> SandboxStatistics {
        let counted = sandboxes[id]?.resources.statistics()
        return SandboxStatistics(peakMemory: counted?.peakMemory, cpuTime: counted?.cpuTime)
    }
}
