import API
import Configuration
import Sandbox
import Sessions
import Store

// What an earlier daemon recorded.

extension Daemon {
    /// Takes in every session of the store. What has become of those that lived is asked of the warden next.
    func restore() throws(StoreError) {
        var mark: PageMark?
        repeat {
            let page = try store.list(after: mark, limit: 500)
            for session in page.sessions where session.standing.state != Daemon.removed {
                do throws(FieldProblem) {
                    try restore(session)
                } catch {
                    log.line(.error, "its record is not understood: \(error)", session: session.id)
                }
            }
            mark = page.next
        } while mark != nil
    }

    /// The state of a record that is only there until it is old enough.
    static let removed = "removed"

    private func restore(_ record: StoredSession) throws(FieldProblem) {
        let bytes = Array(record.spec.utf8)
        let spec = try SessionSpec(APIReader(bytes, as: .sessionRequest), settings)
        guard let prefix = IDPrefix(record.id)?.exactValue else { return }
        let id = SessionID(value: prefix)
        let keep = SessionKeep(id, request: bytes, created: record.created)
        keep.started = record.standing.started
        keep.ended = record.standing.ended
        keep.warden = record.standing.warden
        keep.image = record.image
        keep.isRecorded = true
        if !record.standing.isLive { keep.message = message(of: record.id) }
        let machine = SessionMachine(
            restoring: note(record, spec),
            patience: .init(grace: .milliseconds(settings.number(.defaultGrace))),
            at: DaemonClock.now)
        lastNumber += 1
        do throws(TableError) {
            try table.restore(Session(id, spec, number: lastNumber, machine))
        } catch {
            throw FieldProblem("", "\(error)")
        }
        keeps[id] = keep
        if let next = machine.nextDeadline { deadlines.set(.session(id), at: next) }
        do throws(StoreError) {
            for process in try store.processes(of: record.id, limit: 1000) { restore(process, id) }
        } catch {
            log.line(.error, "its processes cannot be read: \(error)", session: record.id)
        }
    }

    /// Times of another boot mean nothing: whatever lived then is gone, and is ended as such.
    private func note(_ record: StoredSession, _ spec: SessionSpec) -> SessionNote {
        let standing = record.standing
        let isThisBoot = standing.boot == boot
        let ended = isThisBoot ? standing.ended?.boot : nil
        return SessionNote(
            step: SessionStep(rawValue: standing.state) ?? .running,
            since: ended ?? (isThisBoot ? standing.lastUse : DaemonClock.now),
            cause: standing.cause.flatMap { Cause(rawValue: $0) },
            problem: standing.isLive ? "" : message(of: record.id),
            createdAt: isThisBoot ? record.created.boot : DaemonClock.now,
            ttl: spec.ttl.map { .milliseconds($0) }, expiresAt: isThisBoot ? standing.ttlDeadline : nil,
            idle: spec.idle.map { .milliseconds($0) },
            lastsUntil: isThisBoot ? standing.maxDeadline : nil)
    }

    /// What there was to say about the end.
    private func message(of id: String) -> String {
        guard
            let last = (try? store.history(of: id, limit: 10_000))?.last(where: { $0.entry.process == nil }),
            Cause(rawValue: last.entry.why) == nil, SessionStep(rawValue: last.entry.why) == nil
        else { return "" }
        return last.entry.why
    }

    private func restore(_ record: StoredProcess, _ session: SessionID) {
        guard let value = IDPrefix(record.id)?.exactValue else { return }
        let isExec = record.kind == .exec
        let object = isExec ? APIObject.execRequest : .processRequest
        guard let reader = try? APIReader(Array(record.argv.utf8), as: object),
            var program = try? ProgramRequest(reader)
        else { return log.line(.error, "the record of process \(record.id) is not understood") }
        program.outputLimit = isExec ? reader.whole("output_limit") : nil
        program.keepsInput = isExec ? false : reader.flag("stdin") ?? false
        let spec = ProcessSpec(
            kind: isExec ? .exec : .managed, name: record.name.flatMap { try? Name($0) },
            timeout: isExec ? reader.whole("timeout") : nil,
            restart: isExec ? .no : RestartPolicy(reader))
        let run = ProcessRun(
            ProcessID(value: value), in: session, spec, program, created: record.created)
        run.isRecorded = true
        run.started = record.standing.started
        run.ended = record.standing.ended
        run.stdout = record.standing.stdout
        run.stderr = record.standing.stderr
        let machine = ProcessMachine(restoring: note(record.standing, in: session), spec)
        let added: Void?? = try? table.withProcesses(of: session) { processes throws(TableError) in
            try processes.add(run.id, machine, limit: .max)
        }
        guard added != nil else { return }
        runs[run.id] = run
        if let next = machine.nextDeadline { deadlines.set(.process(run.id), at: next) }
    }

    /// What was being ended by itself, and not with its session, is asked once more and has the usual time:
    /// how long it was given is not on record, nor whether it was asked.
    private func nextAt(_ standing: ProcessStanding, _ session: SessionID) -> UInt64? {
        let isEnding = [.stopping, .quarantined, .ended].contains(table[session]?.machine.state)
        guard standing.state == ProcessState.stopping.rawValue, !isEnding else { return nil }
        return DaemonClock.now + .milliseconds(settings.number(.defaultGrace))
    }

    private func note(_ standing: ProcessStanding, in session: SessionID) -> ProcessNote {
        var status: ProcessStatus?
        if let code = standing.exitCode { status = .exited(UInt8(truncatingIfNeeded: code)) }
        if let number = standing.exitSignal { status = .signalled(UInt8(truncatingIfNeeded: number)) }
        return ProcessNote(
            state: ProcessState(rawValue: standing.state) ?? .running,
            since: standing.ended?.boot ?? standing.started?.boot ?? DaemonClock.now,
            cause: standing.cause.flatMap { Cause(rawValue: $0) }, status: status,
            startedAt: standing.started?.boot, cut: standing.stdout.cut + standing.stderr.cut,
            restarts: Int(clamping: standing.restarts), nextAt: nextAt(standing, session))
    }
}
