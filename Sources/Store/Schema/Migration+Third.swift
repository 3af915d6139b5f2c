extension Migration {
    /// Workspaces that outlive sessions, and what they held at some moments. A snapshot has no reference to its
    /// workspace: a volume of one can be there, and be recorded as such, when the other's is lost.
    static let third = Migration(
        version: 3,
        text: """
            CREATE TABLE workspaces (
                tenant TEXT NOT NULL REFERENCES tenants (name),
                name TEXT NOT NULL \(name("name")),
                state TEXT NOT NULL \(word("state")),
                bytes INTEGER CHECK (bytes >= 0),
                inodes INTEGER CHECK (inodes >= 0),
                wanted_bytes INTEGER CHECK (wanted_bytes >= 0),
                wanted_inodes INTEGER CHECK (wanted_inodes >= 0),
                soft INTEGER NOT NULL CHECK (soft IN (0, 1)),
                source TEXT \(name("source")),
                source_snapshot TEXT \(name("source_snapshot")),
                restoring TEXT \(name("restoring")),
                driver TEXT,
                request_key TEXT,
                created_wall INTEGER NOT NULL,
                used_wall INTEGER,
                PRIMARY KEY (tenant, name),
                CHECK (source_snapshot IS NULL OR source IS NOT NULL)
            ) STRICT, WITHOUT ROWID;
            CREATE UNIQUE INDEX workspaces_by_request ON workspaces (tenant, request_key)
                WHERE request_key IS NOT NULL;

            CREATE TABLE snapshots (
                tenant TEXT NOT NULL REFERENCES tenants (name),
                workspace TEXT NOT NULL \(name("workspace")),
                name TEXT NOT NULL \(name("name")),
                state TEXT NOT NULL \(word("state")),
                created_wall INTEGER NOT NULL,
                PRIMARY KEY (tenant, workspace, name)
            ) STRICT, WITHOUT ROWID;
            """)
}
