extension Migration {
    /// Plans of tenants, and what they used by the day, which outlasts the records of what used it.
    static let sixth = Migration(
        version: 6,
        text: """
            ALTER TABLE tenants ADD COLUMN plan TEXT;
            CREATE TABLE usage (
                tenant TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
                day INTEGER NOT NULL,
                session_time INTEGER NOT NULL DEFAULT 0 CHECK (session_time >= 0),
                execs INTEGER NOT NULL DEFAULT 0 CHECK (execs >= 0),
                cpu INTEGER NOT NULL DEFAULT 0 CHECK (cpu >= 0),
                disk INTEGER NOT NULL DEFAULT 0 CHECK (disk >= 0),
                PRIMARY KEY (tenant, day)
            ) STRICT, WITHOUT ROWID;
            """)
}
