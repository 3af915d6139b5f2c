import CLinux
import Capture
import Configuration
import FailPoints
import Glibc
import Linux
import Quotas
import Sandbox
import Service
import Sessions
import WardenProtocol
import Wire

// What processes ask of the warden, and what it tells of them.

extension Daemon {
    func start(_ run: ProcessRun) {
        guard let link, link.isOpen else { return handle(.startFailed("the warden is not there"), run) }
        let order = ProcessOrder(
            run.key, run.program.command, environment: run.program.environment,
            directory: run.program.directory, streams: run.streams)
        var input: Held<FileDescriptor>?
        if run.streams == .pipes(.given) {
            do throws(SystemError) {
                input = Held(try inputFile(run.program.stdin))
            } catch {
                return handle(.startFailed("the input cannot be handed over: \(error)"), run)
            }
        }
        run.isInCustody = true
        let numbers = input.map { [$0.value.number] } ?? []
        link.send(.start(order), descriptors: numbers, keeping: input) { [weak self] answer, packet in
            withExtendedLifetime(input) {}
            guard let self else { return }
            switch answer {
            // A terminal's descriptors come with the event, since it is made in the sandbox.
            case .process(let entry):
                if run.program.terminal == nil { connect(run, entry.roles, packet) }
                run.taken()
            case .refused(let refusal):
                run.isInCustody = refusal.code == .exists
                handle(.startFailed(refusal.sentence), run)
            default: break
            }
        }
    }

    private func inputFile(_ bytes: [UInt8]) throws(SystemError) -> FileDescriptor {
        let file = FileDescriptor(
            owning: try call("memfd_create") { unsafe clinux_memfd("corral-input", 0) })
        try file.writeAll(bytes)
        let number = file.number
        _ = try call("lseek") { lseek(number, 0, SEEK_SET) }
        return file
    }

    /// - Parameter done: takes why it was not passed on.
    func signal(_ run: ProcessRun, _ number: Int32, _ done: @escaping (ServiceError?) -> Void = { _ in }) {
        guard let link, link.isOpen else {
            return done(ServiceError(.unavailable, "the warden is not there"))
        }
        link.send(.signal(run.key, number), orLost: { done(.wardenLost) }) { answer, _ in
            if case .refused(let refusal) = answer { done(ServiceError(refusal)) } else { done(nil) }
        }
    }

    /// The most bytes of output of one exec: they are in memory until they are recorded.
    static let mostOutput: UInt64 = 16 << 20

    /// How much of what it writes is kept.
    func retention(_ run: ProcessRun) -> OutputRetention {
        let ring = settings.number(.outputRing)
        return run.spec.kind == .managed
            ? .last(ring) : .ends(run.program.outputLimit ?? max(ring, Daemon.mostOutput))
    }

    /// Begins to take what it writes.
    func connect(_ run: ProcessRun, _ roles: [StreamRole], _ packet: Packet) {
        var streams = StreamSet()
        for role in roles { streams.put(packet.takeDescriptor(), for: role) }
        do {
            let output = ProcessOutput(retention: retention(run), on: loop)
            try streams.connect(to: output)
            output.observer = run
            if run.lead != nil { output.pace() }
            run.output = output
            run.feed = try streams.makeFeed(on: loop)
            try output.start()
        } catch {
            log.line(
                .error, "the output of process \(run.id) cannot be taken: \(error)",
                session: run.session.description)
        }
    }

    // MARK: What is told

    func tells(_ event: WardenEvent, _ packet: Packet) {
        event.failPoint.map(FailPoint.pass)
        if heldEvents != nil {
            heldEvents?.append((event, packet))
            return
        }
        switch event {
        case .ready(let id, let layers, let limits, _): ready(SessionID(value: id.value), layers, limits)
        case .gone(let id, let end): gone(id, end)
        case .stuck(let id, let end, let remains): gone(id, end, remains: remains)
        case .limitHit(let id, let layer, _): limitHit(id, layer)
        case .volumeFilling(let id, let percent, let used, let limits):
            volumeFilling(id, percent, used, limits)
        case .volumeProgress(let key, let progress): volumeProgress(key, progress)
        case .started(let key, let pid, let moment, let roles):
            guard let run = run(key) else { return }
            if run.program.terminal != nil { connect(run, roles, packet) }
            run.pid = pid
            noteStarted(run, at: moment)
            handle(.started, run, at: moment)
            beginLead(run)
        case .startFailed(let key, let problem): startFailed(key, problem)
        case .exited(let key, let record): exited(key, record)
        }
    }

    func run(_ key: ProcessKey) -> ProcessRun? {
        guard let run = runs[ProcessID(value: key.process)], run.key == key else { return nil }
        return run
    }

    func startFailed(_ key: ProcessKey, _ problem: StartProblem) {
        guard let run = run(key) else { return acknowledge(key) }
        let reason = problem.sentence.isEmpty ? problem.reason.rawValue : problem.sentence
        run.output?.ended(run.exitNote(nil))
        run.startProblem = problem.reason
        handle(.startFailed(reason), run)
        release(run)
    }

    func exited(_ key: ProcessKey, _ record: ExitRecord) {
        guard let run = run(key) else { return acknowledge(key) }
        let event: ProcessEvent
        switch record.status {
        case .unknown:
            guard let cause = table[run.session]?.machine.cause else {
                // Its sandbox is ending by itself; the warden tells next why.
                run.heldExit = record
                return
            }
            event = .sessionEnded(cause)
        case .exited(let code):
            event = .exited(ProcessExit(.exited(UInt8(truncatingIfNeeded: code)), at: record.at))
        case .signalled(let number):
            let number = UInt8(truncatingIfNeeded: number)
            event = .exited(ProcessExit(.signalled(number), cause: cause(of: number, run), at: record.at))
        }
        run.exit = record
        run.heldExit = nil
        run.pid = nil
        let now = DaemonClock.now
        let found = table.withProcesses(of: run.session) { processes in
            processes.handle(event, for: run.id, at: now)
        }
        // Before the record is put together, so that everything it wrote is in it.
        run.output?.ended(run.exitNote(machine(run)?.result))
        // Once: a record that comes later is not about this run.
        run.usedCPU = UInt64(clamping: record.userTime + record.systemTime) * 1000
        take((found ?? nil) ?? [], run)
        run.usedCPU = nil
        release(run)
    }

    /// What is known of a signal besides its number.
    private func cause(of number: UInt8, _ run: ProcessRun) -> Cause? {
        if number == SignalNumber.badSystemCall { return .seccomp }
        guard number == UInt8(SignalNumber.kill), let keep = keeps[run.session], keep.memoryKills > 0 else {
            return nil
        }
        keep.memoryKills -= 1
        return .memory
    }

    /// The run is over: once that is on record the warden may forget it, and what it wrote is in the store.
    private func release(_ run: ProcessRun) {
        run.feed?.close()
        run.feed = nil
        let (key, output) = (run.key, run.output)
        run.isInCustody = false
        // Readers that are still behind hold it for themselves. A next run gets another.
        run.output = nil
        run.wakeFollowers()
        afterRecords { [weak self] in
            self?.whenDurable { [weak self] problem in
                // Else the warden is the one that knows.
                guard let self, problem == nil, storeState != .readOnly else { return }
                afterAnswers { [weak self] in
                    withExtendedLifetime(output) {}
                    run.result = nil
                    self?.acknowledge(key)
                }
            }
        }
    }

    func acknowledge(_ key: ProcessKey) {
        guard let link, link.isOpen else { return }
        link.send(.acknowledge(key)) { _, _ in }
    }

    // MARK: News

    func publish(_ news: ProcessNews, _ run: ProcessRun) {
        let type: String
        var cause: Cause?
        switch news {
        case .state(let state): type = "process.\(state.rawValue)"
        case .restarts: type = "process.exited"
        case .ended(let result):
            type = "process.ended"
            cause = result.cause
            noteEnded(run, result.cause)
            refuseLead(run, result)
            run.taken()
            ledger.giveBack(.process(run.id))
            if run.spec.kind == .exec { keeps[run.session]?.turns.over(run.id) }
            handle(.processEnded(run.spec.kind), run.session)
            dropOldest(of: run.session)
        }
        events.publish(type, session: run.session.description, tenant: tenantName(of: run.session)) { event in
            event.add("process", run.id.description)
            if let cause { event.add("cause", cause.rawValue) }
        }
    }

    /// Processes that ended are kept to be asked for, and not for ever in a session of many.
    private func dropOldest(of id: SessionID) {
        let most = 64
        guard let all = table[id]?.processes.all else { return }
        let ended = all.filter { $0.machine.hasEnded }
        for entry in ended.dropLast(most) {
            _ = table.withProcesses(of: id) { $0.remove(entry.id) }
            runs[entry.id] = nil
        }
    }
}

extension WardenEvent {
    fileprivate var failPoint: FailPoint? {
        switch self {
        case .ready: .daemonHearsReady
        case .started: .daemonHearsStarted
        case .exited, .startFailed: .daemonHearsExit
        case .gone, .stuck: .daemonHearsGone
        case .limitHit, .volumeFilling, .volumeProgress: nil
        }
    }
}
