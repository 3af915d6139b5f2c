import CLinux
import Cgroups
import Launch
import Linux
import Preparation
import Sandbox
import WardenProtocol

// Processes of running sandboxes: asked for, signalled, paused, counted; and what inits say of them.

extension Engine {
    func start(_ order: ProcessOrder, _ streams: EngineStreams?) throws(Refusal) {
        let live = try live(order.key.session)
        guard let sandbox = live.sandbox, live.isAlive, live.phase != .paused else {
            throw Refusal(.state, "the sandbox \(live.id) takes no processes now")
        }
        try Ceilings.check("processes", live.commands.count, atMost: ceilings.processes)
        if case .terminal = order.streams, !ceilings.terminals {
            throw Refusal(
                .ceiling, "sessions may have no terminals", limit: "terminals", asked: "1", allowed: "0")
        }
        let recipe = try ProcessRecipe(
            order, environment: live.environment, workspace: live.workspace, ceilings)
        do throws(SystemError) {
            try ask(sandbox, recipe, order, streams)
        } catch {
            throw Refusal(.system, "the sandbox's init cannot be asked for a process: \(error)")
        }
        live.commands[order.key.process] = recipe.request.arguments.first ?? ""
    }

    private func ask(
        _ sandbox: RunningSandbox, _ recipe: ProcessRecipe, _ order: ProcessOrder, _ streams: EngineStreams?
    ) throws(SystemError) {
        let script = recipe.script?.value.number ?? -1
        let process = order.key.process
        if case .terminal(let size) = order.streams {
            return try sandbox.startOnNewTerminal(
                recipe.request, as: process, columns: size.columns, rows: size.rows, script: script)
        }
        guard let streams else { throw SystemError("sendmsg", "no streams", .badDescriptor) }
        try sandbox.start(
            recipe.request, as: process, endsSandbox: false,
            ProcessDescriptors(
                script: script, input: streams.input, output: streams.output, errors: streams.errors))
    }

    func signal(_ key: ProcessKey, _ number: Int32) throws(Refusal) {
        let live = try live(key.session)
        guard live.commands[key.process] != nil, let sandbox = live.sandbox else {
            throw Refusal(.unknownProcess, "the sandbox \(live.id) has no process \(key.process)")
        }
        guard live.phase != .paused else {
            throw Refusal(.state, "the sandbox \(live.id) is paused, and so is what passes signals on")
        }
        do throws(SystemError) {
            try sandbox.signal(key.process, number)
        } catch {
            throw Refusal(.system, "the signal cannot be passed on: \(error)")
        }
    }

    func pause(_ id: SandboxID) throws(Refusal) { try setPaused(true, id) }
    func resume(_ id: SandboxID) throws(Refusal) { try setPaused(false, id) }

    private func setPaused(_ isPaused: Bool, _ id: SandboxID) throws(Refusal) {
        let live = try live(id)
        guard live.isAlive, live.phase != .starting else {
            throw Refusal(.state, "the sandbox \(id) is not running")
        }
        if let problem = live.resources.pauseProblem {
            throw Refusal(.unsupported, "a session cannot be paused here: \(problem)")
        }
        do throws(PreparationError) {
            try live.resources.setPaused(isPaused)
            live.phase = isPaused ? .paused : .running
        } catch {
            throw Refusal(.system, error.description)
        }
    }

    func statistics(_ id: SandboxID) throws(Refusal) -> SandboxStatistics {
        let live = try live(id)
        noteLimits(of: live)
        return live.statistics
    }

    // MARK: What inits say

    /// At most so many messages of one init in a turn: others wait meanwhile.
    private static let messagesPerTurn = 16

    func listen(to live: LiveSandbox) {
        for _ in 0..<Engine.messagesPerTurn {
            guard let sandbox = live.sandbox else { return }
            do throws(SystemError) {
                guard let event = try sandbox.receiveIfAny() else { return }
                if case .gone = event { return hangUp(live) }
                take(event, of: live, sandbox)
            } catch {
                live.end(because: .signalled, "its init cannot be heard: \(error)")
                return hangUp(live)
            }
        }
    }

    /// The init says nothing more: it is ending, and nothing of the sandbox may stay without it.
    private func hangUp(_ live: LiveSandbox) {
        if let loop { live.stopListening(on: loop) }
        beginEnd(live)
    }

    func take(_ event: RunningSandbox.Event, of live: LiveSandbox, _ sandbox: RunningSandbox) {
        func key(_ process: UInt64) -> ProcessKey { ProcessKey(live.id, process) }
        switch event {
        case .ready:
            sandbox.closeStatus()
            live.isReady = true
            if live.phase == .starting { live.phase = .running }
            if live.watch != nil { live.due = clinux_boottime() }
            say(.ready(live.id, layers: live.layers, limits: live.limits, image: live.image))
        case .started(let process, let pid):
            switch sandbox.takeTerminal() {
            case .some(let master): say(.terminal(key(process), Held(master)))
            case .none: break
            }
            say(.started(key(process), pid: pid))
        case .startFailed(let process, let error):
            let command = live.commands.removeValue(forKey: process) ?? ""
            say(.startFailed(key(process), StartProblem(error, command)))
        case .exited(let process, let exit):
            live.commands[process] = nil
            // First, so that who looks for a cause has it. What went well was hit by nothing.
            if exit.status != .exited(0) { noteLimits(of: live) }
            say(.exited(key(process), ExitRecord(exit, at: clinux_boottime())))
        case .gone: break
        }
    }

    /// Tells of limits that were hit since they were looked at last.
    func noteLimits(of live: LiveSandbox) {
        let now = live.resources.statistics()
        let (kills, hits) = (now.oomKills ?? 0, now.pidsLimitHits ?? 0)
        if kills > live.told.oomKills ?? 0 { say(.limitHit(live.id, .memory, count: kills)) }
        if hits > live.told.pidsLimitHits ?? 0 { say(.limitHit(live.id, .pids, count: hits)) }
        live.told = now
    }
}

extension ExitRecord {
    init(_ exit: ProcessExit, at: UInt64) {
        let status: Status
        switch exit.status {
        case .exited(let code): status = .exited(code)
        case .signalled(let number): status = .signalled(number)
        }
        self.init(
            status, userTime: exit.userTime, systemTime: exit.systemTime, peakMemory: exit.peakMemory, at: at)
    }
}
