extension Migration {
    /// Quotas of tenants, and what was spent of those that are counted by the minute, the hour and the day: the
    /// records of execs do not tell that, since they go earlier.
    static let fifth = Migration(
        version: 5,
        text: """
            ALTER TABLE tenants ADD COLUMN quotas TEXT NOT NULL DEFAULT '{}';
            CREATE TABLE spent (
                tenant TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
                quota TEXT NOT NULL,
                start INTEGER NOT NULL CHECK (start >= 0),
                amount INTEGER NOT NULL CHECK (amount >= 0),
                PRIMARY KEY (tenant, quota)
            ) STRICT, WITHOUT ROWID;
            """)
}
