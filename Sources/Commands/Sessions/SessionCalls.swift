import Client
import Sandbox
import Wire

/// What commands ask a daemon about sessions, a function for each operation.
struct SessionCalls {
    let client: DaemonClient
    /// Sessions of one answer, at most.
    var page = 1000

    /// - Parameter patience: milliseconds in which the daemon has to say something; nil for what waits until
    ///   something has happened to a session.
    init(_ socket: DaemonAddress, patience: Int? = 60_000) {
        client = DaemonClient(socket, patience: patience)
    }

    // MARK: One session

    func create(_ request: JSONText) throws(ClientError) -> SessionAnswer {
        try SessionAnswer(try client.ask(HTTPRequest(.post, ["v1", "sessions"]).with(json: request)).json())
    }

    func inspect(_ session: String) throws(ClientError) -> SessionAnswer {
        try SessionAnswer(try client.ask(HTTPRequest(.get, try path(session))).json())
    }

    /// Answers when the session has ended.
    func wait(_ session: String) throws(ClientError) -> SessionAnswer {
        try SessionAnswer(try client.ask(HTTPRequest(.get, try path(session, "wait"))).json())
    }

    func pause(_ session: String) throws(ClientError) { try act(session, "pause") }

    func resume(_ session: String) throws(ClientError) { try act(session, "resume") }

    /// - Parameter ttl: milliseconds; nil for the session's own.
    func renew(_ session: String, ttl: UInt64?) throws(ClientError) {
        try act(session, "renew", .object { object in if let ttl { object.add("ttl", ttl) } })
    }

    /// Answers when nothing of the session is left.
    /// - Parameter grace: milliseconds; nil for the daemon's own.
    func kill(_ session: String, grace: UInt64?, reason: String?) throws(ClientError) {
        let request = JSONText.object { object in
            if let grace { object.add("grace", grace) }
            if let reason { object.add("reason", reason) }
        }
        try act(session, "kill", request)
    }

    /// - Parameter isForced: whether one that has not ended is ended first.
    func remove(_ session: String, isForced: Bool) throws(ClientError) {
        let query = isForced ? [("force", "true")] : []
        _ = try client.ask(HTTPRequest(.delete, try path(session), query: query))
    }

    func statistics(_ session: String) throws(ClientError) -> StatisticsAnswer {
        try StatisticsAnswer(try client.ask(HTTPRequest(.get, try path(session, "stats"))).json())
    }

    func processesForTop(_ session: String) throws(ClientError) -> [RunningProcessAnswer] {
        let answer = try client.ask(HTTPRequest(.get, try path(session, "processes"))).json()
        var found: [RunningProcessAnswer] = []
        for json in try AnswerMembers(answer).list("processes") {
            found.append(try RunningProcessAnswer(json))
        }
        return found
    }

    // MARK: All of them

    /// Every page, in the order of creation.
    /// - Parameters:
    ///   - all: those that have ended as well.
    ///   - everybodys: those of all tenants.
    ///   - label: `KEY` or `KEY=VALUE`.
    func list(
        all: Bool = false, state: String? = nil, label: String? = nil, everybodys: Bool = false
    ) throws(ClientError) -> [SessionAnswer] {
        var query = [("limit", "\(page)")]
        if all { query.append(("all", "true")) }
        if let state { query.append(("state", state)) }
        if everybodys { query.append(("all_tenants", "true")) }
        if let label { query.append(("label", label)) }
        var found: [SessionAnswer] = []
        try client.pages(["v1", "sessions"], query) { (answer) throws(ClientError) in
            for json in try answer.list("sessions") { found.append(try SessionAnswer(json)) }
        }
        return found
    }

    // MARK: Paths

    private func act(_ session: String, _ verb: String, _ request: JSONText? = nil) throws(ClientError) {
        let bare = HTTPRequest(.post, try path(session, verb))
        _ = try client.ask(request.map { bare.with(json: $0) } ?? bare)
    }

    /// Some names no path can say: the daemon would take the empty one for the list.
    private func path(_ session: String, _ more: String...) throws(ClientError) -> [String] {
        if session.isEmpty || session.utf8.contains(UInt8(ascii: "/")) || [".", ".."].contains(session) {
            let refusal = JSONText.object { error in
                error.add("code", "not-found")
                error.add("message", "there is no session \(quoted(session))")
            }
            throw .refused(ServiceError(status: 404, reason: "Not Found", body: refusal.bytes))
        }
        return ["v1", "sessions", session] + more
    }
}

extension DaemonClient {
    /// Asks for every page of a list.
    /// - Parameter page: takes each as it comes.
    func pages(
        _ path: [String], _ query: [(String, String)],
        _ page: (AnswerMembers) throws(ClientError) -> Void
    ) throws(ClientError) {
        var next: String?
        repeat {
            let place = next.map { [("after", $0)] } ?? []
            let answer = try AnswerMembers(try ask(HTTPRequest(.get, path, query: query + place)).json())
            try page(answer)
            // One that says the same again would never end.
            let following = answer.text("next")
            guard following != next || following == nil else { throw .unexpected("a page follows itself") }
            next = following
        } while next != nil
    }
}

extension ClientError {
    /// Whether the daemon is away, so that another one may answer in its place.
    var isAway: Bool {
        switch self {
        case .cannotConnect, .closed, .timeout, .malformed(.endedEarly), .failed: true
        case .refused(let refusal): refusal.status == 503
        case .notASocket, .malformed, .tooLarge, .notUpgraded, .unexpected: false
        }
    }

    /// Whether it is about the one thing that was asked for, and the next may be another matter.
    var isOfOne: Bool {
        if case .refused(let refusal) = self { (400..<500).contains(refusal.status) } else { false }
    }
}

extension CommandError {
    /// What a daemon refused, with the option in place of the member of the request, and the hint on a line of
    /// its own.
    init(asking error: ClientError, code: Int32 = ExitCode.ours) {
        guard case .refused(let refusal) = error else {
            self.init(error.description, code: code)
            return
        }
        let place = CommandError.option(refusal.field ?? "")
        let hint = refusal.hint.map { $0.isEmpty ? "" : "\nhint: \($0)" } ?? ""
        self.init((place.isEmpty ? "" : "\(place): ") + refusal.problem + hint, code: code)
    }

    private static func option(_ field: String) -> String {
        let name =
            ["limits.", "quota."].first(where: field.hasPrefix).map { String(field.dropFirst($0.utf8.count)) }
            ?? field
        let first = name.prefix { $0 != "." }
        let options = [
            "name": "name", "profile": "profile", "image": "image", "tenant": "tenant", "labels": "label",
            "env": "env", "memory": "memory", "pids": "pids", "cpus": "cpus", "cpu_time": "cpu-time",
            "open_files": "nofile", "file_size": "ulimit", "output": "output-limit", "ttl": "ttl",
            "idle": "idle", "max": "max", "persistent": "persistent", "grace": "grace", "reason": "reason",
            "idempotency_key": "idempotency-key", "workspace": "workspace", "workspace_shared": "workspace",
            "directory": "workspace",
            "quota": "disk", "bytes": "disk", "inodes": "inodes", "volume": "disk",
        ]
        return options[String(first)].map { "--\($0)" } ?? field
    }

    /// Runs what asks a daemon; its failure becomes the command's.
    static func asking<Value>(_ body: () throws(ClientError) -> Value) throws(CommandError) -> Value {
        do throws(ClientError) {
            return try body()
        } catch {
            throw CommandError(asking: error)
        }
    }
}
