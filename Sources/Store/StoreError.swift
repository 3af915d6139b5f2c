package import Linux

/// Why the store could not do something. Whatever the case, nothing of it was done.
package enum StoreError: Error, Hashable, Sendable {
    /// The state directory, or what stands in it, is not what it must be.
    case place(path: String, problem: String)
    /// A newer Corral wrote the file.
    case newer(path: String, version: Int64, known: Int64)
    /// The file system has no room, or the owner's quota is used up.
    case full(path: String)
    /// The file system cannot be written to.
    case readOnly(path: String)
    /// Somebody else, such as sqlite3(1), kept the file locked for too long.
    case busy(path: String)
    /// What was read cannot have been written by us.
    case damaged(path: String, problem: String)
    /// The device failed, or the file system did.
    case inputOutput(path: String, Fault)
    /// The statement broke a rule of the schema, or is wrong.
    case statement(Fault)
    case system(SystemError)
}

/// What sqlite said of a statement that failed. Never has a value that was bound: they may be secrets.
package struct Fault: Hashable, Sendable {
    /// The statement's name.
    package var statement: String
    /// sqlite's extended result code.
    package var code: Int32
    package var message: String
    /// The error number of the system call that failed, where one did.
    package var errno: Errno?
}

extension Fault: CustomStringConvertible {
    package var description: String {
        let cause = errno.map { ", \($0)" } ?? ""
        return "\(statement): \(message) (sqlite result \(code)\(cause))"
    }
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .place(let path, let problem): "\(path) \(problem)"
        case .newer(let path, let version, let known):
            """
            \(path) has schema version \(version), and this Corral knows versions up to \(known): \
            start the newer Corral that wrote it, or use another state directory
            """
        case .full(let path): "there is no room left to write \(path)"
        case .readOnly(let path): "\(path) is on a file system that cannot be written to"
        case .busy(let path): "\(path) is locked by another program; end its transaction"
        case .damaged(let path, let problem): "\(path) is damaged: \(problem)"
        case .inputOutput(let path, let fault): "\(path) could not be read or written: \(fault)"
        case .statement(let fault): "\(fault)"
        case .system(let error): "\(error)"
        }
    }
}
