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
        let tenant: String
        let type: String
        let data: String
    }

    private struct Follower {
        let stream: EventStream
        let session: String?
        /// Nil for everybody.
        let tenant: String?
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
    ///   - body: adds the members behind `time`, `type`, `session` and `tenant`.
    func publish(
        _ type: String, session: String?, tenant: String, _ body: (inout JSONObjectWriter) -> Void
    ) {
        let moment = DaemonClock.moment
        last += 1
        let data = JSONText.object { object in
            object.add("time", moment.text)
            object.add("type", type)
            if let session { object.add("session", session) }
            object.add("tenant", tenant)
            body(&object)
        }
        let entry = Entry(
            number: last, wall: moment.wall, session: session, tenant: tenant, type: type,
            data: data.description)
        if entries.count >= EventHub.most { entries.removeFirst(EventHub.most / 4) }
        entries.append(entry)
        for follower in followers.values { send(entry, to: follower) }
    }

    /// Begins to tell somebody.
    /// - Parameters:
    ///   - session: nil for all that the tenant has.
    ///   - tenant: whose alone; nil for everybody's.
    ///   - number: of the last event that they saw.
    ///   - wall: nil for what happens from now on.
    ///   - end: the last moment of which anything is told; nil for no end.
    func follow(
        session: String?, tenant: String?, after number: UInt64?, since wall: Int64?, until end: Int64?
    ) -> Response {
        lastFollower += 1
        let id = lastFollower
        let concerns = { (entry: Entry) in
            (session == nil || entry.session == session) && (tenant == nil || entry.tenant == tenant)
        }
        let missed = entries.filter { entry in
            (number.map { entry.number > $0 } ?? (entry.wall >= wall ?? .max)) && concerns(entry)
        }
        // What was missed waits as a whole, on top of what may always wait.
        let room = missed.reduce(0) { $0 + $1.data.utf8.count + $1.type.utf8.count + 64 }
        let stream = EventStream(limit: EventHub.room + room) { [weak self] in self?.followers[id] = nil }
        let follower = Follower(stream: stream, session: session, tenant: tenant, until: end ?? .max)
        followers[id] = follower
        let response = stream.response()
        for entry in missed { send(entry, to: follower) }
        if let end, end <= DaemonClock.wall { stream.end() }
        return response
    }

    private func send(_ entry: Entry, to follower: Follower) {
        if let session = follower.session, session != entry.session { return }
        if let tenant = follower.tenant, tenant != entry.tenant { return }
        guard entry.wall <= follower.until else { return follower.stream.end() }
        follower.stream.send(id: entry.number, event: entry.type, data: entry.data)
    }
}
