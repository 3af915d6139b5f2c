import API
import Configuration
import Quotas
import Sandbox
import Service
import Sessions
import WardenProtocol
import Wire

extension Daemon {
    /// Takes a process into its session, and its beginning onto the record.
    func admit(_ run: ProcessRun) throws(ServiceError) {
        guard let session = table[run.session] else {
            throw ServiceError(.notFound, "there is no session \(run.session)")
        }
        if let why = session.machine.refusalOfProcesses { throw ServiceError(run.session.description, why) }
        // Its own, and some for what else comes before the warden has answered.
        guard DescriptorRoom.has(16, beside: 2) else {
            throw ServiceError(
                .limit, "corrald has too few descriptors left for another process",
                hint: "end some processes, or raise its limit of open files")
        }
        let (tenant, amounts) = (session.spec.tenant, amounts(of: run.spec.kind))
        try reserve(amounts, for: tenant, as: .process(run.id))
        let limit = Int(clamping: settings.number(.limitProcesses))
        var machine = ProcessMachine(run.spec, at: DaemonClock.now)
        let opening = machine.opening()
        do throws(TableError) {
            let added = try table.withProcesses(of: run.session) { (processes) throws(TableError) -> Bool in
                try processes.add(run.id, machine, limit: limit)
                return true
            }
            if added != true { throw TableError.unknown(run.session.description) }
        } catch {
            ledger.cancel(.process(run.id))
            throw ServiceError(error)
        }
        recordSpending(of: tenant, amounts)
        runs[run.id] = run
        auditObject = "\(run.session)/\(run.id)"
        take(opening, run)
        handle(.processStarted(run.spec.kind), run.session)
    }

    func exec(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.execRequest)
        let id = try session(request)
        var program = try program(reader, request)
        program.stdin = reader.bytes("stdin") ?? []
        if program.terminal != nil, !program.stdin.isEmpty {
            throw ServiceError(.invalid, "stdin cannot be given to a terminal; attach to it", field: "stdin")
        }
        program.outputLimit = try outputLimit(reader, id)
        let spec = ProcessSpec(kind: .exec, timeout: reader.whole("timeout"))
        let run = ProcessRun(.random(), in: id, spec, program, created: DaemonClock.moment)
        try admit(run)
        keeps[id]?.turns.ask(run.id, alone: reader.flag("alone") ?? false) { [weak self] in
            self?.handle(.start, run)
        }
        if reader.flag("detach") ?? false { return detached(run) }
        return later(run, { .wait($0) }, endsWithClient: true) { daemon, result in
            daemon.shape(result, of: run)
        }
    }

    /// The request's own, the session's, or the usual one.
    func outputLimit(_ reader: APIReader, _ id: SessionID) throws(ServiceError) -> UInt64 {
        if reader.isNull("output_limit") { return Daemon.mostOutput }
        if let asked = reader.whole("output_limit") {
            guard asked <= Daemon.mostOutput else {
                throw ServiceError(
                    .forbidden, "output_limit: \(asked) bytes are more than an exec may keep",
                    field: "output_limit", hint: "at most \(Daemon.mostOutput)")
            }
            return asked
        }
        for case .outputLimit(let bytes) in table[id]?.spec.limits ?? [] {
            return min(bytes ?? .max, Daemon.mostOutput)
        }
        return settings.number(.outputRing)
    }

    /// Answers as soon as the warden has it: not all of an exec is on record, so before that it is lost with
    /// this process. How it ends is seen at the process, and what it writes in its logs.
    private func detached(_ run: ProcessRun) -> Reply {
        let pending = Pending()
        run.whenTaken = { [weak self, weak run] in
            guard let self, let run else { return }
            pending.complete(shape(nil, of: run))
        }
        return .later(pending)
    }

    /// The program of a request, which is told in `TRACEPARENT` what it belongs to, unless the request says that
    /// itself.
    func program(_ reader: APIReader, _ request: Request) throws(ServiceError) -> ProgramRequest {
        do throws(FieldProblem) {
            var program = try ProgramRequest(reader)
            if !program.environment.contains(where: { $0.hasPrefix("TRACEPARENT=") }) {
                program.environment.append("TRACEPARENT=\(request.trace.parent)")
            }
            return program
        } catch {
            throw ServiceError(error)
        }
    }

    /// An answer that comes when the process has ended.
    /// - Parameter endsWithClient: whether the process is killed when nobody waits for it any more.
    func later(
        _ run: ProcessRun, _ event: (Ticket) -> ProcessEvent, endsWithClient: Bool = false,
        _ response: @escaping (Daemon, ProcessResult) -> Response
    ) -> Reply {
        let asked = Asked()
        let pending = Pending { [weak self] in
            guard let self, let ticket = asked.ticket else { return }
            forget(ticket)
            handle(.abandoned(ticket), run)
            if endsWithClient { handle(.stop(Stop(.operator, grace: 0)), run) }
        }
        let ticket = ticket { [weak self] answer in
            guard let self else { return }
            switch answer {
            case .process(let result) where result.cause == .launchFailed:
                pending.fail(
                    ServiceError(
                        .invalid, "the program could not be started: \(result.problem)", field: "argv"))
            case .process(let result): pending.complete(response(self, result))
            case .notRecorded(let why): pending.fail(.notRecorded(why))
            case .session: pending.fail(ServiceError(.fault, "an answer of another kind"))
            }
        }
        asked.ticket = ticket
        handle(event(ticket), run, ticket: ticket)
        return .later(pending)
    }
}
