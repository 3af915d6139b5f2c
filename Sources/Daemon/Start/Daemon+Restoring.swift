import API
import Configuration
import Linux
import Sandbox
import Sessions
import Store

// What an earlier daemon recorded.

extension Daemon {
    /// Takes in every session of the store. What has become of those that lived is asked of the warden next.
    func restore() throws(StoreError) {
        defer { noteDamage() }
        try restoreTenants()
        try restoreTokens()
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
        try restoreQuotas()
        try restoreWorkspaces()
    }

    /// The state of a record that is only there until it is old enough.
    static let removed = "removed"

    private func restore(_ record: StoredSession) throws(FieldProblem) {
        let bytes = Array(record.spec.utf8)
        let reader = try APIReader(bytes, as: .sessionRequest)
        let tenant = try labelled("tenant") { () throws(ValueError) in try Name(record.tenant) }
        let spec = try SessionSpec(reader, profile: record.profile, of: tenant)
        guard let prefix = IDPrefix(record.id)?.exactValue else { return }
        let id = SessionID(value: prefix)
        let keep = SessionKeep(id, request: bytes, created: record.created)
        keep.started = record.standing.started
        keep.ended = record.standing.ended
        keep.warden = record.standing.warden
        keep.image = record.image
        keep.isRecorded = true
        keep.message = message(of: record)
        let leases = record.standing.leases.flatMap { LeasePolicy(rawValue: $0) }
        // A record of version 1 says nothing of it.
        let usual = leases == nil ? spec.lifetimes(over: usualLifetimes(.init())) : nil
        let machine = SessionMachine(
            restoring: note(record, usual), leases: leases ?? usual?.leases ?? .all,
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
            for process in try store.processes(of: record.id, limit: 1000) {
                restore(process, id, isThisBoot: record.standing.boot == boot)
            }
        } catch {
            log.line(.error, "its processes cannot be read: \(error)", session: record.id)
        }
    }

    /// Times of another boot mean nothing: whatever lived then is gone, and is ended as such.
    /// - Parameter usual: what it lives by, where its record does not say.
    private func note(_ record: StoredSession, _ usual: Lifetimes?) -> SessionNote {
        let standing = record.standing
        let isThisBoot = standing.boot == boot
        let ended = isThisBoot ? standing.ended?.boot : nil
        return SessionNote(
            step: SessionStep(rawValue: standing.state) ?? .running,
            since: ended ?? (isThisBoot ? standing.lastUse : DaemonClock.now),
            cause: standing.cause.flatMap { Cause(rawValue: $0) },
            problem: message(of: record),
            createdAt: isThisBoot ? record.created.boot : DaemonClock.now,
            ttl: usual.map { $0.ttl.map(UInt64.milliseconds) } ?? standing.ttl,
            expiresAt: isThisBoot ? standing.ttlDeadline : nil,
            idle: usual.map { $0.idle.map(UInt64.milliseconds) } ?? standing.idle,
            lastsUntil: isThisBoot ? standing.maxDeadline : nil,
            killAt: isThisBoot ? standing.killAt : nil)
    }

    /// What there was to say about the end.
    private func message(of record: StoredSession) -> String {
        if record.standing.leases != nil { return record.standing.problem }
        guard !record.standing.isLive,
            let last = (try? store.history(of: record.id, limit: 10_000))?.last(where: {
                $0.entry.process == nil
            }),
            Cause(rawValue: last.entry.why) == nil, SessionStep(rawValue: last.entry.why) == nil
        else { return "" }
        return last.entry.why
    }

    private func restore(_ record: StoredProcess, _ session: SessionID, isThisBoot: Bool) {
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
        let machine = ProcessMachine(restoring: note(record.standing, isThisBoot: isThisBoot), spec)
        let added: Void?? = try? table.withProcesses(of: session) { processes throws(TableError) in
            try processes.add(run.id, machine, limit: .max)
        }
        guard added != nil else { return }
        runs[run.id] = run
        if let next = machine.nextDeadline { deadlines.set(.process(run.id), at: next) }
    }

    private func note(_ standing: ProcessStanding, isThisBoot: Bool) -> ProcessNote {
        var status: ProcessStatus?
        if let code = standing.exitCode { status = .exited(UInt8(truncatingIfNeeded: code)) }
        if let number = standing.exitSignal { status = .signalled(UInt8(truncatingIfNeeded: number)) }
        return ProcessNote(
            state: ProcessState(rawValue: standing.state) ?? .running,
            since: standing.ended?.boot ?? standing.started?.boot ?? DaemonClock.now,
            cause: standing.cause.flatMap { Cause(rawValue: $0) }, problem: standing.problem, status: status,
            startedAt: standing.started?.boot, cut: standing.stdout.cut + standing.stderr.cut,
            restarts: Int(clamping: standing.restarts), failures: Int(clamping: standing.failures),
            nextAt: isThisBoot ? standing.nextAt : nil)
    }
}
