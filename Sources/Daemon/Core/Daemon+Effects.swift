import Linux
import Quotas
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol

// From machines to batches, and from batches to deeds.

extension Daemon {
    /// Tells a session's machine of an event.
    func handle(_ event: SessionEvent, _ id: SessionID, ticket: Ticket? = nil) {
        let before = table[id]?.machine
        guard let actions = table.handle(event, for: id, at: DaemonClock.now) else {
            if let ticket { answer(ticket, .notRecorded("the session is no more")) }
            return
        }
        take(actions, id, before: before, ticket: ticket)
    }

    func take(
        _ actions: [SessionAction], _ id: SessionID, before: SessionMachine?, isNew: Bool = false,
        ticket: Ticket? = nil
    ) {
        var rest: [SessionAction] = []
        for action in actions {
            switch action {
            case .record(let note):
                // The removal that waits for the end is recorded with it.
                let mayWait = note.step == .ended && keeps[id]?.isLeaving == true && !events.isFollowed
                if let change = change(note, id) { journal.add(change, then: (), mayWait: mayWait) }
            case .deadline(let moment): deadlines.set(.session(id), at: moment)
            case .ignored(let why): log.line(.debug, "an event was ignored: \(why)", session: id.description)
            default: rest.append(action)
            }
        }
        // Who asked has to hear of it when this turn cannot be recorded.
        if rest.isEmpty, ticket == nil, before == nil || actions.isEmpty { return }
        batches.append(
            Batch(
                work: .session(id, rest, before: before, isNew: isNew), ticket: ticket, trace: log.trace))
    }

    /// Tells a process's machine of an event.
    /// - Parameter moment: when it happened, where that is known.
    func handle(
        _ event: ProcessEvent, _ run: ProcessRun, ticket: Ticket? = nil, at moment: UInt64? = nil
    ) {
        let now = min(moment ?? .max, DaemonClock.now)
        let found = table.withProcesses(of: run.session) { processes in
            processes.handle(event, for: run.id, at: now)
        }
        guard let actions = found ?? nil else {
            if let ticket { answer(ticket, .notRecorded("the process is no more")) }
            return
        }
        take(actions, run, ticket: ticket)
    }

    func take(_ actions: [ProcessAction], _ run: ProcessRun, ticket: Ticket? = nil) {
        var rest: [ProcessAction] = []
        for action in actions {
            switch action {
            case .record(let note):
                // That it runs is the warden's to tell as well: where nobody is told of it, it is recorded with
                // what comes next, which for many is the end.
                let mayWait = note.state == .running && !events.isFollowed
                for change in changes(note, run) { journal.add(change, then: (), mayWait: mayWait) }
            case .deadline(let moment): deadlines.set(.process(run.id), at: moment)
            case .ignored: break
            default: rest.append(action)
            }
        }
        if rest.isEmpty, ticket == nil { return }
        batches.append(Batch(work: .process(run, rest), ticket: ticket, trace: log.trace))
    }

    /// After everything that was recorded in this turn.
    func afterRecords(_ body: @escaping () -> Void) {
        batches.append(Batch(work: .other(body), trace: log.trace))
    }

    func machine(_ run: ProcessRun) -> ProcessMachine? { table[run.session]?.processes[run.id] }

    // MARK: Deeds

    func perform(_ work: Batch.Work) {
        switch work {
        case .session(let id, let actions, _, _): for action in actions { perform(action, id) }
        case .process(let run, let actions): for action in actions { perform(action, run) }
        case .other(let body): body()
        case .intent(let body): body(nil)
        }
    }

    private func perform(_ action: SessionAction, _ id: SessionID) {
        switch action {
        case .launch: launch(id)
        case .signalAll: signalAll(id)
        case .liftQuotaAndKill: kill(id)
        case .remove: removeSandbox(id)
        case .freeze: freeze(id)
        case .thaw: thaw(id)
        case .publish(let news): publish(news, id)
        case .answer(let ticket, let answer): self.answer(ticket, .session(answer))
        case .record, .deadline, .ignored: break
        }
    }

    private func perform(_ action: ProcessAction, _ run: ProcessRun) {
        switch action {
        case .start: start(run)
        case .terminate: signal(run, SignalNumber.terminate)
        case .kill: signal(run, SignalNumber.kill)
        case .publish(let news): publish(news, run)
        case .answer(let ticket, let result): answer(ticket, .process(result))
        case .record, .deadline, .ignored: break
        }
    }

    // MARK: What could not be recorded

    /// Nothing begins without a record; what is dying is killed and removed all the same.
    func withhold(_ work: [Batch], _ problem: String) {
        for batch in work.reversed() {
            if case .session(let id, let actions, let before, let isNew) = batch.work {
                withhold(id, actions, before: before, isNew: isNew, problem)
            }
        }
        for batch in work {
            switch batch.work {
            case .session: break
            case .process(let run, let actions): withhold(run, actions, problem)
            case .other(let body): body()
            case .intent(let body): body(problem)
            }
            if let ticket = batch.ticket { answer(ticket, .notRecorded(problem)) }
        }
    }

    private func withhold(
        _ id: SessionID, _ actions: [SessionAction], before: SessionMachine?, isNew: Bool, _ problem: String
    ) {
        if isNew {
            table.withdraw(id)
            ledger.cancel(.session(id))
            keeps[id] = nil
            deadlines.remove(.session(id))
            return
        }
        guard let machine = table[id]?.machine else { return }
        let isDying = [.stopping, .quarantined, .ended].contains(machine.state)
        if isDying {
            unrecorded.insert(id)
        } else if let before {
            table.revert(id, to: before)
            deadlines.set(.session(id), at: before.nextDeadline)
        }
        for action in actions {
            switch action {
            case .answer(let ticket, let answer):
                self.answer(ticket, isDying ? .session(answer) : .notRecorded(problem))
            case .launch, .freeze, .thaw, .publish: if isDying { perform(action, id) }
            default: perform(action, id)
            }
        }
    }

    /// What died while nothing could be recorded, once something can.
    func recordLate() {
        for id in unrecorded {
            if let note = table[id]?.machine.record, let change = change(note, id) {
                journal.add(change, then: ())
            }
        }
        unrecorded = []
    }

    private func withhold(_ run: ProcessRun, _ actions: [ProcessAction], _ problem: String) {
        for action in actions {
            if case .start = action {
                ledger.cancel(.process(run.id))
                // It ends without ever having run; that this is not recorded either changes nothing.
                handle(.startFailed("it could not be recorded: \(problem)"), run)
                afterRecords { [weak self] in
                    _ = self?.table.withProcesses(of: run.session) { $0.remove(run.id) }
                    self?.runs[run.id] = nil
                }
            } else {
                perform(action, run)
            }
        }
    }
}

enum SignalNumber {
    static let terminate: Int32 = 15
    static let kill: Int32 = 9
    static let badSystemCall: UInt8 = 31
}
