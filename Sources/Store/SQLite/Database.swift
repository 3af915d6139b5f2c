import CSQLite
import Glibc
import Linux

/// One connection to one sqlite file, for one thread.
///
/// Statements are compiled once and kept. Values go in as parameters and never into a text, so no error
/// can show them.
@safe
final class Database {
    /// Of the file, as errors show it.
    let path: String
    private let handle: OpaquePointer
    private var statements: [ObjectIdentifier: Statement] = [:]
    private var isWaiting = true
    /// What sqlite said when it found the file damaged; nil where it never did.
    private(set) var damage: String?
    /// Ends statements early, see ``heed(_:)``.
    private var stop: StopMark?

    /// Opens the file `path`, which must exist and whose place must have been checked.
    ///
    /// What there is must be accepted (see ``accept()``) before the file is written to: until then not
    /// even closing it changes it.
    /// - Parameter writes: false for a connection that can only read.
    static func open(_ path: String, writes: Bool = true) throws(StoreError) -> Database {
        var handle: OpaquePointer?
        // NOMUTEX: one thread, which the compiler sees to, as this type is not Sendable.
        let access = writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY
        let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = unsafe sqlite3_open_v2(path, &handle, flags, nil)
        guard let handle = unsafe handle else {
            throw .system(SystemError("sqlite3_open", path, .outOfMemory))
        }
        let database = unsafe Database(path, owning: handle)
        if code != SQLITE_OK { throw database.failure("open") }
        try database.configure()
        return database
    }

    private init(_ path: String, owning handle: OpaquePointer) {
        self.path = path
        unsafe self.handle = handle
    }

    deinit {
        statements = [:]
        unsafe sqlite3_close(handle)
    }

    /// Settings of the connection, which change nothing in the file.
    private func configure() throws(StoreError) {
        let switches: [(Int32, Int32)] = [
            // Closing must leave a damaged or newer file, and its log, as they are.
            (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1),
            // Statements cannot write to the schema, nor make the file unreadable.
            (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0),
            // The schema is in a file, which others may have written: it gets no function with effects.
            (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0), (SQLITE_DBCONFIG_ENABLE_VIEW, 0),
            (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0), (SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0),
            // "x" is a column and never a text.
            (SQLITE_DBCONFIG_DQS_DDL, 0), (SQLITE_DBCONFIG_DQS_DML, 0),
            (SQLITE_DBCONFIG_ENABLE_FKEY, 1), (SQLITE_DBCONFIG_ENABLE_TRIGGER, 1),
        ]
        for (option, value) in switches
        where unsafe corral_sqlite_configure(handle, option, value) != SQLITE_OK {
            throw failure("configure")
        }
        unsafe sqlite3_busy_timeout(handle, Self.patience)
        unsafe sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0)
        unsafe sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, Self.largestValue)
    }

    /// How long to wait for another program's lock, in milliseconds: the daemon's only thread waits.
    private static let patience: Int32 = 500

    /// The most bytes of a text, a blob or a row.
    private static let largestValue: Int32 = 64 << 20

    /// From now on closing the connection tidies up: its log goes into the file and away.
    func accept() throws(StoreError) {
        if unsafe corral_sqlite_configure(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0) != SQLITE_OK {
            throw failure("configure")
        }
    }

    /// Has statements fail soon after `stop` was set, by whatever thread.
    func heed(_ stop: StopMark) {
        self.stop = stop
        let mark = unsafe Unmanaged.passUnretained(stop).toOpaque()
        unsafe sqlite3_progress_handler(handle, 10_000, isStopped, mark)
    }

    /// Whether sqlite will not write to the file, although it may.
    var refusesWrites: Bool { unsafe sqlite3_db_readonly(handle, "main") == 1 }

    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Has transactions wait for the device when they end, or not.
    func wait(_ waits: Bool) throws(StoreError) {
        guard waits != isWaiting else { return }
        // Not a kept statement: sqlite does it while it compiles the text.
        try execute("wait for the device", "PRAGMA synchronous = \(waits ? "FULL" : "NORMAL")")
        isWaiting = waits
    }

    /// Moves everything in the log into the file, and waits until that is on the device.
    func checkpoint() throws(StoreError) {
        errno = 0
        try check(
            "move the log", unsafe sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_FULL, nil, nil)
        )
    }

    private func check(_ name: String, _ code: Int32) throws(StoreError) {
        guard code != SQLITE_OK else { return }
        let cause = errno == 0 ? nil : Errno(rawValue: errno)
        let message = unsafe String(cString: sqlite3_errstr(code))
        throw noted(.from(Fault(statement: name, code: code, message: message, errno: cause), path: path))
    }

    // MARK: Statements

    /// Runs every statement of a text that is not worth keeping, such as a migration.
    func execute(_ name: String, _ text: String) throws(StoreError) {
        if unsafe sqlite3_exec(handle, text, nil, nil, nil) != SQLITE_OK { throw failure(name) }
    }

    /// Runs a statement and drops its rows.
    /// - Returns: how many rows of tables it changed.
    @discardableResult
    func run(_ query: Query, _ values: SQLValues = [:]) throws(StoreError) -> Int {
        let statement = try prepared(query)
        defer { statement.reset() }
        try bind(values, to: statement)
        while try step(statement) {}
        return unsafe Int(sqlite3_changes64(handle))
    }

    /// The rows that a statement gives, each read by `read`.
    func rows<Value>(
        _ query: Query, _ values: SQLValues = [:], _ read: (Row) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        let statement = try prepared(query)
        defer { statement.reset() }
        try bind(values, to: statement)
        let row = Row(statement, path: path)
        var found: [Value] = []
        while try step(statement) { found.append(try read(row)) }
        return found
    }

    /// The first row that a statement gives, read by `read`; nil where it gives none.
    func first<Value>(
        _ query: Query, _ values: SQLValues = [:], _ read: (Row) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        let statement = try prepared(query)
        defer { statement.reset() }
        try bind(values, to: statement)
        return try step(statement) ? try read(Row(statement, path: path)) : nil
    }

    private func prepared(_ query: Query) throws(StoreError) -> Statement {
        let key = ObjectIdentifier(query)
        if let statement = statements[key] { return statement }
        var pointer: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        let code = unsafe sqlite3_prepare_v3(handle, query.text, -1, flags, &pointer, nil)
        guard code == SQLITE_OK, let pointer = unsafe pointer else { throw failure(query.name) }
        let statement = unsafe Statement(query, owning: pointer)
        statements[key] = statement
        return statement
    }

    /// Every parameter must be given, by its name: a forgotten one would be NULL.
    private func bind(_ values: SQLValues, to statement: Statement) throws(StoreError) {
        let name = statement.query.name
        let (count, given) = (statement.parameters.count, values.pairs.count)
        guard given == count else { throw misuse(name, "takes \(count) values and was given \(given)") }
        // As many as there are, and none twice, are all.
        var bound: UInt64 = 0
        for (parameter, value) in values.pairs {
            guard let index = statement.parameters[parameter] else {
                throw misuse(name, "has no parameter \(parameter)")
            }
            guard bound >> UInt64(index) & 1 == 0, index < 64 else {
                throw misuse(name, "was given \(parameter) twice")
            }
            bound |= 1 << UInt64(index)
            if statement.bind(index, value) != SQLITE_OK { throw failure(name) }
        }
    }

    /// - Returns: whether there is a row.
    private func step(_ statement: Statement) throws(StoreError) -> Bool {
        let result = statement.step()
        switch result.code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure(statement.query.name, errno: result.errno)
        }
    }

    private func misuse(_ name: String, _ problem: String) -> StoreError {
        .statement(Fault(statement: name, code: SQLITE_MISUSE, message: problem, errno: nil))
    }

    /// The error that the last call left; to be asked for before the next call.
    /// - Parameter errno: of the system call that failed last, where it is known; 0 asks sqlite.
    private func failure(_ name: String, errno: Int32 = 0) -> StoreError {
        let number = errno == 0 ? unsafe sqlite3_system_errno(handle) : errno
        let fault = Fault(
            statement: name, code: unsafe sqlite3_extended_errcode(handle),
            message: unsafe String(cString: sqlite3_errmsg(handle)),
            errno: number == 0 ? nil : Errno(rawValue: number))
        return noted(.from(fault, path: path))
    }

    private func noted(_ error: StoreError) -> StoreError {
        if case .damaged(_, let problem) = error { damage = damage ?? problem }
        return error
    }
}

/// What sqlite asks while a statement runs (sqlite.org/c3ref/progress_handler.html).
/// - Parameter mark: a ``StopMark``, which the connection keeps.
/// - Returns: 0 to go on.
private func isStopped(_ mark: UnsafeMutableRawPointer?) -> Int32 {
    guard let mark = unsafe mark else { return 0 }
    return unsafe Unmanaged<StopMark>.fromOpaque(mark).takeUnretainedValue().isSet ? 1 : 0
}
