import Linux

extension StateStore {
    /// Opens the store of a state directory, and begins one where there is none.
    ///
    /// A damaged file is set aside with everything beside it, and a new one begun; one that a newer
    /// Corral wrote is refused and left as it is. Of a large file the history is not looked at before: that
    /// is for who opens it to do, see ``OpenedStore/unchecked``.
    /// - Parameters:
    ///   - directory: an absolute path; the directory must be ours alone.
    ///   - wall: the time, in milliseconds since 1970.
    package static func open(in directory: String, at wall: Int64) throws(StoreError) -> OpenedStore {
        try open(in: directory, at: wall, migrations: Migration.all)
    }

    static func open(
        in directory: String, at wall: Int64, migrations: [Migration]
    ) throws(StoreError) -> OpenedStore {
        var opened = try openDatabase(in: directory, at: wall, migrations)
        // What cannot be put right now is found, and told, by whatever looks at the archives next.
        try? opened.store.settleArchives()
        opened.auditLoss = try opened.store.openHead(isNew: opened.migratedFrom != nil)
        return opened
    }

    private static func openDatabase(
        in directory: String, at wall: Int64, _ migrations: [Migration]
    ) throws(StoreError) -> OpenedStore {
        let place = try StorePlace.open(directory)
        try place.check()
        if try place.size(of: StorePlace.name) == nil {
            return try begin(place, at: wall, migrations, setAside: try orphans(of: place, at: wall))
        }
        let problem: String
        do throws(StoreError) {
            return try use(place, migrations)
        } catch {
            guard case .damaged(_, let what) = error else { throw error }
            problem = what
        }
        return try begin(place, at: wall, migrations, setAside: try place.setAside(problem, at: wall))
    }

    /// A log would be taken for the new database's own.
    private static func orphans(
        of place: borrowing StorePlace, at wall: Int64
    ) throws(StoreError) -> SetAside? {
        for suffix in StorePlace.companions where try place.size(of: StorePlace.name + suffix) != nil {
            return try place.setAside("\(StorePlace.name)\(suffix) has no database", at: wall)
        }
        return nil
    }

    /// Opens a database that is there.
    private static func use(
        _ place: borrowing StorePlace, _ migrations: [Migration]
    ) throws(StoreError) -> OpenedStore {
        try checkSizes(of: place)
        let database = try Database.open(place.file)
        let version = try database.checkVersion(knowing: Migration.latest(migrations))
        let isOld = version < Migration.latest(migrations)
        // A migration may read and write everything.
        let isUsual = try isCheckedWhole(place)
        let isWhole = isOld || isUsual
        if isWhole {
            try database.checkContents()
            try place.withdrawCheck()
        } else {
            try database.checkStanding()
        }
        try database.accept()
        try database.prepareForUse()
        if isOld { try database.migrate(from: version, with: migrations) }
        return OpenedStore(
            store: StateStore(database, in: try place.again()), setAside: nil,
            migratedFrom: isOld ? version : nil,
            unchecked: isWhole ? nil : UncheckedHistory(path: place.file))
    }

    /// The most bytes of a database and its log that are checked whole at each opening, which takes a few
    /// tenths of a second then.
    private static let mostCheckedWhole: Int64 = 32 << 20

    private static func isCheckedWhole(_ place: borrowing StorePlace) throws(StoreError) -> Bool {
        let size = try place.size(of: StorePlace.name) ?? 0
        let log = try place.size(of: StorePlace.name + "-wal") ?? 0
        let isOrdered = try place.size(of: StorePlace.checkOrder) != nil
        return size + log <= mostCheckedWhole || isOrdered || !Database.mayUseThreads
    }

    /// Finds what sqlite would put right in a way of its own, as soon as it opened the file.
    private static func checkSizes(of place: borrowing StorePlace) throws(StoreError) {
        let size = try place.size(of: StorePlace.name) ?? 0
        let log = try place.size(of: StorePlace.name + "-wal") ?? 0
        var problem: String?
        if size == 0 {
            // It would be taken for a new one, and the log deleted.
            problem = "it is empty"
        } else if log == 0, size % Database.pageSize != 0 {
            // The missing bytes would be taken for zeros. With a log they may be in there.
            problem = "it ends in the middle of a page"
        } else if try place.size(of: StorePlace.name + "-journal") != nil {
            // It would be written into the file; the store never makes one.
            problem = "a journal that is not ours is beside it"
        }
        if let problem { throw .damaged(path: place.file, problem: problem) }
    }

    /// Makes a database. It gets its name when it is whole, so that one with that name that is not whole
    /// is always a damaged one.
    private static func begin(
        _ place: borrowing StorePlace, at wall: Int64, _ migrations: [Migration], setAside: SetAside?
    ) throws(StoreError) -> OpenedStore {
        for name in StorePlace.names(of: StorePlace.unfinished) { try place.remove(name) }
        try place.make(StorePlace.unfinished)
        do throws(StoreError) {
            // The connection closes at the end of this call, which empties the log into the file.
            try make(place, at: wall, migrations)
            try place.rename(StorePlace.unfinished, to: StorePlace.name)
            try place.synchronise()
        } catch {
            for name in StorePlace.names(of: StorePlace.unfinished) { try? place.remove(name) }
            throw error
        }
        let opened = try use(place, migrations)
        return OpenedStore(store: opened.store, setAside: setAside, migratedFrom: nil, unchecked: nil)
    }

    private static func make(
        _ place: borrowing StorePlace, at wall: Int64, _ migrations: [Migration]
    ) throws(StoreError) {
        let database = try Database.open(place(StorePlace.unfinished))
        try database.accept()
        // Before the first table: these are properties of the file.
        try database.execute("begin a file", "PRAGMA page_size = \(Database.pageSize)")
        try database.execute("begin a file", "PRAGMA auto_vacuum = INCREMENTAL")
        try database.execute("begin a file", "PRAGMA application_id = \(Database.applicationID)")
        try database.prepareForUse()
        try database.migrate(from: 0, with: migrations)
        let store = StateStore(database, in: try place.again())
        try database.transaction { () throws(StoreError) in
            try store.set(.instance, randomID())
            try store.addTenant(StateStore.defaultTenant, at: wall)
        }
    }
}

/// 16 lower-case hexadecimal digits.
private func randomID() -> String {
    let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
