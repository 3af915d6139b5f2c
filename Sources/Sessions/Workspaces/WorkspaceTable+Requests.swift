// What is asked for: each is an intent, which is recorded before anything follows from it.

extension WorkspaceTable {
    package enum Creation: Hashable, Sendable {
        case new(NamedWorkspace)
        /// The same request made it before.
        case existing(NamedWorkspace)
    }

    /// - Parameters:
    ///   - isImport: whether it is to be filled from an archive, and to be gone if it is not.
    ///   - wall: now, in milliseconds since 1970.
    package mutating func create(
        _ key: WorkspaceKey, _ quota: WorkspaceQuota, from source: WorkspaceSource? = nil,
        isImport: Bool = false, idempotencyKey: IdempotencyKey? = nil, at wall: Int64
    ) throws(WorkspaceRefusal) -> Creation {
        if let idempotencyKey,
            let earlier = workspaces.values.first(where: { made($0, by: idempotencyKey, key) })
        {
            let field = difference(earlier, key, quota, source)
            if let field { throw .keyReused(idempotencyKey, earlier.key.name, field: field) }
            return .existing(earlier)
        }
        if let other = workspaces[key] {
            throw other.state == .unrecorded ? .existsUnrecorded(key.name) : .exists(key.name)
        }
        guard workspaces.count < Self.limit else { throw .tooMany(limit: Self.limit) }
        var quota = quota
        if let source { quota = try self.quota(of: source, key.tenant, over: quota) }
        var workspace = NamedWorkspace(
            key, state: .creating, quota: quota, source: source, idempotencyKey: idempotencyKey, created: wall
        )
        workspace.isImport = isImport
        workspaces[key] = workspace
        return .new(workspace)
    }

    private func made(_ workspace: NamedWorkspace, by idempotencyKey: IdempotencyKey, _ key: WorkspaceKey)
        -> Bool
    {
        workspace.key.tenant == key.tenant && workspace.idempotencyKey == idempotencyKey
    }

    /// The first field in which a request differs from the one that made a workspace, as far as that is known: its
    /// limits may have been changed since.
    private func difference(
        _ earlier: NamedWorkspace, _ key: WorkspaceKey, _ quota: WorkspaceQuota, _ source: WorkspaceSource?
    ) -> String? {
        if earlier.key != key { return "name" }
        if earlier.source != source { return "snapshot" }
        return earlier.quota.allowsSoft != quota.allowsSoft ? "soft" : nil
    }

    /// What is not asked for is what the other one has.
    private func quota(
        of source: WorkspaceSource, _ tenant: Name, over asked: WorkspaceQuota
    ) throws(WorkspaceRefusal) -> WorkspaceQuota {
        let key = WorkspaceKey(source.workspace, of: tenant)
        guard let other = workspaces[key] else { throw .unknown(source.workspace.description) }
        guard [.ready, .resizing].contains(other.state) else { throw .notReady(key.name, other.state) }
        if let name = source.snapshot { try needReady(SnapshotKey(name, of: key)) }
        return WorkspaceQuota(
            bytes: asked.bytes ?? other.quota.bytes, inodes: asked.inodes ?? other.quota.inodes,
            allowsSoft: asked.allowsSoft)
    }

    /// The archive is in it.
    /// - Returns: false where it waits for none.
    package mutating func imported(_ key: WorkspaceKey) -> Bool {
        guard workspaces[key]?.state == .importing else { return false }
        workspaces[key]?.state = .ready
        workspaces[key]?.isImport = false
        return true
    }

    /// Makes a record of a volume that has none.
    /// - Parameter quota: the limits that it has.
    package mutating func adopt(
        _ key: WorkspaceKey, _ quota: WorkspaceQuota, at wall: Int64
    ) throws(WorkspaceRefusal) -> NamedWorkspace {
        guard workspaces[key]?.state == .unrecorded else { throw .notUnrecorded(key.name) }
        let workspace = NamedWorkspace(key, state: .ready, quota: quota, created: wall)
        workspaces[key] = workspace
        return workspace
    }

    /// The snapshots of an adopted workspace that have no record either come with it.
    package mutating func adoptSnapshots(of key: WorkspaceKey) -> [SnapshotKey] {
        let own = snapshots(of: key).filter { $0.state == .unrecorded }.map(\.key)
        for snapshot in own {
            snapshots[snapshot]?.state = .ready
            snapshots[snapshot]?.bytes = workspaces[key]?.quota.bytes
        }
        return own
    }

    package mutating func resize(
        _ key: WorkspaceKey, bytes: UInt64?, inodes: UInt64?
    ) throws(WorkspaceRefusal) -> NamedWorkspace {
        var workspace = try ready(key)
        workspace.state = .resizing
        workspace.wanted = workspace.quota.changed(bytes: bytes, inodes: inodes)
        workspaces[key] = workspace
        return workspace
    }

    package mutating func restore(
        _ key: WorkspaceKey, from snapshot: Name, users: [WorkspaceUser]
    ) throws(WorkspaceRefusal) -> NamedWorkspace {
        var workspace = try ready(key)
        try refuse(users, of: key)
        try needReady(SnapshotKey(snapshot, of: key))
        workspace.state = .restoring
        workspace.restoring = snapshot
        workspaces[key] = workspace
        return workspace
    }

    /// - Parameter withSnapshots: whether they go as well; else it must have none.
    package mutating func remove(
        _ key: WorkspaceKey, withSnapshots: Bool, users: [WorkspaceUser]
    ) throws(WorkspaceRefusal) -> NamedWorkspace {
        guard var workspace = workspaces[key] else { throw .unknown(key.name.description) }
        // Also one that is being removed: that may have been asked for in vain.
        guard [.ready, .importing, .lost, .unrecorded, .removing].contains(workspace.state) else {
            throw .notReady(key.name, workspace.state)
        }
        try refuse(users, of: key)
        let own = snapshots(of: key)
        if !own.isEmpty, !withSnapshots, workspace.state != .removing {
            throw .hasSnapshots(key.name, own.map(\.key.name))
        }
        // What is on its way would be asked for a second time.
        if workspace.state != .removing,
            let other = own.first(where: { [.creating, .removing].contains($0.state) })
        {
            throw .snapshotNotReady(other.key.name, other.state)
        }
        workspace.state = .removing
        workspaces[key] = workspace
        return workspace
    }

    package mutating func snapshot(
        _ key: SnapshotKey, at wall: Int64
    ) throws(WorkspaceRefusal) -> WorkspaceSnapshot {
        let workspace = try ready(key.workspace)
        if snapshots[key] != nil { throw .snapshotExists(key.name, of: key.workspace.name) }
        guard snapshots(of: key.workspace).count < Self.snapshotLimit else {
            throw .tooManySnapshots(key.workspace.name, limit: Self.snapshotLimit)
        }
        let snapshot = WorkspaceSnapshot(
            key, state: .creating, bytes: workspace.quota.bytes, created: wall)
        snapshots[key] = snapshot
        return snapshot
    }

    package mutating func removeSnapshot(_ key: SnapshotKey) throws(WorkspaceRefusal) -> WorkspaceSnapshot {
        guard var snapshot = snapshots[key] else {
            throw .unknownSnapshot(key.name.description, of: key.workspace.name)
        }
        if snapshot.state == .creating { throw .snapshotNotReady(key.name, snapshot.state) }
        if let workspace = workspaces[key.workspace],
            workspace.restoring == key.name || workspace.state == .removing
        {
            throw .notReady(workspace.key.name, workspace.state)
        }
        snapshot.state = .removing
        snapshots[key] = snapshot
        return snapshot
    }

    private func ready(_ key: WorkspaceKey) throws(WorkspaceRefusal) -> NamedWorkspace {
        guard let workspace = workspaces[key] else { throw .unknown(key.name.description) }
        guard workspace.state == .ready else { throw .notReady(key.name, workspace.state) }
        return workspace
    }

    private func needReady(_ key: SnapshotKey) throws(WorkspaceRefusal) {
        guard let snapshot = snapshots[key] else {
            throw .unknownSnapshot(key.name.description, of: key.workspace.name)
        }
        guard snapshot.state == .ready else { throw .snapshotNotReady(key.name, snapshot.state) }
    }

    private func refuse(_ users: [WorkspaceUser], of key: WorkspaceKey) throws(WorkspaceRefusal) {
        if let user = users.first { throw .inUse(key.name, by: user.session, others: users.count - 1) }
    }
}
