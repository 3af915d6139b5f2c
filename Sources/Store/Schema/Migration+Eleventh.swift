extension Migration {
    /// What the store knows of the files that old audit records are put into. A file only grows, and none is
    /// forgotten: one that is gone is told to be.
    static let eleventh = Migration(
        version: 11,
        text: """
            CREATE TABLE archives (
                number INTEGER PRIMARY KEY CHECK (number > 0),
                first INTEGER NOT NULL CHECK (first > 0),
                previous TEXT NOT NULL CHECK (length(previous) = 64),
                last INTEGER NOT NULL CHECK (last >= first),
                digest TEXT NOT NULL CHECK (length(digest) = 64),
                bytes INTEGER NOT NULL CHECK (bytes > 0),
                ended INTEGER NOT NULL CHECK (ended IN (0, 1))
            ) STRICT;
            CREATE TRIGGER archives_follow BEFORE INSERT ON archives
                WHEN new.number <> coalesce((SELECT max(number) FROM archives), 0) + 1
                BEGIN SELECT RAISE(ABORT, 'archives have no gap'); END;
            CREATE TRIGGER archives_grow BEFORE UPDATE ON archives
                WHEN new.number <> old.number OR new.first <> old.first OR new.previous <> old.previous
                    OR new.last <= old.last OR new.bytes <= old.bytes OR old.ended = 1
                BEGIN SELECT RAISE(ABORT, 'archives only grow'); END;
            CREATE TRIGGER archives_remain BEFORE DELETE ON archives
                BEGIN SELECT RAISE(ABORT, 'archives are not forgotten'); END;
            """)
}
