import CLinux
import Glibc
import Linux
import Sandbox
import Trees

/// The directory of imported images. docs/images.md describes what is in it.
///
/// A file `lock` holds all locks, one byte each (fcntl(2), open file description locks): byte 0 for
/// what changes `names` or `trees`, one for each name that is being imported, one for each directory
/// in `tmp`. They end with the process that took them, however it ended.
package final class ImageStore {
    /// As shown in messages.
    package let path: String
    let directory: FileDescriptor
    /// Of this object's own, so that its locks are not shared with another's.
    let locks: FileDescriptor

    /// Opens the store.
    /// - Parameter making: makes it where it is missing.
    /// - Returns: nil where it is missing and not to be made.
    package static func open(_ path: String, making: Bool) throws(ImageError) -> ImageStore? {
        guard path.hasPrefix("/") else {
            throw ImageError("the image store \"\(shown(path))\" is not an absolute path")
        }
        if making { try make(path) }
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.errno == .noSuchFileOrDirectory, !making { return nil }
            throw ImageError("the image store \(shown(path))", error)
        }
        var status = stat()
        let number = directory.number
        _ = try doing("the image store \(shown(path))") { () throws(SystemError) in
            try call("fstat") { unsafe fstat(number, &status) }
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw ImageError(
                "the image store \(shown(path)) is not the caller's alone: somebody else owns it or may write to it"
            )
        }
        return try ImageStore(path, directory)
    }

    private init(_ path: String, _ directory: consuming FileDescriptor) throws(ImageError) {
        self.path = path
        do throws(SystemError) {
            for name in ["trees", "names", "tmp"] where try directory.status(of: name) == nil {
                do throws(SystemError) {
                    try directory.makeDirectory(name, mode: 0o700)
                } catch {
                    if error.errno != .fileExists { throw error }
                }
            }
            locks = try directory.open("lock", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        } catch {
            throw ImageError("the image store \(shown(path))", error)
        }
        self.directory = directory
    }

    /// Makes the directory and those above it, with mode 0700 each that was missing.
    private static func make(_ path: String) throws(ImageError) {
        var above = ""
        for part in path.split(separator: "/") {
            above += "/\(part)"
            if unsafe mkdir(above, 0o700) < 0, errno != EEXIST {
                throw ImageError("making the image store \(shown(path)): \(Errno(rawValue: errno))")
            }
        }
    }

    // MARK: Locks

    /// Does something while nobody else changes names or trees.
    func exclusively<Value: ~Copyable>(
        _ body: () throws(ImageError) -> Value
    ) throws(ImageError) -> Value {
        let number = locks.number
        _ = try doing("locking the image store") { () throws(SystemError) in
            try call("fcntl(F_OFD_SETLKW)") { clinux_wait_for_byte(number, 0) }
        }
        defer { _ = clinux_unlock_byte(number, 0) }
        return try body()
    }

    /// - Returns: false when another process imports under that name right now.
    func lock(name: String) throws(ImageError) -> Bool { try lock(byte: ImageStore.byte(ofName: name)) }

    func lock(byte: Int64) throws(ImageError) -> Bool {
        let number = locks.number
        do throws(SystemError) {
            _ = try call("fcntl(F_OFD_SETLK)") { clinux_lock_byte(number, byte) }
            return true
        } catch {
            if error.errno == .wouldBlock || error.errno == .accessDenied { return false }
            throw ImageError("locking the image store", error)
        }
    }

    func unlock(byte: Int64) { _ = clinux_unlock_byte(locks.number, byte) }

    /// 1 to 2^40: far apart for different names, by their digest.
    private static func byte(ofName name: String) -> Int64 {
        1 + (Int64(SHA256.of(Array(name.utf8)).prefix(10), radix: 16) ?? 0)
    }

    // MARK: Directories for work in progress

    /// A directory below `tmp`, and the lock that says that somebody is at work in it.
    struct Work {
        let name: String
        let byte: Int64
        let directory: Held<FileDescriptor>
    }

    func makeWork() throws(ImageError) -> Work {
        let number = Int64.random(in: 0..<(1 << 40))
        let name = String(number, radix: 16)
        // The lock first: a directory without one is taken for a leftover.
        guard try lock(byte: ImageStore.byte(ofWork: number)) else {
            throw ImageError("the image store \(shown(path)) is busy; try again")
        }
        let directory = try doing("making a directory in \(shown(path))/tmp") { () throws(SystemError) in
            try self.directory.makeDirectory("tmp/\(name)", mode: 0o700)
            return Held(try self.directory.open("tmp/\(name)", O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        }
        return Work(name: name, byte: ImageStore.byte(ofWork: number), directory: directory)
    }

    func remove(_ work: Work) throws(ImageError) {
        try doing("removing \(shown(path))/tmp/\(work.name)") { () throws(SystemError) in
            try directory.open("tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW).removeTree(work.name)
        }
        unlock(byte: work.byte)
    }

    /// Removes what imports that were killed have left in `tmp`, and trees that no name uses any more.
    package func sweep() throws(ImageError) {
        try dropUnused()
        let entries = try doing("reading \(shown(path))/tmp") { () throws(SystemError) in
            try directory.open("tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries()
        }
        for entry in entries {
            guard let number = Int64(entry.name, radix: 16) else { continue }
            // Of an own description: this store's may be at work in one of them itself.
            guard let other = try ImageStore.open(path, making: false),
                try other.lock(byte: ImageStore.byte(ofWork: number))
            else { continue }
            let work = Work(
                name: entry.name, byte: ImageStore.byte(ofWork: number), directory: Held(try copy()))
            try other.remove(work)
        }
    }

    private func copy() throws(ImageError) -> FileDescriptor {
        try doing("the image store \(shown(path))") { () throws(SystemError) in try directory.duplicate() }
    }

    /// Behind those of the names.
    private static func byte(ofWork number: Int64) -> Int64 { 2 << 40 + number }
}
