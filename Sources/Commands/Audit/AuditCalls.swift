import API
import Client
import Sandbox
import Tables
import Wire

/// What is asked for of the audit records.
struct AuditQuery {
    var query: [(String, String)] = []
    /// The record to go on behind.
    var after: Int64 = 0

    init() {}

    /// - Parameter arguments: of a command that has the options for it.
    init(_ arguments: Arguments, now: WallTime = .now) throws(CommandError) {
        for name in ["who", "action", "object", "outcome"] {
            if let text = arguments.value(name) { query.append((name, text)) }
        }
        if let since = try arguments.time("since", now: now) { query.append(("since", since.rfc3339)) }
    }
}

/// What commands ask a daemon about the audit records.
struct AuditCalls {
    let client: DaemonClient

    init(_ arguments: Arguments) throws(CommandError) { client = try DaemonAccess.client(arguments) }

    private struct Page {
        let records: [AuditRecord]
        let next: Int64?
    }

    private func page(_ query: [(String, String)]) throws(CommandError) -> Page {
        try CommandError.asking { () throws(ClientError) in
            let members = try AnswerMembers(
                try client.ask(HTTPRequest(.get, ["v1", "audit"], query: query)).json())
            let records = try members.list("records").map { (json) throws(ClientError) -> AuditRecord in
                guard let record = AuditRecord(json) else { throw .unexpected("a record is none") }
                return record
            }
            return Page(records: records, next: members.whole("next").map { Int64(clamping: $0) })
        }
    }

    /// Every record that is asked for, in parts, oldest first.
    /// - Returns: the last one that was looked at, or given.
    @discardableResult
    func each(_ request: AuditQuery, _ body: ([AuditRecord]) -> Void) throws(CommandError) -> Int64 {
        var after = request.after
        while true {
            let page = try page(request.query + [("after", "\(after)")])
            body(page.records)
            after = max(after, page.next ?? 0, page.records.last?.number ?? 0)
            if page.next == nil { return after }
        }
    }

    func last(_ count: UInt64, _ request: AuditQuery) throws(CommandError) -> [AuditRecord] {
        try page(request.query + [("last", "\(count)")]).records
    }

    /// The number of the last record that the caller sees; 0 where there is none.
    func end() throws(CommandError) -> Int64 { try last(1, AuditQuery()).last?.number ?? 0 }

    /// Prints all records behind one, and how far that got.
    /// - Parameter since: those before it are left out, as long as none of it has come.
    func export(after: Int64, since: WallTime?) throws(CommandError) {
        var after = after
        var reached: AuditMark?
        while true {
            let page = try page([("after", "\(after)")])
            for record in page.records {
                if reached == nil, let since, record.entry.wall < since.milliseconds { continue }
                if let reached, record.previous != reached.digest {
                    throw CommandError(
                        "behind record \(reached.number) comes \(record.number): the caller does not see all "
                            + "of them, or some are gone (corral audit verify tells)")
                }
                Terminal.print(record.json.description)
                reached = record.mark
            }
            after = max(after, page.next ?? 0, page.records.last?.number ?? 0)
            if page.next != nil { continue }
            if let reached { return Terminal.print(reached.endLine.description) }
            // Nothing was printed: the last one that there is, if none has come in between.
            let last = try check([("from", "\(after + 1)")]).reached
            if try self.page([("after", "\(after)"), ("limit", "1")]).records.isEmpty {
                return Terminal.print(last.endLine.description)
            }
        }
    }

    /// One part of a check by the daemon.
    func check(_ query: [(String, String)]) throws(CommandError) -> AuditAnswer {
        try CommandError.asking { () throws(ClientError) in
            try AuditAnswer(
                try client.ask(HTTPRequest(.get, ["v1", "audit", "verify"], query: query)).json())
        }
    }
}

/// What the daemon found.
struct AuditAnswer {
    let isComplete: Bool
    let reached: AuditMark
    let broken: (number: UInt64, problem: String)?
    let resume: UInt64?
    /// The archive to go on in, and where.
    let archive: (number: UInt64, offset: UInt64)?

    /// What to ask for next.
    var next: [(String, String)] {
        if let resume { return [("from", "\(resume)")] }
        guard let archive else { return [("after", "\(reached)")] }
        return [("archive", "\(archive.number)"), ("offset", "\(archive.offset)")]
            + (broken == nil && archive.offset > 0 ? [("after", "\(reached)")] : [])
    }

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        isComplete = members.flag("complete")
        reached = AuditMark(
            number: Int64(clamping: members.whole("number") ?? 0), digest: try members.need("digest"))
        broken = members.whole("broken").map { ($0, members.text("problem") ?? "") }
        resume = members.whole("resume")
        archive = members.whole("archive").map { ($0, members.whole("offset") ?? 0) }
    }
}
