import API
import Access
import Service
import Sessions
import Store
import Wire

// What is asked of the audit records.

extension Daemon {
    /// Records that are looked at by one check: it is done on the thread that serves everybody.
    private static let auditPart = 1000

    func listAudit(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("listAudit").query)
        if query.text("last") != nil, query.text("after") != nil {
            throw ServiceError(
                .invalid, "last and after exclude each other", field: "last", hint: "say one of them")
        }
        let filter = try auditFilter(query, request)
        let limit = Int(clamping: query.whole("limit") ?? 1000)
        let after = Int64(clamping: query.whole("after") ?? 0)
        let found = try stored { (store) throws(StoreError) -> (records: [AuditRecord], next: Int64?) in
            guard let last = query.whole("last") else {
                return try store.audit(filter, after: after, limit: limit)
            }
            return (try store.lastAudit(filter, limit: min(limit, Int(clamping: last))), nil)
        }
        return recorded(
            .json(
                .object { object in
                    object.array("records") { list in for record in found.records { list.add(record.json) } }
                    if let next = found.next { object.add("next", next) }
                }))
    }

    private func auditFilter(_ query: QueryReader, _ request: Request) throws(ServiceError) -> AuditFilter {
        let caller = try caller(request)
        var filter = AuditFilter()
        filter.tenant = query.text("tenant")
        if caller.role.reach(.look) != .all {
            let own = caller.tenant.description
            guard filter.tenant == nil || filter.tenant == own else {
                throw ServiceError(TenantRefusal.unknown(filter.tenant ?? ""), field: "tenant")
            }
            filter.tenant = own
        }
        filter.since = query.time("since")?.milliseconds
        filter.until = query.time("until")?.milliseconds
        if let who = query.text("who") {
            filter.uid = UInt32(who)
            filter.token = who
        }
        filter.action = query.text("action")
        if let object = query.text("object") {
            // By its name as well, as long as it has one.
            let id = try? find(object, request)
            filter.objects = [object] + (id.map { [$0.description] } ?? [])
        }
        filter.outcome = query.text("outcome")
        return filter
    }

    func verifyAudit(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("verifyAudit").query)
        var mark = AuditMark.beginning
        if let text = query.text("after") {
            guard let given = AuditMark(text) else {
                throw ServiceError(
                    .invalid, "after: NUMBER:DIGEST was expected, with 64 hexadecimal digits", field: "after")
            }
            mark = given
        }
        let from = query.whole("from").map { Int64(clamping: $0) }
        let archive = query.whole("archive").map { Int64(clamping: $0) }
        if from != nil, query.text("after") != nil || archive != nil {
            throw ServiceError(
                .invalid, "from excludes after and archive", field: "from", hint: "say one of them")
        }
        let offset = Int64(clamping: query.whole("offset") ?? 0)
        let isMarked = query.text("after") != nil
        let archived = try stored { (store) throws(StoreError) -> ArchiveFinding? in
            if let archive {
                return try store.checkArchive(
                    at: ArchivePlace(archive: archive, offset: offset), after: isMarked ? mark : nil)
            }
            return from == nil ? try store.archivePlace(after: mark) : nil
        }
        if let archived { return recorded(Self.answer(archived)) }
        let finding = try stored { (store) throws(StoreError) in
            try store.checkAudit(after: mark, from: from, limit: Self.auditPart)
        }
        return recorded(
            .json(
                .object { object in
                    if case .intact = finding.verdict {
                        object.add("complete", true)
                    } else {
                        object.add("complete", finding.isLast)
                    }
                    object.add("number", finding.reached.number)
                    object.add("digest", finding.reached.digest)
                    if case .broken(let number, let problem) = finding.verdict {
                        object.add("broken", number)
                        object.add("problem", problem)
                        if let resume = finding.resume { object.add("resume", resume) }
                    }
                }))
    }

    private static func answer(_ finding: ArchiveFinding) -> Response {
        .json(
            .object { object in
                object.add("complete", false)
                object.add("number", finding.reached.number)
                object.add("digest", finding.reached.digest)
                if let broken = finding.broken {
                    object.add("broken", broken)
                    object.add("problem", finding.problem ?? "")
                }
                if let next = finding.next {
                    object.add("archive", next.archive)
                    object.add("offset", next.offset)
                }
            })
    }

    /// What the store gives, or why it does not.
    private func stored<Value>(
        _ body: (StateStore) throws(StoreError) -> Value
    ) throws(ServiceError) -> Value {
        do throws(StoreError) {
            return try body(store)
        } catch {
            log.line(.error, "the audit records cannot be read: \(error)")
            throw ServiceError(.fault, "the audit records cannot be read: \(error)")
        }
    }

    /// Puts on record that records are gone, since nothing else says so when their place is taken.
    func noteLoss(_ loss: String) {
        log.line(.error, "the audit records are not what they were: \(loss)")
        journal.add(
            .audit(AuditEntry(wall: DaemonClock.wall, what: "audit.open", object: loss, outcome: "broken")),
            then: ())
    }
}

extension AuditFinding {
    /// Whether there is nothing behind what is broken.
    fileprivate var isLast: Bool {
        if case .broken = verdict { resume == nil } else { false }
    }
}
