extension Migration {
    /// Tokens without their secrets. They go with their tenant, so that a later one of its name has none of them.
    static let seventh = Migration(
        version: 7,
        text: """
            CREATE TABLE tokens (
                id INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 0 AND 4294967295),
                name TEXT NOT NULL \(name("name")),
                role TEXT NOT NULL \(word("role")),
                tenant TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
                digest TEXT NOT NULL CHECK (length(digest) = 64),
                created INTEGER NOT NULL CHECK (created >= 0),
                expires INTEGER CHECK (expires >= 0),
                revoked INTEGER CHECK (revoked >= 0)
            ) STRICT;
            CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked IS NULL;
            CREATE INDEX tokens_by_tenant ON tokens (tenant);
            """)
}
