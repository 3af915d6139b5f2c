import Glibc
import Linux

/// The state directory, and the names of the store's files in it.
///
/// The directory must be ours and nobody else's, so that what is found here stays as it was found. Files
/// are looked at and never opened, but for the log: closing a descriptor of the database would end sqlite's locks
/// on it (fcntl(2), "Record locks").
struct StorePlace: ~Copyable {
    /// The file that has the tables.
    static let name = "corral.db"
    /// The same while it is being made.
    static let unfinished = "corral.db.new"
    /// An empty file that has the next opening check the whole database, however large.
    static let checkOrder = "corral.db-check"
    /// The last audit record that got to the device.
    static let auditHead = "audit-head"
    /// What sqlite keeps beside a file, by the ends of their names.
    static let companions = ["-wal", "-shm", "-journal"]

    let directory: FileDescriptor
    /// The directory's path.
    let path: String

    /// The path of the database.
    var file: String { self(Self.name) }

    /// The path of a name in the directory.
    func callAsFunction(_ name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

    static func open(_ path: String) throws(StoreError) -> StorePlace {
        guard path.hasPrefix("/") else { throw .place(path: path, problem: "is not an absolute path") }
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch  where error.errno == .notDirectory || error.errno == .tooManyLinks {
            throw .place(path: path, problem: "is not a directory")
        } catch {
            throw .system(error)
        }
        var status = stat()
        guard unsafe fstat(directory.number, &status) == 0 else {
            throw .system(SystemError("fstat", path, Errno(rawValue: errno)))
        }
        guard status.st_uid == geteuid() else {
            throw .place(path: path, problem: "belongs to user \(status.st_uid), not to \(geteuid())")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .place(path: path, problem: "is open to other users; its mode must be 0700")
        }
        return StorePlace(directory: directory, path: path)
    }

    private init(directory: consuming FileDescriptor, path: String) {
        self.directory = directory
        self.path = path
    }

    /// Checks that the directory can be written to, and that what stands in it under the store's names
    /// are files of ours alone.
    func check() throws(StoreError) {
        if unsafe faccessat(directory.number, ".", W_OK, AT_EACCESS) != 0 {
            let number = errno
            if number == EROFS { throw .readOnly(path: path) }
            throw .system(SystemError("faccessat", path, Errno(rawValue: number)))
        }
        for name in Self.names(of: Self.name) + Self.names(of: Self.unfinished) + [
            Self.checkOrder, Self.auditHead,
        ] {
            guard let status = try status(of: name) else { continue }
            let file = self(name)
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw .place(path: file, problem: "is not a regular file")
            }
            guard status.st_uid == geteuid() else {
                throw .place(path: file, problem: "belongs to user \(status.st_uid), not to \(geteuid())")
            }
            let mode = status.st_mode & 0o7777
            guard mode == 0o600 else {
                throw .place(path: file, problem: "has mode 0\(String(mode, radix: 8)); it must be 0600")
            }
            guard status.st_nlink == 1 else { throw .place(path: file, problem: "has another name as well") }
        }
    }

    /// A file of sqlite's and what may be beside it.
    static func names(of name: String) -> [String] { [name] + companions.map { name + $0 } }

    /// The size of the file `name`; nil where there is none.
    func size(of name: String) throws(StoreError) -> Int64? { try status(of: name).map { Int64($0.st_size) } }

    /// The same directory, for somebody else to keep.
    func again() throws(StoreError) -> StorePlace {
        do throws(SystemError) {
            return StorePlace(directory: try directory.duplicate(), path: path)
        } catch {
            throw .system(error)
        }
    }

    /// Makes an empty file for nobody but us.
    func make(_ name: String) throws(StoreError) {
        try system { () throws(SystemError) in
            let file = try directory.open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            // Whatever the umask.
            _ = try call("fchmod", on: name) { fchmod(file.number, 0o600) }
        }
    }

    func remove(_ name: String) throws(StoreError) {
        try system { () throws(SystemError) in
            do throws(SystemError) {
                try directory.removeFile(name)
            } catch  where error.errno == .noSuchFileOrDirectory {
                return
            }
        }
    }

    func rename(_ name: String, to other: String) throws(StoreError) {
        let number = directory.number
        try system { () throws(SystemError) in
            _ = try call("renameat", on: self(name)) { unsafe renameat(number, name, number, other) }
        }
    }

    /// Makes names last: what was made, renamed and removed stays so even if the machine stops.
    func synchronise() throws(StoreError) {
        let number = directory.number
        try system { () throws(SystemError) in _ = try call("fsync", on: path) { fsync(number) } }
    }

    /// Opens sqlite's log, to wait for it.
    func openLog(_ name: String) throws(StoreError) -> FileDescriptor {
        try system { () throws(SystemError) in try directory.open(name, O_RDONLY | O_NOFOLLOW) }
    }

    /// Opens a file of ours, which is made where there is none.
    func openOwn(_ name: String) throws(StoreError) -> FileDescriptor {
        try system { () throws(SystemError) in
            let file = try directory.open(name, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            // Whatever the umask.
            _ = try call("fchmod", on: name) { fchmod(file.number, 0o600) }
            return file
        }
    }

    private func status(of name: String) throws(StoreError) -> stat? {
        var status = stat()
        if unsafe fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
        if errno == ENOENT { return nil }
        throw .system(SystemError("fstatat", self(name), Errno(rawValue: errno)))
    }

    func system<Value: ~Copyable>(
        _ body: () throws(SystemError) -> Value
    ) throws(StoreError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch  where error.errno == .noSpace {
            throw .full(path: path)
        } catch  where error.errno == .readOnlyFileSystem {
            throw .readOnly(path: path)
        } catch {
            throw .system(error)
        }
    }
}
