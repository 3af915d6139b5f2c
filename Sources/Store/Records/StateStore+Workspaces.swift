// Recording and reading workspaces and their snapshots.

private enum WorkspaceQueries {
    static let put = Query(
        "put workspace",
        """
        INSERT INTO workspaces (
            tenant, name, state, bytes, inodes, wanted_bytes, wanted_inodes, soft, source, source_snapshot,
            restoring, driver, request_key, created_wall, used_wall
        ) VALUES (
            :tenant, :name, :state, :bytes, :inodes, :wanted_bytes, :wanted_inodes, :soft, :source,
            :source_snapshot, :restoring, :driver, :request_key, :created_wall, :used_wall
        ) ON CONFLICT (tenant, name) DO UPDATE SET
            state = excluded.state, bytes = excluded.bytes, inodes = excluded.inodes,
            wanted_bytes = excluded.wanted_bytes, wanted_inodes = excluded.wanted_inodes,
            soft = excluded.soft, source = excluded.source, source_snapshot = excluded.source_snapshot,
            restoring = excluded.restoring, driver = excluded.driver, request_key = excluded.request_key,
            used_wall = excluded.used_wall
        """)
    static let drop = Query(
        "drop workspace", "DELETE FROM workspaces WHERE tenant = :tenant AND name = :name")
    static let all = Query("list workspaces", "SELECT * FROM workspaces ORDER BY tenant, name")
    static let putSnapshot = Query(
        "put snapshot",
        """
        INSERT INTO snapshots (tenant, workspace, name, state, bytes, created_wall)
        VALUES (:tenant, :workspace, :name, :state, :bytes, :created_wall)
        ON CONFLICT (tenant, workspace, name) DO UPDATE SET state = excluded.state, bytes = excluded.bytes
        """)
    static let dropSnapshot = Query(
        "drop snapshot",
        "DELETE FROM snapshots WHERE tenant = :tenant AND workspace = :workspace AND name = :name")
    static let snapshots = Query(
        "list snapshots", "SELECT * FROM snapshots ORDER BY tenant, workspace, name")
}

extension StateStore {
    /// Every workspace, sorted by tenant and name.
    package func workspaces() throws(StoreError) -> [WorkspaceRecord] {
        try database.rows(WorkspaceQueries.all) { (row) throws(StoreError) in try WorkspaceRecord(row) }
    }

    /// Every snapshot of every workspace.
    package func snapshots() throws(StoreError) -> [SnapshotRecord] {
        try database.rows(WorkspaceQueries.snapshots) { (row) throws(StoreError) in try SnapshotRecord(row) }
    }

    func put(_ workspace: WorkspaceRecord) throws(StoreError) -> Outcome {
        guard try hasTenant(workspace.tenant) else { return .noTenant(workspace.tenant) }
        try database.run(
            WorkspaceQueries.put,
            [
                "tenant": .text(workspace.tenant), "name": .text(workspace.name),
                "state": .text(workspace.state), "bytes": .optional(workspace.bytes),
                "inodes": .optional(workspace.inodes), "wanted_bytes": .optional(workspace.wantedBytes),
                "wanted_inodes": .optional(workspace.wantedInodes), "soft": .flag(workspace.allowsSoft),
                "source": .optional(workspace.source),
                "source_snapshot": .optional(workspace.sourceSnapshot),
                "restoring": .optional(workspace.restoring), "driver": .optional(workspace.driver),
                "request_key": .optional(workspace.requestKey), "created_wall": .integer(workspace.created),
                "used_wall": .optional(workspace.lastUsed),
            ])
        return .done
    }

    func dropWorkspace(_ name: String, of tenant: String) throws(StoreError) -> Outcome {
        let count = try database.run(WorkspaceQueries.drop, ["tenant": .text(tenant), "name": .text(name)])
        return count > 0 ? .done : .missing(id: name)
    }

    func put(_ snapshot: SnapshotRecord) throws(StoreError) -> Outcome {
        guard try hasTenant(snapshot.tenant) else { return .noTenant(snapshot.tenant) }
        try database.run(
            WorkspaceQueries.putSnapshot,
            [
                "tenant": .text(snapshot.tenant), "workspace": .text(snapshot.workspace),
                "name": .text(snapshot.name), "state": .text(snapshot.state),
                "bytes": .optional(snapshot.bytes), "created_wall": .integer(snapshot.created),
            ])
        return .done
    }

    func dropSnapshot(
        _ name: String, of workspace: String, _ tenant: String
    ) throws(StoreError) -> Outcome {
        let count = try database.run(
            WorkspaceQueries.dropSnapshot,
            ["tenant": .text(tenant), "workspace": .text(workspace), "name": .text(name)])
        return count > 0 ? .done : .missing(id: name)
    }
}

extension WorkspaceRecord {
    init(_ row: Row) throws(StoreError) {
        self.init(
            tenant: try row.text("tenant"), name: try row.text("name"), state: try row.text("state"),
            allowsSoft: try row.flag("soft"), created: try row.integer("created_wall"))
        bytes = try row.optionalUnsigned("bytes")
        inodes = try row.optionalUnsigned("inodes")
        wantedBytes = try row.optionalUnsigned("wanted_bytes")
        wantedInodes = try row.optionalUnsigned("wanted_inodes")
        source = try row.optionalText("source")
        sourceSnapshot = try row.optionalText("source_snapshot")
        restoring = try row.optionalText("restoring")
        driver = try row.optionalText("driver")
        requestKey = try row.optionalText("request_key")
        lastUsed = try row.optionalInteger("used_wall")
    }
}

extension SnapshotRecord {
    init(_ row: Row) throws(StoreError) {
        self.init(
            tenant: try row.text("tenant"), workspace: try row.text("workspace"), name: try row.text("name"),
            state: try row.text("state"), bytes: try row.optionalUnsigned("bytes"),
            created: try row.integer("created_wall"))
    }
}
