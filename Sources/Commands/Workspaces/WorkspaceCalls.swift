import Client
import Sandbox
import Tables
import Wire

/// What commands ask a daemon about workspaces, a function for each operation.
struct WorkspaceCalls {
    let client: DaemonClient

    /// - Parameter patience: milliseconds in which the daemon has to say something; nil for any.
    init(_ socket: DaemonAddress, patience: Int? = nil) {
        client = DaemonClient(socket, patience: patience)
    }

    func create(_ request: JSONText) throws(ClientError) -> WorkspaceAnswer {
        try WorkspaceAnswer(
            try client.ask(HTTPRequest(.post, ["v1", "workspaces"]).with(json: request)).json())
    }

    /// Every page, in the order of names.
    /// - Parameter everybodys: those of all tenants.
    func list(everybodys: Bool = false) throws(ClientError) -> [WorkspaceAnswer] {
        let query = everybodys ? [("all_tenants", "true")] : []
        var found: [WorkspaceAnswer] = []
        var next: String?
        repeat {
            let answer = try AnswerMembers(
                try client.ask(
                    HTTPRequest(
                        .get, ["v1", "workspaces"], query: query + (next.map { [("after", $0)] } ?? []))
                ).json())
            for json in try answer.list("workspaces") { found.append(try WorkspaceAnswer(json)) }
            let following = answer.text("next")
            guard following != next || following == nil else { throw .unexpected("a page follows itself") }
            next = following
        } while next != nil
        return found
    }

    func inspect(_ name: String) throws(ClientError) -> WorkspaceAnswer {
        try WorkspaceAnswer(try client.ask(HTTPRequest(.get, try path(name))).json())
    }

    func snapshots(of name: String) throws(ClientError) -> [SnapshotAnswer] {
        let answer = try client.ask(HTTPRequest(.get, try path(name, "snapshots"))).json()
        var found: [SnapshotAnswer] = []
        for json in try AnswerMembers(answer).list("snapshots") { found.append(try SnapshotAnswer(json)) }
        return found
    }

    /// What differs between a snapshot and the workspace, or another snapshot, in pages as they come.
    /// - Parameters:
    ///   - new: nil for the workspace as it is now.
    ///   - page: gets the changes, and how many names were not compared.
    func difference(
        _ name: String, from old: String, to new: String?,
        _ page: ([JSONTree], UInt64) throws(ClientError) -> Void
    ) throws(ClientError) {
        let query = [("from", old)] + (new.map { [("to", $0)] } ?? [])
        try client.pages(try path(name, "diff"), query) { (answer) throws(ClientError) in
            try page(try answer.list("changes"), answer.whole("skipped") ?? 0)
        }
    }

    func remove(_ place: WorkspacePlace, withSnapshots: Bool) throws(ClientError) {
        let request: HTTPRequest
        if let snapshot = place.snapshot {
            request = HTTPRequest(.delete, try path(place.workspace, "snapshots", snapshot))
        } else {
            request = HTTPRequest(
                .delete, try path(place.workspace), query: withSnapshots ? [("snapshots", "true")] : [])
        }
        _ = try client.ask(request)
    }

    /// - Parameter verb: the last part of the path, such as `resize`.
    func act(_ name: String, _ verb: String, _ request: JSONText) throws(ClientError) {
        _ = try client.ask(HTTPRequest(.post, try path(name, verb)).with(json: request))
    }

    /// Some names no path can say: the daemon would take the empty one for the list.
    private func path(_ words: String...) throws(ClientError) -> [String] {
        for word in words
        where word.isEmpty || word.utf8.contains(UInt8(ascii: "/")) || [".", ".."].contains(word) {
            let refusal = JSONText.object { error in
                error.add("code", "not-found")
                error.add("message", "there is no workspace \(quoted(words.joined(separator: "@")))")
            }
            throw .refused(ServiceError(status: 404, reason: "Not Found", body: refusal.bytes))
        }
        return ["v1", "workspaces"] + words
    }
}

/// A workspace as the daemon tells of it.
struct WorkspaceAnswer {
    /// As it came, for JSON.
    let json: JSONTree
    let name: String
    let state: String
    let tenant: String
    let bytes: UInt64?
    let inodes: UInt64?
    let bytesEnforced: String
    let inodesEnforced: String
    let driver: String?
    let source: String?
    let created: WallTime?
    let lastUsed: WallTime?
    let sessions: [String]
    let isShared: Bool
    let snapshots: UInt64

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        name = try members.need("name")
        state = try members.need("state")
        tenant = members.text("tenant") ?? ""
        bytes = members.whole("bytes")
        inodes = members.whole("inodes")
        bytesEnforced = members.text("bytes_enforced") ?? "unknown"
        inodesEnforced = members.text("inodes_enforced") ?? "unknown"
        driver = members.text("driver")
        source = members.text("forked_from")
        created = members.time("created")
        lastUsed = members.time("last_used")
        sessions = members.words("sessions")
        isShared = members.flag("shared")
        snapshots = members.whole("snapshots") ?? 0
    }
}

/// A snapshot as the daemon tells of it.
struct SnapshotAnswer {
    let json: JSONTree
    let name: String
    let workspace: String
    let state: String
    let created: WallTime?

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        name = try members.need("name")
        workspace = members.text("workspace") ?? ""
        state = try members.need("state")
        created = members.time("created")
    }
}
