import CLinux
import FailPoints
import Glibc
import Linux
import Sandbox
import WardenProtocol

// Requests of the corrald that is served: checked against what is in custody, carried out, answered.

extension WardenServer {
    func answer(_ message: ToWarden, _ packet: Packet, _ guest: Guest) {
        do throws(Refusal) {
            if case .list(let after) = message.request { return list(after, message.number, guest) }
            if case .start(let order) = message.request {
                let process = try start(order, packet)
                return guest.answer(message.number, .process(process.entry), process.streams)
            }
            if case .workspace(let id) = message.request {
                let top = try workspace(of: table.session(id), for: guest.credentials)
                return guest.answer(message.number, .workspace, top)
            }
            if case .volumeOpen(let key) = message.request {
                let top = try engine.volumeTop(key, for: guest.credentials)
                return guest.answer(message.number, .workspace, top)
            }
            if case .create(let order) = message.request, waits(order, message.number, guest) { return }
            if message.request.isAboutVolumes { return volume(message.request, message.number, guest) }
            guest.answer(message.number, try answer(message.request))
        } catch {
            guest.answer(message.number, .refused(error))
        }
    }

    private func answer(_ request: WardenRequest) throws(Refusal) -> WardenAnswer {
        switch request {
        case .create(let order): try create(order)
        case .signal(let key, let number): try signal(key, number)
        case .resize(let key, let size): try resize(key, size)
        case .closeInput(let key): try closeInput(key)
        case .pause(let id): try pause(id)
        case .resume(let id): try resume(id)
        case .kill(let id): if expected.remove(id) == nil { kill(try table.session(id)) }
        case .remove(let id): try remove(id)
        case .acknowledge(let key): try acknowledge(key)
        case .note(let id, let note): try table.session(id).note = note
        case .statistics(let id): return .statistics(try statistics(of: table.session(id)))
        case .status: return .status(status)
        case .shutdown: end("corrald asked for it")
        case .tenantWeight(let tenant, let weight): return .tenantWeight(engine.weigh(tenant, weight))
        case .hello:
            throw Refusal(.malformed, "a connection is greeted once")
        // Answered above.
        case .start, .list, .workspace, .volumeOpen, .volumeCreate, .volumeRemove, .volumeResize,
            .volumeInspect, .volumeSnapshot, .volumeRestore, .volumeFork, .volumeList, .volumeTotal,
            .volumeForget, .volumeDriver, .hostVolumeCreate, .hostVolumeRemove, .hostVolumeResize,
            .hostVolumeList:
            throw Refusal(.malformed, "this request has another answer")
        }
        return .done
    }

    // MARK: Sessions

    /// Whether it is made later, when an image or room for its volume is there.
    private func waits(_ order: SessionOrder, _ number: UInt64, _ guest: Guest) -> Bool {
        // What would be refused is, before anything is made for it.
        guard !isEnding, table.sessions[order.id] == nil, !expected.contains(order.id) else { return false }
        let isLater = engine.prepare(for: order) { [weak self, weak guest] refusal in
            guard let self else { return }
            let isWanted = expected.remove(order.id) != nil
            // Whoever asked is gone, and who came since was not told of it.
            guard let guest, guest.isOpen, guest === corrald else { return }
            do throws(Refusal) {
                if let refusal { throw refusal }
                if !isWanted { throw Refusal(.state, "the session \(order.id) was killed before it began") }
                try create(order)
                guest.answer(number, .done)
            } catch {
                guest.answer(number, .refused(error))
            }
        }
        if isLater { expected.insert(order.id) }
        return isLater
    }

    private func create(_ order: SessionOrder) throws(Refusal) {
        if isEnding { throw Refusal(.ending, "the warden is ending") }
        guard table.sessions[order.id] == nil, !expected.contains(order.id) else {
            throw Refusal(.exists, "a session with the id \(order.id) is in custody already")
        }
        let most = CustodyTable.mostSessions
        guard table.sessions.count < most else {
            throw Refusal(
                .ceiling, "\(most) sessions are in custody; remove some that are gone", limit: "custody",
                asked: "\(most + 1)", allowed: "\(most)")
        }
        let cost = DescriptorBudget.cost(of: order)
        try budget.take(cost, for: "a session")
        do throws(Refusal) {
            try launch(order)
        } catch {
            budget.give(back: cost)
            throw error
        }
        table.add(KeptSession(order, began: clinux_boottime()))
        FailPoint.pass(.wardenCreated)
        log.line(.info, "session of the profile \(order.profile)", session: order.id.description)
    }

    private func pause(_ id: SandboxID) throws(Refusal) {
        let session = try table.session(id)
        if session.stage == .paused { return }
        guard session.stage == .running else { throw session.refusal(to: "be paused") }
        FailPoint.pass(.wardenBeforePause)
        defer { FailPoint.pass(.wardenAfterPause) }
        try freeze(session)
        session.stage = .paused
    }

    private func resume(_ id: SandboxID) throws(Refusal) {
        let session = try table.session(id)
        if session.stage == .running { return }
        guard session.stage == .paused else { throw session.refusal(to: "be resumed") }
        FailPoint.pass(.wardenBeforePause)
        defer { FailPoint.pass(.wardenAfterPause) }
        try thaw(session)
        session.stage = .running
    }

    private func remove(_ id: SandboxID) throws(Refusal) {
        FailPoint.pass(.wardenBeforeRemove)
        defer { FailPoint.pass(.wardenAfterRemove) }
        let session = try table.session(id)
        if session.stage == .stuck { try clean(session) }
        guard session.isDead else { throw session.refusal(to: "be removed; kill it first") }
        for process in session.processes.values { budget.give(back: process.cost) }
        table.remove(id)
    }

    // MARK: Processes

    private func start(_ order: ProcessOrder, _ packet: Packet) throws(Refusal) -> KeptProcess {
        let session = try table.session(order.key.session)
        guard session.takesProcesses else { throw session.refusal(to: "start a process") }
        guard session.processes[order.key.process] == nil else {
            throw Refusal(.exists, "the session \(session.id) has a process \(order.key.process) already")
        }
        let given = packet.takeHeld()
        guard (given != nil) == (order.streams == .pipes(.given)), packet.takeHeld() == nil else {
            throw Refusal(
                .malformed, "a descriptor comes with an order whose input is given, and with no other")
        }
        let count = Streams.count(for: order.streams)
        try budget.take(count, for: "a process")
        let process = KeptProcess(order.key, began: clinux_boottime(), cost: count)
        do throws(Refusal) {
            try begin(order, process, given)
        } catch {
            budget.give(back: count)
            throw error
        }
        session.processes[order.key.process] = process
        FailPoint.pass(.wardenProcessKept)
        return process
    }

    private func signal(_ key: ProcessKey, _ number: Int32) throws(Refusal) {
        switch try table.process(key).stage {
        // Whose start the init was asked for and has not told of: it gets the signal behind that. The program may
        // be running, and whoever reads what it writes knows that it is.
        case .starting, .running: break
        case .failed, .exited: throw Refusal(.state, "the process \(key) is not running")
        }
        FailPoint.pass(.wardenBeforeSignal)
        try pass(number, to: key)
    }

    private func resize(_ key: ProcessKey, _ size: WindowSize) throws(Refusal) {
        let master = try table.process(key).streams.number(.terminal)
        guard master >= 0 else { throw Refusal(.state, "the process \(key) has no terminal") }
        do throws(SystemError) {
            _ = try call("ioctl(TIOCSWINSZ)") { clinux_terminal_resize(master, size.rows, size.columns) }
        } catch {
            throw Refusal(.system, error.description)
        }
    }

    private func closeInput(_ key: ProcessKey) throws(Refusal) {
        // Closed before counts as closed: a client may ask again after a lost connection.
        let process = try table.process(key)
        guard process.streams.close(.input) else { return }
        process.cost -= 1
        budget.give(back: 1)
    }

    private func acknowledge(_ key: ProcessKey) throws(Refusal) {
        FailPoint.pass(.wardenBeforeAcknowledge)
        defer { FailPoint.pass(.wardenAfterAcknowledge) }
        let process = try table.process(key)
        guard process.hasEnded else { throw Refusal(.state, "the process \(key) has not ended") }
        try table.session(key.session).processes[key.process] = nil
        budget.give(back: process.cost)
    }

    // MARK: Lists

    private func list(_ after: SandboxID?, _ number: UInt64, _ guest: Guest) {
        FailPoint.pass(.wardenListing)
        let page = table.page(after: after, limit: WardenFormat.pageLimit)
        for session in page.sessions {
            guest.answer(number, .session(session.entry))
            for key in session.processes.keys.sorted() {
                guard let process = session.processes[key] else { continue }
                guest.answer(number, .process(process.entry), process.streams)
            }
        }
        guest.answer(number, .page(next: page.next))
    }

    private var status: WardenStatus {
        WardenStatus(
            build: settings.build, pid: getpid(), sessions: UInt32(clamping: table.sessions.count),
            processes: UInt32(clamping: table.processCount), descriptors: UInt32(clamping: budget.used),
            descriptorLimit: UInt32(clamping: budget.limit), networks: engine.networkPool,
            remarks: settings.remarks)
    }
}

extension WardenRequest {
    /// Whether the engine answers it when it can, but for `volumeOpen`.
    fileprivate var isAboutVolumes: Bool {
        switch self {
        case .volumeCreate, .volumeRemove, .volumeResize, .volumeInspect, .volumeSnapshot, .volumeRestore,
            .volumeFork, .volumeList, .volumeTotal, .volumeForget, .volumeDriver, .hostVolumeCreate,
            .hostVolumeRemove, .hostVolumeResize, .hostVolumeList:
            true
        default: false
        }
    }
}

extension KeptSession {
    func refusal(to what: String) -> Refusal {
        Refusal(.state, "the session \(id) is \(stage.rawValue) and cannot \(what)")
    }
}

extension Packet {
    fileprivate func takeHeld() -> Held<FileDescriptor>? {
        switch takeDescriptor() {
        case .some(let descriptor): Held(descriptor)
        case .none: nil
        }
    }
}
