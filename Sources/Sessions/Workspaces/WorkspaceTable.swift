/// All workspaces that outlive sessions, and their snapshots: what is asked of them, and what has become of it.
///
/// A pure value. What is to be done at the warden follows from the states alone (``work(on:)``), so that a daemon
/// that finds them on record goes on with it. Who uses a workspace follows from the sessions alone, so that
/// nothing has to be given back.
package struct WorkspaceTable: Sendable {
    /// Workspaces of all tenants, and snapshots of one.
    package static let limit = 10_000
    package static let snapshotLimit = 1000

    var workspaces: [WorkspaceKey: NamedWorkspace] = [:]
    var snapshots: [SnapshotKey: WorkspaceSnapshot] = [:]

    package init() {}

    package subscript(_ key: WorkspaceKey) -> NamedWorkspace? { workspaces[key] }
    package subscript(_ key: SnapshotKey) -> WorkspaceSnapshot? { snapshots[key] }

    /// Sorted by their names.
    package var all: [NamedWorkspace] { workspaces.values.sorted { $0.key < $1.key } }

    package func count(of tenant: Name) -> Int { workspaces.keys.count { $0.tenant == tenant } }

    /// The same of every tenant that has any.
    package var counts: [Name: Int] {
        workspaces.keys.reduce(into: [:]) { counts, key in counts[key.tenant, default: 0] += 1 }
    }

    /// In the order in which they were made.
    package func snapshots(of key: WorkspaceKey) -> [WorkspaceSnapshot] {
        snapshots.values.filter { $0.key.workspace == key }
            .sorted { ($0.created, $0.key) < ($1.created, $1.key) }
    }

    /// The most bytes that a volume may hold, now or once its size is what was asked for: what its tenant is given
    /// with it. Nil for one of which there is no record, or none yet.
    /// - Parameter standard: of one whose limit nobody knows.
    package func bytes(of volume: WorkspaceVolume, else standard: UInt64) -> UInt64? {
        switch volume {
        case .workspace(let key):
            guard let workspace = workspaces[key], workspace.state != .unrecorded else { return nil }
            return max(
                workspace.quota.bytes ?? standard,
                workspace.wanted.map { $0.bytes ?? standard } ?? 0)
        case .snapshot(let key):
            guard let snapshot = snapshots[key], snapshot.state != .unrecorded else { return nil }
            return snapshot.bytes ?? workspaces[key.workspace]?.quota.bytes ?? standard
        }
    }

    /// Everything that is on record.
    package var volumes: [WorkspaceVolume] {
        workspaces.keys.map { .workspace($0) } + snapshots.keys.map { .snapshot($0) }
    }

    // MARK: Finding

    package func find(_ text: String, of tenant: Name) throws(WorkspaceRefusal) -> NamedWorkspace {
        guard let name = try? Name(text), let found = workspaces[WorkspaceKey(name, of: tenant)] else {
            throw .unknown(text)
        }
        return found
    }

    package func findSnapshot(
        _ text: String, of workspace: WorkspaceKey
    ) throws(WorkspaceRefusal) -> WorkspaceSnapshot {
        guard let name = try? Name(text), let found = snapshots[SnapshotKey(name, of: workspace)] else {
            throw .unknownSnapshot(text, of: workspace.name)
        }
        return found
    }

    /// The workspace, if a session may have it now.
    /// - Parameter users: the sessions that have it, which the caller knows.
    package func admit(
        _ key: WorkspaceKey, isShared: Bool, users: [WorkspaceUser]
    ) throws(WorkspaceRefusal) -> NamedWorkspace {
        guard let workspace = workspaces[key] else { throw .unknown(key.name.description) }
        // Changing a limit disturbs nobody.
        guard [.ready, .resizing].contains(workspace.state) else {
            throw .notReady(key.name, workspace.state)
        }
        if let other = users.first(where: { !isShared || !$0.isShared }) {
            throw .inUse(key.name, by: other.session, others: users.count - 1)
        }
        return workspace
    }

    /// Refuses where the files of a workspace or a snapshot cannot be had now. Sessions may have it meanwhile.
    package func needFiles(of volume: WorkspaceVolume) throws(WorkspaceRefusal) {
        switch volume {
        case .workspace(let key) where workspaces[key]?.state == .importing: break
        case .workspace(let key): _ = try admit(key, isShared: true, users: [])
        case .snapshot(let key):
            guard let snapshot = snapshots[key] else {
                throw .unknownSnapshot(key.name.description, of: key.workspace.name)
            }
            guard snapshot.state == .ready else { throw .snapshotNotReady(key.name, snapshot.state) }
        }
    }

    /// Whether a snapshot or a fork of a workspace as it is now is on its way.
    package func isBeingCopied(_ key: WorkspaceKey) -> Bool {
        let source = WorkspaceSource(workspace: key.name)
        return snapshots.values.contains { $0.key.workspace == key && $0.state == .creating }
            || workspaces.values.contains {
                $0.state == .creating && $0.key.tenant == key.tenant && $0.source == source
            }
    }

    // MARK: Records

    /// Takes in what an earlier daemon recorded, or puts back what could not be recorded; nil for nothing.
    package mutating func put(_ workspace: NamedWorkspace?, at key: WorkspaceKey) {
        workspaces[key] = workspace
    }

    package mutating func put(_ snapshot: WorkspaceSnapshot?, at key: SnapshotKey) {
        snapshots[key] = snapshot
    }

    /// A session begins or ends to have it. Nil where there is no record to note that in.
    package mutating func use(_ key: WorkspaceKey, at wall: Int64) -> NamedWorkspace? {
        guard workspaces[key] != nil, workspaces[key]?.state != .unrecorded else { return nil }
        workspaces[key]?.lastUsed = wall
        return workspaces[key]
    }
}

/// A session that has a workspace.
package struct WorkspaceUser: Hashable, Sendable {
    package let session: SessionID
    package let isShared: Bool

    package init(_ session: SessionID, isShared: Bool) {
        self.session = session
        self.isShared = isShared
    }
}

extension SessionTable {
    /// The sessions that have a workspace, in the order of their creation: those that have not ended.
    package func users(of key: WorkspaceKey) -> [WorkspaceUser] {
        list(tenant: key.tenant).compactMap { session in
            guard !session.machine.hasEnded, case .named(key.name, let isShared) = session.spec.workspace
            else {
                return nil
            }
            return WorkspaceUser(session.id, isShared: isShared)
        }
    }
}
