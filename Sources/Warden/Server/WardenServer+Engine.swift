import CLinux
import FailPoints
import Linux
import Sandbox
import WardenProtocol

// The server's words to the engine, and what becomes of the engine's events.

extension WardenServer {
    func launch(_ order: SessionOrder) throws(Refusal) { try engine.create(order) }

    /// Makes the streams of a process and asks for it.
    /// - Parameter given: its standard input, where the order came with one.
    func begin(
        _ order: ProcessOrder, _ process: KeptProcess, _ given: Held<FileDescriptor>?
    ) throws(Refusal) {
        let ends: Held<SandboxEnds>?
        do throws(SystemError) {
            if case .pipes(let input) = order.streams {
                ends = Held(try process.streams.makePipes(withInput: input == .pipe))
            } else {
                try process.streams.makeTerminalRing()
                ends = nil
            }
        } catch {
            throw Refusal(.system, "the streams of a process cannot be made: \(error)")
        }
        FailPoint.pass(.wardenBeforeStart)
        try engine.start(
            order,
            ends.map { ends in
                EngineStreams(
                    input: given?.value.number ?? ends.value.input.numberOrNone,
                    output: ends.value.output.number, errors: ends.value.errors.number)
            })
        withExtendedLifetime((ends, given)) {}
        FailPoint.pass(.wardenAfterStart)
    }

    func pass(_ number: Int32, to key: ProcessKey) throws(Refusal) { try engine.signal(key, number) }
    func freeze(_ session: KeptSession) throws(Refusal) { try engine.pause(session.id) }
    func thaw(_ session: KeptSession) throws(Refusal) { try engine.resume(session.id) }

    /// A second kill of the same session joins the first.
    func kill(_ session: KeptSession) {
        guard !session.isDead, session.stage != .ending else { return }
        session.stage = .ending
        FailPoint.pass(.wardenBeforeKill)
        engine.kill(session.id)
        FailPoint.pass(.wardenAfterKill)
    }

    func clean(_ session: KeptSession) throws(Refusal) {
        try engine.clean(session.id)
        budget.give(back: session.cost)
        session.stage = .gone
    }

    func statistics(of session: KeptSession) throws(Refusal) -> SandboxStatistics {
        if let end = session.end { return end.statistics }
        return try engine.statistics(session.id)
    }

    func workspace(
        of session: KeptSession, for peer: PeerCredentials
    ) throws(Refusal) -> FileDescriptor {
        guard session.stage == .running || session.stage == .paused else {
            throw session.refusal(to: "give its files")
        }
        return try engine.workspace(session.id, for: peer)
    }

    /// Answers now or later; limits that sessions have then are theirs in custody as well.
    func volume(_ request: WardenRequest, _ number: UInt64, _ guest: Guest) {
        engine.volume(request) { [weak self] result in
            guard let self else { return }
            switch result {
            case .refused(let refusal): guest.answer(number, .refused(refusal))
            case .done(let answer):
                if case .volumeResize(let key, _) = request, case .volume(let state) = answer {
                    for id in engine.users(of: key) { table.sessions[id]?.limits.workspace = state.limits }
                }
                guest.answer(number, answer)
            }
        }
    }

    // MARK: Events

    func take(_ event: EngineEvent) {
        switch event {
        case .ready(let id, let layers, let limits, let image): ready(id, layers, limits, image)
        case .terminal(let key, let master): terminal(key, master)
        case .started(let key, let pid): started(key, pid)
        case .startFailed(let key, let problem):
            process(key)?.stage = .failed(problem)
            tell(.startFailed(key, problem))
        case .exited(let key, let record):
            FailPoint.pass(.wardenExited)
            process(key)?.stage = .exited(record)
            FailPoint.pass(.wardenExitKept)
            tell(.exited(key, record))
            FailPoint.pass(.wardenExitTold)
        case .gone(let id, let end): gone(id, end, remains: nil)
        case .stuck(let id, let end, let remains): gone(id, end, remains: remains)
        case .limitHit(let id, let layer, let count): tell(.limitHit(id, layer, count: count))
        case .volumeFilling(let id, let percent, let used, let limits):
            tell(.volumeFilling(id, percent: percent, used: used, limits: limits))
        case .volumeProgress(let key, let progress): tell(.volumeProgress(key, progress))
        case .remark(let text): log.line(.warning, text)
        }
    }

    private func process(_ key: ProcessKey) -> KeptProcess? {
        table.sessions[key.session]?.processes[key.process]
    }

    private func ready(
        _ id: SandboxID, _ layers: [Layer: LayerState], _ limits: SandboxLimits, _ image: String
    ) {
        guard let session = table.sessions[id] else { return }
        FailPoint.pass(.wardenReady)
        session.layers = layers
        session.limits = limits
        session.image = image
        // One that is being killed already stays so.
        if session.stage == .starting { session.stage = .running }
        tell(.ready(id, layers: layers, limits: limits, at: clinux_boottime()))
        FailPoint.pass(.wardenToldReady)
    }

    private func terminal(_ key: ProcessKey, _ master: Held<FileDescriptor>) {
        process(key)?.streams.take(terminal: master)
    }

    private func started(_ key: ProcessKey, _ pid: Int32) {
        guard let process = process(key) else { return }
        process.stage = .running(pid: pid)
        let hasTerminal = process.streams.roles.contains(.terminal)
        let streams = hasTerminal ? process.streams : nil
        tell(.started(key, pid: pid, at: clinux_boottime(), roles: streams?.roles ?? []), streams)
        FailPoint.pass(.wardenToldStarted)
    }

    /// What was running ended with its sandbox, and its status with the init that had it.
    private func gone(_ id: SandboxID, _ end: SandboxEnd, remains: String?) {
        guard let session = table.sessions[id] else { return }
        for key in session.processes.keys.sorted() {
            guard let process = session.processes[key], !process.hasEnded else { continue }
            if case .starting = process.stage {
                take(.startFailed(process.key, StartProblem(.gone, errno: 0, sentence: "the sandbox ended")))
            } else {
                take(.exited(process.key, ExitRecord(.unknown, at: end.at)))
            }
        }
        session.end = end
        session.stage = remains == nil ? .gone : .stuck
        // What the engine held is closed; of a stuck one it keeps the lock.
        if remains == nil { budget.give(back: session.cost) }
        let text = "\(end.cause.rawValue)\(end.detail.isEmpty ? "" : ": \(end.detail)")"
        if let remains {
            log.line(.error, "ended (\(text)), and cannot be removed: \(remains)", session: id.description)
            tell(.stuck(id, end, remains: remains))
        } else {
            log.line(.info, "ended (\(text))", session: id.description)
            tell(.gone(id, end))
        }
        FailPoint.pass(.wardenToldGone)
    }
}
