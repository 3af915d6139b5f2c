import CSQLite
import Glibc

/// A statement that sqlite has compiled for one connection. ``Database`` keeps it, and is the only one
/// to use it, so that the connection outlives it.
@safe
final class Statement {
    let query: Query
    let pointer: OpaquePointer
    /// The columns of its rows, by name.
    let columns: [String: Int32]
    /// Its parameters, by name without the colon.
    let parameters: [String: Int32]

    /// Takes ownership of `pointer`.
    init(_ query: Query, owning pointer: OpaquePointer) {
        self.query = query
        unsafe self.pointer = pointer
        var columns: [String: Int32] = [:]
        let columnCount = unsafe sqlite3_column_count(pointer)
        for index in 0..<columnCount {
            if let name = unsafe sqlite3_column_name(pointer, index) {
                columns[unsafe String(cString: name)] = index
            }
        }
        var parameters: [String: Int32] = [:]
        // Parameters are counted from 1.
        let parameterCount = unsafe sqlite3_bind_parameter_count(pointer)
        for index in 0..<parameterCount {
            if let name = unsafe sqlite3_bind_parameter_name(pointer, index + 1) {
                parameters[String(unsafe String(cString: name).dropFirst())] = index + 1
            }
        }
        self.columns = columns
        self.parameters = parameters
    }

    deinit { unsafe sqlite3_finalize(pointer) }

    /// Gives a parameter its value.
    /// - Returns: sqlite's result code.
    func bind(_ index: Int32, _ value: SQLValue) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(pointer, index)
        case .integer(let number): return unsafe sqlite3_bind_int64(pointer, index, number)
        case .real(let number): return unsafe sqlite3_bind_double(pointer, index, number)
        case .text(var text):
            // Safety: sqlite copies the bytes before the call returns, here and below.
            return text.withUTF8 { buffer in
                unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                    unsafe corral_sqlite_bind_text(pointer, index, text.baseAddress, UInt64(text.count))
                }
            }
        case .blob(let bytes):
            return unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe corral_sqlite_bind_blob(pointer, index, buffer.baseAddress, UInt64(buffer.count))
            }
        }
    }

    /// Goes on to the next row or the end.
    /// - Returns: `SQLITE_ROW`, `SQLITE_DONE` or a failure's code, and the number of the system call that
    ///   failed last, or 0. sqlite itself forgets that number when a write fails at the end of a transaction.
    func step() -> (code: Int32, errno: Int32) {
        errno = 0
        let code = unsafe sqlite3_step(pointer)
        return (code, errno)
    }

    /// Makes it ready for its next use, and forgets the values, which may be secrets.
    func reset() {
        // The result is that of the last step, which has been dealt with.
        unsafe sqlite3_reset(pointer)
        unsafe sqlite3_clear_bindings(pointer)
    }
}
