import Service
import Store
import Wire

/// What happened, for those who follow it: the last of it is kept, so that whoever was cut off for a moment
/// misses nothing.
final class EventHub {
    struct Entry {
        let number: UInt64
        /// Milliseconds since 1970.
        let wall: Int64
        let session: String?
        let workspace: String?
        /// Nil for what is the operator's: told to nobody who is kept to a tenant.
        let tenant: String?
        let type: String
        let data: String
    }

    /// What somebody is told of.
    struct Scope {
        /// Nil for all that the tenant has.
        var session: String?
        /// Whose alone; nil for everybody's.
        var tenant: String?
        /// Of the session, with what happens to it while the session has it.
        var workspace: UsedWorkspace?

        func has(_ entry: Entry) -> Bool {
            guard let session else { return tenant == nil || entry.tenant == tenant }
            if entry.session == session { return true }
            guard let workspace, let name = entry.workspace else { return false }
            return name == workspace.name && entry.tenant == workspace.tenant
                && workspace.time.contains(entry.wall)
        }
    }

    /// A workspace that outlives the session that has it.
    struct UsedWorkspace {
        let name: String
        let tenant: String
        /// From the session's creation to its end, in milliseconds since 1970.
        var time: ClosedRange<Int64>
    }

    private struct Follower {
        let stream: EventStream
        var scope: Scope
        /// Milliseconds since 1970; nothing later is told.
        let until: Int64
    }

    static let most = 4096
    /// Bytes that may wait for one follower.
    private static let room = 256 << 10
    private var entries: [Entry] = []
    /// Of the last one. Later daemons have higher ones, unless the wall clock was set back in between.
    private var last = UInt64(clamping: DaemonClock.wall) << 12
    private var followers: [UInt64: Follower] = [:]
    private var lastFollower: UInt64 = 0

    var isFollowed: Bool { !followers.isEmpty }
    var followerCount: Int { followers.count }

    /// - Parameters:
    ///   - session: nil for what is about none.
    ///   - workspace: nil for what is about none.
    ///   - tenant: nil for what is the operator's.
    ///   - body: adds the members behind `time`, `type`, `session`, `tenant` and `workspace`.
    func publish(
        _ type: String, session: String?, workspace: String? = nil, tenant: String?,
        _ body: (inout JSONObjectWriter) -> Void
    ) {
        let moment = DaemonClock.moment
        last += 1
        let data = JSONText.object { object in
            object.add("time", moment.text)
            object.add("type", type)
            if let session { object.add("session", session) }
            if let tenant { object.add("tenant", tenant) }
            if let workspace { object.add("workspace", workspace) }
            body(&object)
        }
        let entry = Entry(
            number: last, wall: moment.wall, session: session, workspace: workspace, tenant: tenant,
            type: type, data: data.description)
        if entries.count >= EventHub.most { entries.removeFirst(EventHub.most / 4) }
        entries.append(entry)
        for (id, follower) in followers {
            send(entry, to: follower)
            // What becomes of its workspace from now on is none of its affairs.
            if type == "session.ended", let session, follower.scope.session == session {
                followers[id]?.scope.workspace = nil
            }
        }
    }

    /// Begins to tell somebody.
    /// - Parameters:
    ///   - number: of the last event that they saw.
    ///   - wall: nil for what happens from now on.
    ///   - end: the last moment of which anything is told; nil for no end.
    func follow(
        _ scope: Scope, after number: UInt64?, since wall: Int64?, until end: Int64?
    ) -> Response {
        lastFollower += 1
        let id = lastFollower
        let missed = entries.filter { entry in
            (number.map { entry.number > $0 } ?? (entry.wall >= wall ?? .max)) && scope.has(entry)
        }
        // What was missed waits as a whole, on top of what may always wait.
        let room = missed.reduce(0) { $0 + $1.data.utf8.count + $1.type.utf8.count + 64 }
        let stream = EventStream(limit: EventHub.room + room) { [weak self] in self?.followers[id] = nil }
        let follower = Follower(stream: stream, scope: scope, until: end ?? .max)
        followers[id] = follower
        let response = stream.response()
        for entry in missed { send(entry, to: follower) }
        if let end, end <= DaemonClock.wall { stream.end() }
        return response
    }

    private func send(_ entry: Entry, to follower: Follower) {
        guard follower.scope.has(entry) else { return }
        guard entry.wall <= follower.until else { return follower.stream.end() }
        follower.stream.send(id: entry.number, event: entry.type, data: entry.data)
    }
}
