extension Migration {
    /// The tables of docs/store.md.
    ///
    /// Checks that a row can be judged by alone are here as well as in the daemon: they also tell, when
    /// the file is opened, that a value was damaged. `live` is 1 until nothing of it is left outside.
    static let first = Migration(
        version: 1,
        text: """
            CREATE TABLE meta (
                key TEXT NOT NULL PRIMARY KEY,
                value TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE tenants (
                name TEXT NOT NULL PRIMARY KEY \(name("name")),
                created_wall INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE sessions (
                id TEXT NOT NULL PRIMARY KEY \(id("id")),
                name TEXT \(name("name")),
                tenant TEXT NOT NULL REFERENCES tenants (name),
                profile TEXT NOT NULL,
                image TEXT NOT NULL,
                spec TEXT NOT NULL,
                request_key TEXT,
                request_digest TEXT,
                created_wall INTEGER NOT NULL,
                created_boot INTEGER NOT NULL CHECK (created_boot >= 0),
                state TEXT NOT NULL \(word("state")),
                live INTEGER NOT NULL CHECK (live IN (0, 1)),
                cause TEXT \(word("cause")),
                started_wall INTEGER,
                started_boot INTEGER CHECK (started_boot >= 0),
                ended_wall INTEGER,
                ended_boot INTEGER CHECK (ended_boot >= 0),
                boot TEXT NOT NULL,
                warden TEXT,
                ttl_deadline INTEGER CHECK (ttl_deadline >= 0),
                idle_deadline INTEGER CHECK (idle_deadline >= 0),
                max_deadline INTEGER CHECK (max_deadline >= 0),
                last_use INTEGER NOT NULL CHECK (last_use >= 0),
                removals INTEGER NOT NULL CHECK (removals >= 0),
                CHECK ((request_key IS NULL) = (request_digest IS NULL)),
                CHECK ((started_wall IS NULL) = (started_boot IS NULL)),
                CHECK ((ended_wall IS NULL) = (ended_boot IS NULL)),
                CHECK (live = 1 OR ended_wall IS NOT NULL)
            ) STRICT;
            CREATE INDEX sessions_by_time ON sessions (created_wall, id);
            CREATE INDEX sessions_live ON sessions (created_wall) WHERE live = 1;
            CREATE INDEX sessions_over ON sessions (ended_wall) WHERE live = 0;
            CREATE UNIQUE INDEX sessions_by_name ON sessions (tenant, name) WHERE live = 1;
            CREATE UNIQUE INDEX sessions_by_request ON sessions (tenant, request_key)
                WHERE request_key IS NOT NULL;

            CREATE TABLE labels (
                session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (session, key)
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE processes (
                id TEXT NOT NULL PRIMARY KEY \(id("id")),
                session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
                name TEXT \(name("name")),
                kind TEXT NOT NULL CHECK (kind IN ('exec', 'managed')),
                argv TEXT NOT NULL,
                created_wall INTEGER NOT NULL,
                created_boot INTEGER NOT NULL CHECK (created_boot >= 0),
                state TEXT NOT NULL \(word("state")),
                live INTEGER NOT NULL CHECK (live IN (0, 1)),
                cause TEXT \(word("cause")),
                exit_code INTEGER,
                exit_signal INTEGER,
                started_wall INTEGER,
                started_boot INTEGER CHECK (started_boot >= 0),
                ended_wall INTEGER,
                ended_boot INTEGER CHECK (ended_boot >= 0),
                peak_memory INTEGER CHECK (peak_memory >= 0),
                cpu INTEGER CHECK (cpu >= 0),
                stdout_bytes INTEGER NOT NULL CHECK (stdout_bytes >= 0),
                stderr_bytes INTEGER NOT NULL CHECK (stderr_bytes >= 0),
                stdout_cut INTEGER NOT NULL CHECK (stdout_cut >= 0),
                stderr_cut INTEGER NOT NULL CHECK (stderr_cut >= 0),
                restarts INTEGER NOT NULL CHECK (restarts >= 0),
                CHECK (exit_code IS NULL OR exit_signal IS NULL),
                CHECK ((started_wall IS NULL) = (started_boot IS NULL)),
                CHECK ((ended_wall IS NULL) = (ended_boot IS NULL)),
                CHECK (live = 1 OR ended_wall IS NOT NULL)
            ) STRICT;
            CREATE INDEX processes_by_session ON processes (session, created_wall, id);
            CREATE INDEX processes_over ON processes (ended_wall) WHERE live = 0;
            CREATE UNIQUE INDEX processes_by_name ON processes (session, name) WHERE live = 1;

            CREATE TABLE results (
                process TEXT NOT NULL PRIMARY KEY REFERENCES processes (id) ON DELETE CASCADE,
                kept_wall INTEGER NOT NULL,
                stdout BLOB NOT NULL,
                stderr BLOB NOT NULL
            ) STRICT;
            CREATE INDEX results_by_time ON results (kept_wall);

            CREATE TABLE changes (
                seq INTEGER PRIMARY KEY AUTOINCREMENT,
                session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
                process TEXT REFERENCES processes (id) ON DELETE CASCADE,
                from_state TEXT,
                to_state TEXT NOT NULL,
                wall INTEGER NOT NULL,
                boot INTEGER NOT NULL CHECK (boot >= 0),
                why TEXT NOT NULL
            ) STRICT;
            CREATE INDEX changes_by_session ON changes (session, seq);
            CREATE INDEX changes_by_process ON changes (process);
            CREATE TRIGGER changes_stay BEFORE UPDATE ON changes
                BEGIN SELECT RAISE(ABORT, 'the history is not rewritten'); END;

            CREATE TABLE audit (
                seq INTEGER PRIMARY KEY AUTOINCREMENT,
                wall INTEGER NOT NULL,
                uid INTEGER,
                token TEXT,
                tenant TEXT,
                what TEXT NOT NULL,
                object TEXT,
                outcome TEXT NOT NULL,
                trace TEXT,
                previous TEXT NOT NULL CHECK (length(previous) = 64),
                digest TEXT NOT NULL CHECK (length(digest) = 64)
            ) STRICT;
            CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
                BEGIN SELECT RAISE(ABORT, 'audit records are not altered'); END;
            CREATE TRIGGER audit_remains BEFORE DELETE ON audit
                BEGIN SELECT RAISE(ABORT, 'audit records are not removed'); END;
            """)

    /// 16 hexadecimal digits.
    private static func id(_ column: String) -> String {
        "CHECK (length(\(column)) = 16 AND \(column) NOT GLOB '*[^0-9a-f]*')"
    }

    /// What sessions, tenants and managed processes may be called; NULL passes.
    static func name(_ column: String) -> String {
        "CHECK (length(\(column)) BETWEEN 1 AND 63 AND \(column) NOT GLOB '*[^a-z0-9._-]*' "
            + "AND \(column) GLOB '[a-z0-9]*')"
    }

    /// A state or a cause.
    static func word(_ column: String) -> String {
        "CHECK (length(\(column)) BETWEEN 1 AND 32 AND \(column) NOT GLOB '*[^a-z-]*')"
    }
}
