import API
import Access
import FailPoints
import Linux
import Metrics
import Service
import Sessions
import Store

// Who asked for what, on what, and what became of it: in the transaction of the change itself, so that neither
// is ever there without the other. Never what a request carried: bodies have programs and secrets in them.
extension Daemon {
    /// Answers a request; what is logged and recorded meanwhile has its trace id. An answer that comes later
    /// is sent once what it follows from is on the device.
    func answer(
        _ operation: String, _ request: Request, _ handler: RouteTable.Handler
    ) throws(ServiceError) -> Reply {
        log.trace = request.trace.id
        defer { log.trace = nil }
        counters.add(to: .requests, operation)
        let reply = try audited(operation, request, handler)
        if case .later(let pending) = reply { answerWhenDurable(pending) }
        return reply
    }

    /// Has an answer that is still to be given wait until what it follows from is on the device.
    func answerWhenDurable(_ pending: Pending) {
        pending.hold { [weak self] in self?.send(pending) }
    }

    private func send(_ pending: Pending) {
        whenDurable { problem in
            FailPoint.pass(.daemonBeforeAnswer)
            pending.release(problem.map { .error(.notRecorded($0)) })
            FailPoint.pass(.daemonAfterAnswer)
        }
    }

    private func audited(
        _ operation: String, _ request: Request, _ handler: RouteTable.Handler
    ) throws(ServiceError) -> Reply {
        auditObject = nil
        let token = request.head.badge.flatMap { tokens[id: $0] }
        var entry = AuditEntry(
            wall: DaemonClock.wall, uid: request.peer.user?.uid, token: token?.number,
            tenant: token?.tenant.description ?? request.peer.user.map { tenantName(ofUID: $0.uid) },
            what: Audited.word(operation), outcome: "", trace: request.trace.id)
        do throws(ServiceError) {
            try authorise(operation, request)
            let isAhead = Audited.acting.contains(operation)
            if isAhead { try recordAhead(&entry, operation, request) }
            let reply = try handler(self, request)
            // Looks are on record where they are refused.
            let isDeed = Audited.names[operation] != nil
            if isDeed { entry.object = auditObject ?? entry.object ?? object(of: request) }
            switch reply {
            case .now(let response):
                if let refused = outcome(of: response) {
                    return refusal(response, entry, refused, request)
                }
                if isDeed, !isAhead { note(entry, "done") }
                // What was recorded ahead is to be on the device as well.
                if isAhead { isDue = true }
            case .later(let pending):
                if isDeed, !isAhead { note(entry, "accepted") }
                let accepted = entry
                // A success is in the history of the session; a refusal would be nowhere.
                pending.whenAnswered { [weak self] response in
                    guard let self, let refused = outcome(of: response) else { return }
                    counters.add(to: .refusals, refused)
                    note(about(accepted, request), refused)
                }
            case .upload(let sink):
                if !isAhead { note(entry, "accepted") }
                let accepted = entry
                (sink as? any RefusingSink)?.whenRefused = { [weak self] error in
                    self?.counters.add(to: .refusals, error.code.rawValue)
                    self?.note(accepted, error.code.rawValue)
                }
            }
            return reply
        } catch {
            counters.add(to: .refusals, error.code.rawValue)
            return try refused(error, operation, about(entry, request))
        }
    }

    /// A refusal before anything was begun, which is answered once it is on record.
    private func refused(
        _ error: ServiceError, _ operation: String, _ entry: AuditEntry
    ) throws(ServiceError) -> Reply {
        // Its body is still to come, and nobody may wait for a record in between.
        if route(operation).takesBytes {
            try recordAtOnce(entry, error)
            throw error
        }
        guard note(entry, error.code.rawValue) else { throw error }
        let pending = Pending()
        pending.fail(error)
        return .later(pending)
    }

    private func recordAtOnce(_ entry: AuditEntry, _ error: ServiceError) throws(ServiceError) {
        var entry = entry
        (entry.wall, entry.outcome) = (DaemonClock.wall, error.code.rawValue)
        guard error.code != .full, admitsRefusal(entry) else { return }
        log.line(.info, sentence(entry), trace: entry.trace)
        try recordNow(entry, waits: true)
    }

    private func recordNow(_ entry: AuditEntry, waits: Bool) throws(ServiceError) {
        do throws(StoreError) {
            _ = try store.commit([.audit(entry)], waits: waits)
            counters.add(to: .auditRecords)
        } catch {
            storeState = .readOnly
            log.line(.error, "nothing can be recorded: \(error)")
            throw .notRecorded(error.description)
        }
    }

    private func refusal(
        _ response: Response, _ entry: AuditEntry, _ code: String, _ request: Request
    ) -> Reply {
        guard note(about(entry, request), code) else { return .now(response) }
        let pending = Pending()
        pending.complete(response)
        return .later(pending)
    }

    /// Puts a deed on record that is done in the turn of its request, before it is.
    private func recordAhead(
        _ entry: inout AuditEntry, _ operation: String, _ request: Request
    ) throws(ServiceError) {
        // What there is not is refused, and nothing is begun.
        if Audited.names[operation]?.hasPrefix("process.") == true {
            _ = try process(request)
        } else {
            _ = try fileOwner(request)
        }
        entry.object = object(of: request)
        entry.outcome = "accepted"
        log.line(.debug, sentence(entry), trace: entry.trace)
        try recordNow(entry, waits: false)
    }

    /// The code of a refusal; nil for anything else.
    private func outcome(of response: Response) -> String? {
        guard response.status >= 400 else { return nil }
        let code = ServiceError.Code.allCases.first { $0.status == response.status }
        return code?.rawValue ?? "refused"
    }

    private func about(_ entry: AuditEntry, _ request: Request) -> AuditEntry {
        var entry = entry
        entry.object = auditObject ?? entry.object ?? object(of: request)
        return entry
    }

    private func sentence(_ entry: AuditEntry) -> String {
        "\(entry.what) of \(entry.object ?? "-") by \(entry.who): \(entry.outcome)"
    }

    /// - Parameter outcome: `accepted` for what goes on, `done`, or the code of the refusal.
    /// - Returns: whether it has a record of its own.
    @discardableResult
    private func note(_ entry: AuditEntry, _ outcome: String) -> Bool {
        var entry = entry
        (entry.wall, entry.outcome) = (DaemonClock.wall, outcome)
        let isRefused = outcome != "done" && outcome != "accepted"
        // That there is no room cannot be recorded either.
        let isFull = outcome == ServiceError.Code.full.rawValue
        let isRecorded = !isFull && (!isRefused || admitsRefusal(entry))
        log.line(isRefused && (isRecorded || isFull) ? .info : .debug, sentence(entry), trace: entry.trace)
        guard isRecorded else { return false }
        counters.add(to: .auditRecords)
        journal.add(.audit(entry), then: ())
        // What was accepted is answered for later, and gets to the device then.
        if outcome != "accepted" { isDue = true }
        return true
    }

    private func admitsRefusal(_ entry: AuditEntry) -> Bool {
        if !flood.isOpen { deadlines.set(.refusals, at: DaemonClock.now + RefusalFlood.window) }
        return flood.admits(entry)
    }

    /// Records how many refusals there were that have no record of their own.
    func closeFlood() {
        deadlines.remove(.refusals)
        for var entry in flood.close() {
            entry.wall = DaemonClock.wall
            log.line(
                .warning,
                "\(entry.count ?? 0) more refusals of \(entry.what) by uid \(entry.uid ?? 0): \(entry.outcome)",
                trace: entry.trace)
            journal.add(.audit(entry), then: ())
        }
    }

    /// The session that the path names, and the process behind a slash, or the workspace, and the snapshot behind
    /// an @; as it was written where there is none.
    private func object(of request: Request) -> String? {
        if let text = request.parameters["workspace"] {
            return request.parameters["snapshot"].map { "\(shortened(text))@\(shortened($0))" }
                ?? shortened(text)
        }
        if let text = request.parameters["tenant"] { return shortened(text) }
        // Its name or id; who takes the token itself for that has it in no record.
        if let text = request.parameters["token"] {
            return tokens.find(text)?.number
        }
        guard let text = request.parameters["session"] else { return nil }
        let id = (try? find(text, request))?.description ?? shortened(text)
        return request.parameters["process"].map { "\(id)/\(shortened($0))" } ?? id
    }

    private func shortened(_ text: String) -> String { String(decoding: text.utf8.prefix(64), as: UTF8.self) }
}

extension AuditEntry {
    /// For the log.
    fileprivate var who: String {
        token.map { "token \($0)" } ?? uid.map { "uid \($0)" } ?? "nobody"
    }
}
