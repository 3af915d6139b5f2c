import API
import Configuration
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol
import Wire

extension Daemon {
    // MARK: Finding

    /// The session that the path names.
    func session(_ request: Request) throws(ServiceError) -> SessionID {
        try find(request.parameter("session"), request)
    }

    // MARK: Waiting

    /// An answer that comes once the session's machine gives it.
    /// - Parameter event: made with the ticket of whoever waits.
    func later(
        _ id: SessionID, _ event: (Ticket) -> SessionEvent,
        _ response: @escaping (Daemon, SessionAnswer) -> Response
    ) -> Reply {
        later(id, event, reply: { .now(response($0, $1)) })
    }

    /// - Parameter reply: what is said in the end; it may have to wait for a record of its own.
    private func later(
        _ id: SessionID, _ event: (Ticket) -> SessionEvent,
        reply: @escaping (Daemon, SessionAnswer) -> Reply
    ) -> Reply {
        let asked = Asked()
        let pending = Pending { [weak self] in
            guard let self, let ticket = asked.ticket else { return }
            forget(ticket)
            handle(.abandoned(ticket), id)
        }
        let ticket = ticket { [weak self] answer in
            guard let self else { return }
            switch answer {
            case .session(.refused(let why)):
                pending.fail(ServiceError(id.description, why, keeps[id]?.refusal))
            case .session(let answer):
                switch reply(self, answer) {
                case .now(let response): pending.complete(response)
                case .later(let last): last.whenAnswered { pending.complete($0) }
                case .upload: pending.fail(ServiceError(.fault, "an answer of another kind"))
                }
            case .notRecorded(let why): pending.fail(.notRecorded(why))
            case .process: pending.fail(ServiceError(.fault, "an answer of another kind"))
            }
        }
        asked.ticket = ticket
        handle(event(ticket), id, ticket: ticket)
        return .later(pending)
    }

    /// What is shown, once it is on record: the next daemon must know of everything that somebody saw.
    func recorded(_ response: Response) -> Reply {
        if journal.isEmpty, !store.isBehind { return .now(response) }
        let pending = Pending()
        afterRecords { pending.complete(response) }
        return .later(pending)
    }

    /// The ticket of an answer that is being waited for.
    final class Asked { var ticket: Ticket? }

    // MARK: Making and ending

    func createSession(_ request: Request) throws(ServiceError) -> Reply {
        let spec: SessionSpec
        let reader = try request.reader(.sessionRequest)
        let tenant = try owner(reader.text("tenant"), request)
        do throws(FieldProblem) {
            spec = try SessionSpec(reader, profile: usualProfile(of: tenant), of: tenant)
        } catch {
            throw ServiceError(error)
        }
        try check(spec.profile)
        // Which one it was is as much to be answered for later as that there was a session.
        let directory = spec.workspace.directory.map { "directory=\($0)" }
        auditObject = directory
        switch try admit(spec, request: request.bodyBytes) {
        case .new(let id):
            auditObject = [id.description, directory].compactMap { $0 }.joined(separator: " ")
            keeps[id]?.trace = request.trace.id
            return later(id, { .wait(.started, $0) }) { daemon, _ in daemon.shape(id, status: 201) }
        case .existing(let id):
            auditObject = [id.description, directory].compactMap { $0 }.joined(separator: " ")
            if table[id]?.machine.hasEnded == true { return recorded(shape(id)) }
            return later(id, { .wait(.started, $0) }) { daemon, _ in daemon.shape(id) }
        }
    }

    func removeSession(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("removeSession").query)
        let id = try session(request)
        guard let machine = table[id]?.machine else {
            throw ServiceError(.notFound, "there is no session \(id)")
        }
        if machine.hasEnded { return remove(id) }
        guard query.flag("force") else { throw ServiceError(.notEnded(id, machine.state)) }
        keeps[id]?.isLeaving = true
        return later(
            id, { .stop(Stop(.operator, grace: 0, ticket: $0)) }, reply: { daemon, _ in daemon.remove(id) })
    }

    /// Its record stays until it is old, as that of a session that is not to be shown.
    private func remove(_ id: SessionID) -> Reply {
        guard let keep = keeps[id], let session = table[id] else { return .now(.nothing) }
        let (machine, tenant) = (session.machine, session.spec.tenant.description)
        do throws(TableError) {
            var standing = SessionStanding(
                state: Daemon.removed, boot: boot, lastUse: machine.lifespan.lastUse)
            (standing.isLive, standing.cause) = (false, machine.cause?.rawValue)
            (standing.started, standing.ended) = (keep.started, keep.ended ?? DaemonClock.moment)
            try forget(id)
            journal.add(
                .session(id: id.description, standing, at: DaemonClock.moment, why: "removed"), then: ())
        } catch {
            return .now(.error(ServiceError(error)))
        }
        let pending = Pending()
        afterRecords { [weak self] in
            self?.events.publish("session.removed", session: id.description, tenant: tenant) { _ in }
            pending.complete(.nothing)
        }
        return .later(pending)
    }

    func killSession(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.stopRequest)
        let id = try session(request)
        if let reason = reader.text("reason"), keeps[id]?.message.isEmpty == true {
            keeps[id]?.message = reason
        }
        let grace = reader.whole("grace").map { UInt64.milliseconds($0) }
        keeps[id]?.trace = request.trace.id
        return later(id, { .stop(Stop(.operator, grace: grace, ticket: $0)) }) { daemon, _ in daemon.shape(id)
        }
    }

    func waitForSession(_ request: Request) throws(ServiceError) -> Reply {
        let id = try session(request)
        return later(id, { .wait(.ended, $0) }) { daemon, _ in daemon.shape(id) }
    }

    // MARK: In between

    func renewSession(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.renewRequest)
        let id = try session(request)
        let ttl = reader.whole("ttl").map { UInt64.milliseconds($0) }
        if ttl != nil, let tenant = table[id]?.spec.tenant { try checkPlan(of: tenant, allows: .ttl, "ttl") }
        return later(id, { .renew(ttl: ttl, $0) }) { daemon, _ in daemon.shape(id) }
    }

    func pauseSession(_ request: Request) throws(ServiceError) -> Reply {
        let id = try session(request)
        return later(id, { .pause($0) }) { daemon, _ in daemon.shape(id) }
    }

    func resumeSession(_ request: Request) throws(ServiceError) -> Reply {
        let id = try session(request)
        return later(id, { .resume($0) }) { daemon, _ in daemon.shape(id) }
    }

    func statistics(_ request: Request) throws(ServiceError) -> Reply {
        let id = try session(request)
        return try asking(.statistics(SandboxID(id.value))) { [weak self] answer in
            guard let self, case .statistics(let statistics) = answer else { return .nothing }
            return shape(statistics)
        }
    }

    /// An answer that the warden gives.
    func asking(
        _ request: WardenRequest, _ response: @escaping (WardenAnswer) -> Response
    ) throws(ServiceError) -> Reply {
        try askingLater(request) { answer, pending in pending.complete(response(answer)) }
    }

    /// - Parameter body: takes what the warden answers, and sees to the answer.
    func askingLater(
        _ request: WardenRequest, _ body: @escaping (WardenAnswer, Pending) -> Void
    ) throws(ServiceError) -> Reply {
        guard let link, link.isOpen else { throw ServiceError(.unavailable, "the warden is not there") }
        let pending = Pending()
        link.send(request, orLost: { pending.fail(.wardenLost) }) { answer, _ in
            if case .refused(let refusal) = answer {
                pending.fail(ServiceError(refusal))
            } else {
                body(answer, pending)
            }
        }
        return .later(pending)
    }

    // MARK: Listing

    func listSessions(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("listSessions").query)
        var filter = SessionFilter()
        do throws(ValueError) {
            if let label = query.text("label") { try filter.add("label=\(label)") }
            if let state = query.text("state") { try filter.add("state=\(state)") }
        } catch {
            throw ServiceError(.invalid, error.problem, field: query.text("label") == nil ? "state" : "label")
        }
        var after: UInt64 = 0
        if let text = query.text("after") {
            guard let number = UInt64(text) else {
                throw ServiceError(
                    .invalid, "after is no place in a list", field: "after", hint: "use next of a page")
            }
            after = number
        }
        let all = query.flag("all") || query.text("state") != nil
        let limit = Int(clamping: query.whole("limit") ?? 1000)
        let found = table.list(filter, tenant: try listed(request)).filter {
            $0.number > after && (all || !$0.machine.hasEnded)
        }
        let page = found.prefix(limit)
        return recorded(
            .json(
                .object { object in
                    object.array("sessions") { list in
                        for session in page {
                            guard let keep = keeps[session.id] else { continue }
                            list.object { write(session, keep, to: &$0) }
                        }
                    }
                    if found.count > page.count, let last = page.last {
                        object.add("next", String(last.number))
                    }
                }))
    }
}
