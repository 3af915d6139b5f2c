import Sandbox
import Testing

@testable import Sessions

/// Workspaces that outlive sessions: what is asked for, what follows, and what a comparison finds.
@Suite struct WorkspaceTableTests {
    private let key: WorkspaceKey
    private let other: WorkspaceKey
    private let snapshot: SnapshotKey
    private let quota = WorkspaceQuota(bytes: 1 << 20, inodes: 100)
    private let session = WorkspaceUser(SessionID(value: 7), isShared: false)

    init() throws {
        key = WorkspaceKey(try Name("data"), of: .defaultTenant)
        other = WorkspaceKey(try Name("other"), of: .defaultTenant)
        snapshot = SnapshotKey(try Name("before"), of: key)
    }

    /// One with a workspace that is ready, and a snapshot of it.
    private func table(snapshots: Bool = true) throws -> WorkspaceTable {
        var table = WorkspaceTable()
        _ = try table.create(key, quota, at: 1)
        finish(&table)
        if snapshots {
            _ = try table.snapshot(snapshot, at: 2)
            finish(&table)
        }
        return table
    }

    private func finish(_ table: inout WorkspaceTable, _ outcome: WorkspaceOutcome = .done) {
        var rounds = 0
        while let work = table.work.first, rounds < 100 {
            #expect(!table.finish(work, outcome).isEmpty)
            rounds += 1
        }
        #expect(rounds < 100, "there is no end of it")
    }

    // MARK: Making

    @Test func `one is made once the warden says so, and gone where it refuses`() throws {
        var table = WorkspaceTable()
        let made = try table.create(key, quota, at: 5)
        guard case .new(let workspace) = made else { return #expect(Bool(false), "\(made)") }
        #expect(workspace.state == .creating && workspace.created == 5)
        #expect(table.work == [.create(key, quota)])
        #expect(table.finish(.create(key, quota), .done) == [.workspace(key)])
        #expect(table[key]?.state == .ready && table.work.isEmpty)
        // What comes late changes nothing.
        #expect(table.finish(.create(key, quota), .refused).isEmpty)
        _ = try table.create(other, quota, at: 6)
        #expect(table.finish(.create(other, quota), .refused) == [.workspace(other)])
        #expect(table[other] == nil)
    }

    @Test func `a volume counts with what it may hold, and while it grows with what it is to`() throws {
        var table = try table()
        let (one, two) = (WorkspaceVolume.workspace(key), WorkspaceVolume.snapshot(snapshot))
        #expect(table.bytes(of: one, else: 7) == 1 << 20 && table.bytes(of: two, else: 7) == 1 << 20)
        #expect(Set(table.volumes) == [one, two])
        _ = try table.resize(key, bytes: 3 << 20, inodes: nil)
        #expect(table.bytes(of: one, else: 7) == 3 << 20)
        finish(&table, .refused)
        #expect(table.bytes(of: one, else: 7) == 1 << 20)
        _ = try table.resize(key, bytes: 1 << 19, inodes: nil)
        // Not before it is smaller.
        #expect(table.bytes(of: one, else: 7) == 1 << 20)
        finish(&table)
        #expect(table.bytes(of: one, else: 7) == 1 << 19)
        // A snapshot may hold what its workspace could when it was made.
        #expect(table.bytes(of: two, else: 7) == 1 << 20)
        #expect(table.bytes(of: .workspace(other), else: 7) == nil)
        table.put(NamedWorkspace(other, state: .unrecorded, quota: WorkspaceQuota(), created: 1), at: other)
        #expect(table.bytes(of: .workspace(other), else: 7) == nil)
        table.put(NamedWorkspace(other, state: .ready, quota: WorkspaceQuota(), created: 1), at: other)
        #expect(table.bytes(of: .workspace(other), else: 7) == 7)
    }

    @Test func `the same key makes one, in the same words`() throws {
        var table = WorkspaceTable()
        let once = try IdempotencyKey("k")
        _ = try table.create(key, quota, idempotencyKey: once, at: 1)
        guard case .existing(let found) = try table.create(key, quota, idempotencyKey: once, at: 2) else {
            return #expect(Bool(false))
        }
        #expect(found.key == key && found.created == 1)
        #expect(throws: WorkspaceRefusal.keyReused(once, key.name, field: "name")) {
            try table.create(other, quota, idempotencyKey: once, at: 2)
        }
        let soft = WorkspaceQuota(bytes: 1, allowsSoft: true)
        #expect(throws: WorkspaceRefusal.keyReused(once, key.name, field: "soft")) {
            try table.create(key, soft, idempotencyKey: once, at: 2)
        }
        // It may have been resized since.
        #expect(
            try table.create(key, WorkspaceQuota(bytes: 3), idempotencyKey: once, at: 2) == .existing(found))
        #expect(throws: WorkspaceRefusal.exists(key.name)) { try table.create(key, quota, at: 2) }
    }

    @Test func `there is an end of how many`() throws {
        var table = WorkspaceTable()
        for number in 0..<WorkspaceTable.limit {
            let key = WorkspaceKey(try Name("w\(number)"), of: .defaultTenant)
            table.put(NamedWorkspace(key, state: .ready, quota: quota, created: 1), at: key)
        }
        #expect(throws: WorkspaceRefusal.tooMany(limit: WorkspaceTable.limit)) {
            try table.create(key, quota, at: 2)
        }
        #expect(table.all.count == WorkspaceTable.limit)
    }

    @Test func `a fork has the limits of what it comes from, or its own`() throws {
        var table = try table()
        let source = WorkspaceSource(workspace: key.name, snapshot: snapshot.name)
        let asked = WorkspaceQuota(bytes: 5)
        _ = try table.create(other, asked, from: source, at: 3)
        #expect(table.work == [.fork(source, as: other, WorkspaceQuota(bytes: 5, inodes: 100))])
        finish(&table)
        #expect(table[other]?.state == .ready && table[other]?.source == source)
        let none = WorkspaceSource(workspace: try Name("none"))
        #expect(throws: WorkspaceRefusal.unknown("none")) {
            try table.create(WorkspaceKey(Name("x"), of: .defaultTenant), asked, from: none, at: 3)
        }
        let missing = WorkspaceSource(workspace: key.name, snapshot: try Name("none"))
        #expect(throws: WorkspaceRefusal.unknownSnapshot("none", of: key.name)) {
            try table.create(WorkspaceKey(Name("x"), of: .defaultTenant), asked, from: missing, at: 3)
        }
    }

    // MARK: Sessions

    @Test func `one session has it at a time, unless all ask to share it`() throws {
        let table = try table()
        let shared = WorkspaceUser(SessionID(value: 8), isShared: true)
        _ = try table.admit(key, isShared: false, users: [])
        _ = try table.admit(key, isShared: true, users: [shared])
        for (isShared, users) in [(false, [session]), (true, [session]), (false, [shared])] {
            let refusal = WorkspaceRefusal.inUse(key.name, by: users[0].session, others: 0)
            #expect(throws: refusal) { try table.admit(key, isShared: isShared, users: users) }
        }
        #expect(throws: WorkspaceRefusal.inUse(key.name, by: session.session, others: 1)) {
            try table.admit(key, isShared: true, users: [shared, session])
        }
        #expect(throws: WorkspaceRefusal.unknown("other")) {
            try table.admit(other, isShared: false, users: [])
        }
    }

    @Test(arguments: WorkspaceState.allCases)
    func `a session has only what is there for good`(state: WorkspaceState) throws {
        var table = WorkspaceTable()
        table.put(NamedWorkspace(key, state: state, quota: quota, created: 1), at: key)
        let isAdmitted = (try? table.admit(key, isShared: false, users: [])) != nil
        #expect(isAdmitted == [.ready, .resizing].contains(state))
    }

    @Test func `who has a workspace follows from the sessions that have not ended`() throws {
        var sessions = SessionTable(limit: 10)
        for (value, name) in [(UInt64(1), "data"), (2, "other"), (3, "data")] {
            var spec = try SessionSpec(profile: "default")
            spec.workspace = .named(try Name(name), isShared: true)
            _ = try sessions.add(spec, id: SessionID(value: value), at: value)
        }
        _ = try sessions.add(SessionSpec(profile: "default"), id: SessionID(value: 4), at: 4)
        #expect(sessions.users(of: key).map(\.session.value) == [1, 3])
        // It has never been launched, so it ends at once.
        _ = sessions.handle(.stop(Stop()), for: SessionID(value: 1), at: 5)
        #expect(sessions.users(of: key).map(\.session.value) == [3])
    }

    @Test func `what would pull it from under a session is refused`() throws {
        var table = try table()
        let refusal = WorkspaceRefusal.inUse(key.name, by: session.session, others: 0)
        #expect(throws: refusal) { try table.restore(key, from: snapshot.name, users: [session]) }
        #expect(throws: refusal) { try table.remove(key, withSnapshots: true, users: [session]) }
        #expect(table[key]?.state == .ready && table.work.isEmpty)
    }

    // MARK: Changing

    @Test func `a resize holds when the warden says so, and else nothing is different`() throws {
        var table = try table()
        let larger = WorkspaceQuota(bytes: 2 << 20, inodes: 100)
        _ = try table.resize(key, bytes: 2 << 20, inodes: nil)
        #expect(table[key]?.quota == quota && table.work == [.resize(key, larger)])
        #expect(throws: WorkspaceRefusal.notReady(key.name, .resizing)) {
            try table.resize(key, bytes: 1, inodes: nil)
        }
        _ = table.finish(.resize(key, larger), .refused)
        #expect(table[key]?.quota == quota && table[key]?.wanted == nil && table[key]?.state == .ready)
        _ = try table.resize(key, bytes: 2 << 20, inodes: nil)
        finish(&table)
        #expect(table[key]?.quota == larger)
        _ = try table.resize(key, bytes: nil, inodes: 5)
        finish(&table, .absent)
        #expect(table[key]?.state == .lost && table[key]?.quota == larger)
    }

    @Test func `a snapshot stays while something is restored from it`() throws {
        var table = try table()
        _ = try table.restore(key, from: snapshot.name, users: [])
        #expect(table.work == [.restore(key, from: snapshot.name)])
        #expect(throws: WorkspaceRefusal.notReady(key.name, .restoring)) {
            try table.removeSnapshot(snapshot)
        }
        #expect(throws: WorkspaceRefusal.notReady(key.name, .restoring)) {
            try table.remove(key, withSnapshots: true, users: [])
        }
        finish(&table)
        #expect(table[key]?.state == .ready && table[key]?.restoring == nil)
        _ = try table.removeSnapshot(snapshot)
        finish(&table)
        #expect(table[snapshot] == nil)
    }

    @Test func `one with snapshots is removed with them, one after the other`() throws {
        var table = try table()
        let second = SnapshotKey(try Name("later"), of: key)
        _ = try table.snapshot(second, at: 3)
        finish(&table)
        #expect(throws: WorkspaceRefusal.hasSnapshots(key.name, [snapshot.name, second.name])) {
            try table.remove(key, withSnapshots: false, users: [])
        }
        _ = try table.remove(key, withSnapshots: true, users: [])
        #expect(table.work == [.removeSnapshot(snapshot)])
        #expect(table.finish(.removeSnapshot(snapshot), .done) == [.snapshot(snapshot)])
        // One that was gone already is as good as removed.
        #expect(table.work == [.removeSnapshot(second)])
        #expect(table.finish(.removeSnapshot(second), .absent) == [.snapshot(second)])
        #expect(table.work == [.remove(key)])
        finish(&table)
        #expect(table[key] == nil && table.all.isEmpty)
    }

    @Test func `a removal that is refused leaves what is there`() throws {
        var table = try table()
        _ = try table.remove(key, withSnapshots: true, users: [])
        #expect(
            table.finish(.removeSnapshot(snapshot), .refused) == [.snapshot(snapshot), .workspace(key)])
        #expect(table[key]?.state == .ready && table[snapshot]?.state == .ready && table.work.isEmpty)
    }

    // MARK: Comparing

    @Test func `every state that an earlier daemon left becomes what the volumes say`() throws {
        let cases: [(WorkspaceState, isThere: Bool, WorkspaceState?)] = [
            (.creating, true, .ready), (.creating, false, .creating), (.ready, true, .ready),
            (.ready, false, .lost), (.lost, true, .ready), (.lost, false, .lost),
            (.resizing, true, .resizing), (.resizing, false, .lost), (.restoring, true, .restoring),
            (.restoring, false, .lost), (.removing, true, .removing), (.removing, false, .removing),
            (.unrecorded, true, .unrecorded), (.unrecorded, false, nil), (.importing, true, .importing),
            (.importing, false, .lost),
        ]
        for (state, isThere, expected) in cases {
            var table = WorkspaceTable()
            table.put(NamedWorkspace(key, state: state, quota: quota, created: 1), at: key)
            let result = table.compare(with: isThere ? [.workspace(key)] : [], at: 9)
            #expect(table[key]?.state == expected, "\(state) \(isThere)")
            #expect(result.changed.isEmpty == (expected == nil || expected == state), "\(state) \(isThere)")
            #expect(result.lost.isEmpty == (expected != .lost || state == .lost), "\(state) \(isThere)")
            #expect(result.unrecorded.isEmpty)
        }
    }

    @Test func `a volume without a record is told, left alone, and can be adopted or removed`() throws {
        var table = WorkspaceTable()
        let found: Set<WorkspaceVolume> = [.workspace(key), .snapshot(snapshot)]
        let result = table.compare(with: found, at: 9)
        #expect(Set(result.unrecorded) == found && result.changed.isEmpty)
        #expect(table[key]?.state == .unrecorded && table.work.isEmpty)
        #expect(throws: WorkspaceRefusal.existsUnrecorded(key.name)) { try table.create(key, quota, at: 9) }
        #expect(throws: WorkspaceRefusal.notReady(key.name, .unrecorded)) {
            try table.admit(key, isShared: false, users: [])
        }
        // Told once.
        #expect(table.compare(with: found, at: 10).unrecorded.isEmpty)
        var removed = table
        _ = try removed.remove(key, withSnapshots: true, users: [])
        finish(&removed)
        #expect(removed[key] == nil && removed[snapshot] == nil)
        #expect(try table.adopt(key, quota, at: 11).state == .ready)
        #expect(table.adoptSnapshots(of: key) == [snapshot])
        #expect(table[snapshot]?.state == .ready)
        #expect(throws: WorkspaceRefusal.notUnrecorded(key.name)) { try table.adopt(key, quota, at: 12) }
    }

    @Test func `what was begun is gone on with, and nothing is removed that something is made from`() throws {
        var table = try table()
        _ = try table.create(other, WorkspaceQuota(), from: WorkspaceSource(workspace: key.name), at: 3)
        _ = try table.remove(key, withSnapshots: true, users: [])
        #expect(table.work.count == 2)
        guard case .fork = table.work[0] else { return #expect(Bool(false), "\(table.work)") }
        #expect(table.work[1] == .removeSnapshot(snapshot))
    }

    /// Any daemon may die after any step: one that has the records alone comes to the same.
    @Test func `a daemon that dies between any two steps changes nothing of the end`() throws {
        var plain = try table()
        _ = try plain.remove(key, withSnapshots: true, users: [])
        _ = try plain.create(other, quota, at: 3)
        var killed = plain
        finish(&plain)
        var there: Set<WorkspaceVolume> = [.workspace(key), .snapshot(snapshot)]
        for _ in 0..<20 {
            _ = killed.compare(with: there, at: 5)
            guard let work = killed.work.first else { break }
            // Done by the warden, and its answer never heard.
            switch work {
            case .create: there.insert(work.volume)
            case .remove, .removeSnapshot:
                if there.remove(work.volume) == nil { _ = killed.finish(work, .absent) }
            default: break
            }
        }
        #expect(killed.all == plain.all && killed.work.isEmpty)
        #expect(there == [.workspace(other)])
    }

    @Test func `nothing is noted about the use of what has no record`() throws {
        var table = try table()
        #expect(table.use(key, at: 77)?.lastUsed == 77)
        #expect(table.use(other, at: 77) == nil)
        _ = table.compare(with: [.workspace(key), .workspace(other)], at: 1)
        #expect(table.use(other, at: 77) == nil)
    }

    @Test func `every refusal has a word of its own and a sentence`() {
        let all: [WorkspaceRefusal] = [
            .unknown("x"), .exists(key.name), .existsUnrecorded(key.name),
            .inUse(key.name, by: session.session, others: 2), .notReady(key.name, .lost),
            .hasSnapshots(key.name, [snapshot.name]), .unknownSnapshot("x", of: key.name),
            .snapshotExists(snapshot.name, of: key.name), .snapshotNotReady(snapshot.name, .creating),
            .notUnrecorded(key.name), .tooMany(limit: 3), .tooManySnapshots(key.name, limit: 3),
        ]
        #expect(Set(all.map(\.code)).count == all.count)
        for refusal in all { #expect(!refusal.description.hasSuffix(".") && refusal.description.count > 10) }
        #expect(all[3].description == "the workspace data is used by session 0000000000000007 and 2 more")
    }
}
