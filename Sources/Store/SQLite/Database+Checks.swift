private enum CheckQueries {
    static let application = Query("read application_id", "PRAGMA application_id")
    static let version = Query("read user_version", "PRAGMA user_version")
    static let contents = Query("check the file", "PRAGMA integrity_check(1)")
    static let references = Query("check references", "PRAGMA foreign_key_check")
    static let tables = Query("list the tables", "SELECT name FROM sqlite_schema WHERE type = 'table'")
    static let table = Query(
        "check a table", "SELECT integrity_check FROM pragma_integrity_check(:table) LIMIT 1")
    static let referencesOfTable = Query(
        "check a table's references", "SELECT \"table\" FROM pragma_foreign_key_check(:table) LIMIT 1")
    static let pages = Query("check the pages", "PRAGMA quick_check(1)")
    static let logging = Query("keep a log", "PRAGMA journal_mode = WAL")
    static let synchronous = Query("read synchronous", "PRAGMA synchronous")
}

extension Database {
    /// Says in the file's header that it is Corral's: "CRRL".
    static let applicationID: Int64 = 0x4352_524C

    /// In bytes.
    static let pageSize: Int64 = 4096

    /// Finds out whose the file is.
    /// - Parameter known: the latest version of the schema that this program can use.
    /// - Returns: the file's version of the schema.
    func checkVersion(knowing known: Int64) throws(StoreError) -> Int64 {
        let application = try number(CheckQueries.application, "application_id")
        guard application == Self.applicationID else {
            throw .damaged(path: path, problem: "it is not a database of Corral's")
        }
        let version = try number(CheckQueries.version, "user_version")
        guard version <= known else { throw .newer(path: path, version: version, known: known) }
        guard version > 0 else { throw .damaged(path: path, problem: "its version is \(version)") }
        return version
    }

    /// Tables that grow with all that ever happened, and that nothing is decided by alone.
    private static let history: Set<String> = ["processes", "results", "changes", "audit"]

    /// Looks at every page and every index: nothing of a file that has a wrong one is used.
    func checkContents() throws(StoreError) {
        try checkHeader()
        try check(CheckQueries.contents, "integrity_check")
        try checkReferences(CheckQueries.references)
    }

    /// The same with the free pages and every table but those of the history, whose size does not matter then.
    func checkStanding() throws(StoreError) {
        try checkHeader()
        // With this name sqlite looks at the list of free pages too.
        try checkTable("sqlite_schema")
        for name in try tables() where !Self.history.contains(name) { try checkTable(name) }
    }

    /// What ``checkStanding()`` leaves out. Each pass sees the file as it is at its own beginning, and no pass
    /// keeps the log from going into the file for longer than it takes itself.
    func checkHistory() throws(StoreError) {
        for name in try tables() where Self.history.contains(name) { try checkTable(name) }
        // Pages that two tables have, or none has, are nothing that a look at one table can find.
        try check(CheckQueries.pages, "quick_check")
    }

    /// Finds a header that asks for a way of writing that no sqlite has.
    private func checkHeader() throws(StoreError) {
        if refusesWrites { throw .damaged(path: path, problem: "its header forbids writing") }
    }

    private func tables() throws(StoreError) -> [String] {
        try rows(CheckQueries.tables) { (row) throws(StoreError) in try row.text("name") }
    }

    private func checkTable(_ name: String) throws(StoreError) {
        try check(CheckQueries.table, "integrity_check", ["table": .text(name)])
        try checkReferences(CheckQueries.referencesOfTable, ["table": .text(name)])
    }

    private func check(_ query: Query, _ column: String, _ values: SQLValues = [:]) throws(StoreError) {
        let found = try first(query, values) { (row) throws(StoreError) in try row.text(column) }
        if found != "ok" { throw .damaged(path: path, problem: found ?? "the check said nothing") }
    }

    private func checkReferences(_ query: Query, _ values: SQLValues = [:]) throws(StoreError) {
        let orphan = try first(query, values) { (row) throws(StoreError) in try row.text("table") }
        if let orphan {
            throw .damaged(path: path, problem: "a row of \(orphan) refers to one that is not there")
        }
    }

    /// How it is written from now on.
    func prepareForUse() throws(StoreError) {
        let mode = try first(CheckQueries.logging) { (row) throws(StoreError) in try row.text("journal_mode")
        }
        guard mode == "wal" else {
            throw .place(
                path: path, problem: "is on a file system that sqlite can keep no log on (a network's?)")
        }
        // FULL: a transaction is on the device when it ends. Temporary tables never leave memory, what is
        // deleted is overwritten, and a cell that does not fit its page is noticed when it is read. The log goes into
        // the file when it has 16 MiB: most of it are the same few pages again, so to move it costs as much at the
        // usual 4, and whoever records meanwhile waits. Its room is kept, since to write where a file has been is
        // what a device is quicker with than to make it longer.
        try execute(
            "settings",
            """
            PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
            PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = 4096;
            PRAGMA journal_size_limit = 33554432;
            """)
        guard try number(CheckQueries.synchronous, "synchronous") == 2 else {
            throw .place(path: path, problem: "cannot be written durably: sqlite refuses synchronous=FULL")
        }
    }

    private func number(_ query: Query, _ column: String) throws(StoreError) -> Int64 {
        let value = try first(query) { (row) throws(StoreError) in try row.integer(column) }
        guard let value else { throw .damaged(path: path, problem: "\(column) is missing") }
        return value
    }
}
