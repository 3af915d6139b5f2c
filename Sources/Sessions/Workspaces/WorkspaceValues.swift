/// What a session's directory for its files is made of.
package enum SessionWorkspace: Hashable, Sendable {
    /// A memory file system of the size that the profile has.
    case memory
    /// A volume of its own, which goes with it.
    case volume(WorkspaceQuota)
    /// One that outlives the session: its name, and whether other sessions that want the same may have it
    /// meanwhile.
    case named(Name, isShared: Bool)
    /// A directory of the host, in the form that `checkPath` wants, and what the request wishes for it: nothing keeps
    /// a limit there.
    case directory(String, WorkspaceQuota?)

    /// Whether its files are there after the session.
    package var outlivesSession: Bool {
        switch self {
        case .memory, .volume: false
        case .named, .directory: true
        }
    }

    /// Of one that outlives the session.
    package var name: Name? {
        if case .named(let name, _) = self { name } else { nil }
    }

    /// Of the host's.
    package var directory: String? {
        if case .directory(let path, _) = self { path } else { nil }
    }

    /// The field in which two that differ do, as requests name it.
    func difference(from other: SessionWorkspace) -> String {
        switch (self, other) {
        case (.named(let own, _), .named(let others, _)): own == others ? "workspace_shared" : "workspace"
        case (.named, _), (_, .named): "workspace"
        case (.directory(let own, _), .directory(let others, _)): own == others ? "quota" : "directory"
        case (.directory, _), (_, .directory): "directory"
        default: "quota"
        }
    }
}

/// The most that a workspace may hold.
package struct WorkspaceQuota: Hashable, Sendable {
    /// Nil for no limit.
    package var bytes: UInt64?
    /// Files, directories and links of all kinds; nil for no limit.
    package var inodes: UInt64?
    /// Whether a limit that nothing would enforce will do.
    package var allowsSoft: Bool

    package init(bytes: UInt64? = nil, inodes: UInt64? = nil, allowsSoft: Bool = false) {
        self.bytes = bytes
        self.inodes = inodes
        self.allowsSoft = allowsSoft
    }

    /// What is not stated stays.
    package func changed(bytes: UInt64?, inodes: UInt64?) -> WorkspaceQuota {
        WorkspaceQuota(bytes: bytes ?? self.bytes, inodes: inodes ?? self.inodes, allowsSoft: allowsSoft)
    }
}

/// Which workspace: a name is its tenant's.
package struct WorkspaceKey: Hashable, Comparable, Sendable {
    package let tenant: Name
    package let name: Name

    package init(_ name: Name, of tenant: Name) {
        self.tenant = tenant
        self.name = name
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.tenant, left.name) < (right.tenant, right.name)
    }
}

/// Which snapshot of which workspace.
package struct SnapshotKey: Hashable, Comparable, Sendable {
    package let workspace: WorkspaceKey
    package let name: Name

    package init(_ name: Name, of workspace: WorkspaceKey) {
        self.workspace = workspace
        self.name = name
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.workspace, left.name) < (right.workspace, right.name)
    }
}

/// What the warden has of volumes that outlive sessions.
package enum WorkspaceVolume: Hashable, Sendable {
    case workspace(WorkspaceKey)
    case snapshot(SnapshotKey)

    package var tenant: Name {
        switch self {
        case .workspace(let key): key.tenant
        case .snapshot(let key): key.workspace.tenant
        }
    }
}

/// How far a workspace is. What ends in -ing is on record before it is asked for, and is asked for again by a
/// daemon that finds it so.
package enum WorkspaceState: String, CaseIterable, Sendable {
    case creating, ready, resizing, restoring, removing
    /// Made to be filled from an archive: ready when that is in it, and nothing of it is left else. A daemon that
    /// finds it so removes it.
    case importing
    /// There is a record of it and no volume.
    case lost
    /// There is a volume and no record: left alone until somebody removes or adopts it.
    case unrecorded
}

package enum SnapshotState: String, CaseIterable, Sendable {
    case creating, ready, removing, lost, unrecorded
}

/// What a new workspace begins with: what another one holds now, or held.
package struct WorkspaceSource: Hashable, Sendable {
    package var workspace: Name
    /// Nil for as it is now.
    package var snapshot: Name?

    package init(workspace: Name, snapshot: Name? = nil) {
        self.workspace = workspace
        self.snapshot = snapshot
    }
}

/// A workspace that outlives sessions. Moments are milliseconds since 1970.
package struct NamedWorkspace: Hashable, Sendable {
    package let key: WorkspaceKey
    package var state: WorkspaceState
    /// What holds; while it is made, what it is to have.
    package var quota: WorkspaceQuota
    /// While its size is changed: what it is to have then.
    package var wanted: WorkspaceQuota?
    /// What it was made from; nil for nothing.
    package var source: WorkspaceSource?
    /// While it is restored: the snapshot.
    package var restoring: Name?
    /// What keeps its limits; nil where nobody has told.
    package var driver: String?
    /// Whether it is made to be filled from an archive, which is not in it yet.
    package var isImport = false
    /// Of the request that made it.
    package var idempotencyKey: IdempotencyKey?
    package let created: Int64
    /// When a session began or stopped to have it; nil for never.
    package var lastUsed: Int64?

    package init(
        _ key: WorkspaceKey, state: WorkspaceState, quota: WorkspaceQuota, source: WorkspaceSource? = nil,
        idempotencyKey: IdempotencyKey? = nil, created: Int64
    ) {
        self.key = key
        self.state = state
        self.quota = quota
        self.source = source
        self.idempotencyKey = idempotencyKey
        self.created = created
    }
}

/// What a workspace held at one moment, which is milliseconds since 1970.
package struct WorkspaceSnapshot: Hashable, Sendable {
    package let key: SnapshotKey
    package var state: SnapshotState
    /// The most that it may hold: what its workspace might when it was made; nil for one of which that is not known.
    package var bytes: UInt64?
    package let created: Int64

    package init(_ key: SnapshotKey, state: SnapshotState, bytes: UInt64? = nil, created: Int64) {
        self.key = key
        self.state = state
        self.bytes = bytes
        self.created = created
    }
}
