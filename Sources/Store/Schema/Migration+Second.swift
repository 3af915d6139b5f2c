extension Migration {
    /// What a daemon needs to go on exactly where the one before it stopped: how long a stop's grace lasts,
    /// what a session lives by, how often a process has failed and when it is started again. And audit
    /// records that are old enough may go, from the beginning of the chain only.
    ///
    /// A session without `leases` was made by a daemon of version 1: what it lives by is in its request.
    static let second = Migration(
        version: 2,
        text: """
            ALTER TABLE sessions ADD COLUMN ttl INTEGER CHECK (ttl >= 0);
            ALTER TABLE sessions ADD COLUMN idle INTEGER CHECK (idle >= 0);
            ALTER TABLE sessions ADD COLUMN leases TEXT;
            ALTER TABLE sessions ADD COLUMN kill_at INTEGER CHECK (kill_at >= 0);
            ALTER TABLE sessions ADD COLUMN problem TEXT NOT NULL DEFAULT '';
            ALTER TABLE processes ADD COLUMN problem TEXT NOT NULL DEFAULT '';
            ALTER TABLE processes ADD COLUMN failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0);
            ALTER TABLE processes ADD COLUMN next_at INTEGER CHECK (next_at >= 0);

            DROP TRIGGER audit_remains;
            CREATE TRIGGER audit_remains BEFORE DELETE ON audit
                WHEN old.seq > coalesce(
                    (SELECT CAST(substr(value, 1, instr(value, ' ') - 1) AS INTEGER)
                        FROM meta WHERE key = 'audit'), 0)
                BEGIN SELECT RAISE(ABORT, 'audit records are not removed'); END;
            """)
}
