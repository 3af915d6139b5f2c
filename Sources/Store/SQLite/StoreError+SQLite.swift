import CSQLite
import Glibc
import Linux

extension StoreError {
    /// What sqlite's result (sqlite.org/rescode.html) means to whoever runs the daemon.
    static func from(_ fault: Fault, path: String) -> StoreError {
        // In other cases the number is one of before.
        let errno = [SQLITE_IOERR, SQLITE_CANTOPEN].contains(fault.code & 0xFF) ? fault.errno : nil
        var fault = fault
        fault.errno = errno
        switch (fault.code & 0xFF, errno) {
        case (SQLITE_FULL, _), (_, Errno.noSpace), (_, Errno(rawValue: EDQUOT)): return .full(path: path)
        case (SQLITE_READONLY, _), (_, Errno.readOnlyFileSystem): return .readOnly(path: path)
        case (SQLITE_BUSY, _), (SQLITE_LOCKED, _): return .busy(path: path)
        case (SQLITE_CORRUPT, _), (SQLITE_NOTADB, _): return .damaged(path: path, problem: fault.message)
        // The file ends before a page that it must have.
        case (SQLITE_IOERR, _) where fault.code == shortRead:
            return .damaged(path: path, problem: "it ends too early")
        case (SQLITE_IOERR, _), (SQLITE_CANTOPEN, _): return .inputOutput(path: path, fault)
        default: return .statement(fault)
        }
    }
}

/// SQLITE_IOERR_SHORT_READ, a macro with arithmetic, which Swift does not import.
private let shortRead = SQLITE_IOERR | 2 << 8
