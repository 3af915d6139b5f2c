/// What is kept of a workspace that outlives sessions. Moments are milliseconds since 1970.
package struct WorkspaceRecord: Hashable, Sendable {
    package let tenant: String
    package let name: String
    package var state: String
    /// The most that it may hold; nil for no limit.
    package var bytes: UInt64?
    package var inodes: UInt64?
    /// While its size is changed: what it is to have.
    package var wantedBytes: UInt64?
    package var wantedInodes: UInt64?
    /// Whether limits that nothing enforces will do.
    package var allowsSoft: Bool
    /// The workspace, and the snapshot of it, that it was made from.
    package var source: String?
    package var sourceSnapshot: String?
    /// While it is restored: the snapshot.
    package var restoring: String?
    /// What keeps its limits.
    package var driver: String?
    /// The client's idempotency key.
    package var requestKey: String?
    package let created: Int64
    package var lastUsed: Int64?

    package init(tenant: String, name: String, state: String, allowsSoft: Bool = false, created: Int64) {
        self.tenant = tenant
        self.name = name
        self.state = state
        self.allowsSoft = allowsSoft
        self.created = created
    }
}

/// What is kept of a snapshot of a workspace.
package struct SnapshotRecord: Hashable, Sendable {
    package let tenant: String
    package let workspace: String
    package let name: String
    package var state: String
    /// The most that it may hold.
    package var bytes: UInt64?
    /// Milliseconds since 1970.
    package let created: Int64

    package init(
        tenant: String, workspace: String, name: String, state: String, bytes: UInt64? = nil, created: Int64
    ) {
        self.tenant = tenant
        self.workspace = workspace
        self.name = name
        self.state = state
        self.bytes = bytes
        self.created = created
    }
}
