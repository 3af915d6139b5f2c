import CSQLite

/// A row that a statement has arrived at; good until the statement goes on.
///
/// A value of another kind than was asked for cannot have been written by us, so it is reported as
/// damage and never converted.
struct Row {
    private let statement: Statement
    private let path: String

    init(_ statement: Statement, path: String) {
        self.statement = statement
        self.path = path
    }

    func integer(_ column: String) throws(StoreError) -> Int64 {
        let index = try index(of: column)
        try expect(SQLITE_INTEGER, "a number", index, column)
        return unsafe sqlite3_column_int64(statement.pointer, index)
    }

    func real(_ column: String) throws(StoreError) -> Double {
        let index = try index(of: column)
        try expect(SQLITE_FLOAT, "a number with a fraction", index, column)
        return unsafe sqlite3_column_double(statement.pointer, index)
    }

    func unsigned(_ column: String) throws(StoreError) -> UInt64 {
        let number = try integer(column)
        guard let value = UInt64(exactly: number) else { throw damage(column, "is below zero") }
        return value
    }

    func flag(_ column: String) throws(StoreError) -> Bool {
        switch try integer(column) {
        case 0: return false
        case 1: return true
        default: throw damage(column, "is neither 0 nor 1")
        }
    }

    func text(_ column: String) throws(StoreError) -> String {
        let index = try index(of: column)
        try expect(SQLITE_TEXT, "text", index, column)
        // Safety: the bytes stay until the next call for this statement; the text is a copy. First the
        // text, then its size, as sqlite wants it.
        guard let start = unsafe sqlite3_column_text(statement.pointer, index) else {
            throw damage(column, "could not be read")
        }
        let count = unsafe Int(sqlite3_column_bytes(statement.pointer, index))
        let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
        guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
            throw damage(column, "is not UTF-8")
        }
        return text
    }

    func blob(_ column: String) throws(StoreError) -> [UInt8] {
        let index = try index(of: column)
        try expect(SQLITE_BLOB, "bytes", index, column)
        // Safety: as for text; no bytes at all are a null pointer.
        let start = unsafe sqlite3_column_blob(statement.pointer, index)
        let count = unsafe Int(sqlite3_column_bytes(statement.pointer, index))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    func optionalText(_ column: String) throws(StoreError) -> String? {
        try isNull(column) ? nil : try text(column)
    }

    func optionalInteger(_ column: String) throws(StoreError) -> Int64? {
        try isNull(column) ? nil : try integer(column)
    }

    func optionalUnsigned(_ column: String) throws(StoreError) -> UInt64? {
        try isNull(column) ? nil : try unsigned(column)
    }

    func isNull(_ column: String) throws(StoreError) -> Bool {
        let index = try index(of: column)
        return unsafe sqlite3_column_type(statement.pointer, index) == SQLITE_NULL
    }

    /// An error that says what is wrong with the value in `column`.
    func damage(_ column: String, _ problem: String) -> StoreError {
        .damaged(path: path, problem: "\(statement.query.name): \(column) \(problem)")
    }

    private func index(of column: String) throws(StoreError) -> Int32 {
        guard let index = statement.columns[column] else { throw damage(column, "is not in the result") }
        return index
    }

    private func expect(
        _ kind: Int32, _ name: String, _ index: Int32, _ column: String
    ) throws(StoreError) {
        guard unsafe sqlite3_column_type(statement.pointer, index) == kind else {
            throw damage(column, "is not \(name)")
        }
    }
}
