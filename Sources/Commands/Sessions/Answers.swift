import Client
import Tables
import Wire

/// Members of an object that a daemon answered with. What is not there is nil and what is more is passed
/// over: a newer daemon may say other things than this program knows.
struct AnswerMembers {
    let json: JSONTree
    private let members: [JSONTree.Member]

    init(_ json: JSONTree) throws(ClientError) {
        guard case .object(let members) = json.value else {
            throw .unexpected("an object was expected, and this is \(json.kind)")
        }
        self.json = json
        self.members = members
    }

    private func value(_ name: String) -> JSONTree.Value? {
        members.first { $0.key == name }?.value.value
    }

    func text(_ name: String) -> String? {
        if case .string(let text)? = value(name) { text } else { nil }
    }

    /// - Throws: where it is not there, and without it nothing can be shown.
    func need(_ name: String) throws(ClientError) -> String {
        guard let text = text(name) else { throw .unexpected("\(name) is missing") }
        return text
    }

    func whole(_ name: String) -> UInt64? {
        if case .number(let text)? = value(name) { UInt64(text) } else { nil }
    }

    /// Of an end: an exit code or a signal.
    func code(_ name: String) -> Int32? { whole(name).flatMap { Int32(exactly: $0) } }

    func flag(_ name: String) -> Bool {
        if case .bool(let flag)? = value(name) { flag } else { false }
    }

    func time(_ name: String) -> WallTime? { text(name).flatMap { WallTime(rfc3339: $0) } }

    /// Texts by names, in the daemon's order.
    func texts(_ name: String) -> [(name: String, value: String)] {
        guard case .object(let members)? = value(name) else { return [] }
        return members.compactMap { member in
            if case .string(let text) = member.value.value { (member.key, text) } else { nil }
        }
    }

    func words(_ name: String) -> [String] {
        guard case .array(let elements)? = value(name) else { return [] }
        return elements.compactMap { if case .string(let text) = $0.value { text } else { nil } }
    }

    func object(_ name: String) -> AnswerMembers? {
        members.first { $0.key == name }.flatMap { try? AnswerMembers($0.value) }
    }

    func list(_ name: String) throws(ClientError) -> [JSONTree] {
        guard case .array(let elements)? = value(name) else { throw .unexpected("\(name) is missing") }
        return elements
    }
}

/// A session as the daemon tells of it.
struct SessionAnswer {
    /// As it came, for JSON.
    let json: JSONTree
    let id: String
    let state: String
    let name: String?
    let tenant: String
    let profile: String
    let image: String
    let labels: [(name: String, value: String)]
    let cause: String?
    let message: String?
    let created: WallTime?
    let ended: WallTime?
    let lastUsed: WallTime?
    let expires: WallTime?
    let expiresBy: String?
    let processes: UInt64
    /// Bytes, and a number of processes; nil where the daemon does not tell.
    let memoryLimit: UInt64?
    let pidsLimit: UInt64?

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        id = try members.need("id")
        state = try members.need("state")
        name = members.text("name")
        tenant = members.text("tenant") ?? ""
        profile = members.text("profile") ?? ""
        image = members.text("image") ?? ""
        labels = members.texts("labels")
        cause = members.text("cause")
        message = members.text("message")
        created = members.time("created")
        ended = members.time("ended")
        lastUsed = members.time("last_used")
        expires = members.time("expires")
        expiresBy = members.text("expires_by")
        processes = members.whole("processes") ?? 0
        let limits = members.object("limits")
        memoryLimit = limits?.whole("memory")
        pidsLimit = limits?.whole("pids")
    }

    var hasEnded: Bool { state == "ended" }
    /// Whether processes are in it.
    var isUp: Bool { ["running", "paused", "stopping"].contains(state) }
}

/// What a session uses.
struct StatisticsAnswer {
    let json: JSONTree
    let memory: UInt64?
    let memoryPeak: UInt64?
    /// Milliseconds.
    let cpuTime: UInt64?
    let pids: UInt64?
    let outOfMemoryKills: UInt64?
    let pidsLimitHits: UInt64?

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        memory = members.whole("memory")
        memoryPeak = members.whole("memory_peak")
        cpuTime = members.whole("cpu_time")
        pids = members.whole("pids")
        outOfMemoryKills = members.whole("oom_kills")
        pidsLimitHits = members.whole("pids_hits")
    }
}

/// A process of a session, as far as `top` shows it.
struct RunningProcessAnswer {
    let json: JSONTree
    let id: String
    let name: String?
    let kind: String
    let argv: [String]
    let state: String
    let pid: UInt64?
    let started: WallTime?
    let restarts: UInt64
    /// Bytes of both streams.
    let written: UInt64

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        id = try members.need("id")
        state = try members.need("state")
        name = members.text("name")
        kind = members.text("kind") ?? ""
        argv = members.words("argv")
        pid = members.whole("pid")
        started = members.time("started")
        restarts = members.whole("restarts") ?? 0
        written = (members.whole("stdout_bytes") ?? 0) &+ (members.whole("stderr_bytes") ?? 0)
    }
}

/// Something that happened.
struct EventAnswer {
    let json: JSONTree
    let time: WallTime
    let type: String
    let session: String
    let process: String?
    /// What more there is to say, by name.
    let more: [(name: String, value: String)]

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        let text = try members.need("time")
        guard let time = WallTime(rfc3339: text) else { throw .unexpected("time is \(text)") }
        self.time = time
        type = try members.need("type")
        session = members.text("session") ?? ""
        process = members.text("process")
        more = ["process", "cause", "message"].compactMap { name in
            members.text(name).map { (name, $0) }
        }
    }
}
