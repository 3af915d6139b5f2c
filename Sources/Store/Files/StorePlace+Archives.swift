import Glibc
import Linux

// The directory of archived audit records, and the files in it.
extension StorePlace {
    /// Beside the database.
    static let archives = "audit"

    /// Opens the directory, which is made where there is none.
    func openArchives() throws(StoreError) -> FileDescriptor {
        try system { () throws(SystemError) in
            do throws(SystemError) {
                try directory.makeDirectory(Self.archives, mode: 0o700)
                let number = directory.number
                _ = try call("fsync", on: path) { fsync(number) }
            } catch  where error.errno == .fileExists {}
        }
        guard let found = try findArchives() else {
            throw .place(path: self(Self.archives), problem: "was removed while it was made")
        }
        return found
    }

    /// The directory; nil where there is none.
    func findArchives() throws(StoreError) -> FileDescriptor? {
        let found: FileDescriptor
        do throws(SystemError) {
            found = try directory.open(Self.archives, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error)
        }
        var status = stat()
        guard unsafe fstat(found.number, &status) == 0 else {
            throw .system(SystemError("fstat", self(Self.archives), Errno(rawValue: errno)))
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw .place(path: self(Self.archives), problem: "is not ours alone (mode 0700)")
        }
        return found
    }

    /// Opens an archive; nil where there is none.
    /// - Parameter flags: `O_RDONLY`, or `O_RDWR`.
    /// - Returns: the file and its size in bytes.
    func openArchive(
        _ name: String, in archives: borrowing FileDescriptor, _ flags: CInt
    ) throws(StoreError) -> (Held<FileDescriptor>, Int64)? {
        let file: FileDescriptor
        do throws(SystemError) {
            // What is no file may not keep us waiting.
            file = try archives.open(name, flags | O_NOFOLLOW | O_NONBLOCK)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error)
        }
        let shown = self("\(Self.archives)/\(name)")
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0 else {
            throw .system(SystemError("fstat", shown, Errno(rawValue: errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_nlink == 1 else {
            throw .place(path: shown, problem: "is not a file of ours alone")
        }
        return (Held(file), Int64(status.st_size))
    }

    func makeArchive(
        _ name: String, in archives: borrowing FileDescriptor
    ) throws(StoreError) -> Held<FileDescriptor> {
        try system { () throws(SystemError) in
            let file = try archives.open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            _ = try call("fchmod", on: name) { fchmod(file.number, 0o600) }
            return Held(file)
        }
    }

    /// Gives what nobody knows of another name, under which it stays.
    func setApart(_ name: String, in archives: borrowing FileDescriptor) throws(StoreError) {
        let number = archives.number
        let other = "\(name).found-\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
        try system { () throws(SystemError) in
            _ = try call("renameat", on: self("\(Self.archives)/\(name)")) {
                unsafe renameat(number, name, number, other)
            }
        }
    }
}

extension FileDescriptor {
    /// The bytes from `offset` on, fewer where the file ends (pread(2)).
    borrowing func bytes(at offset: Int64, most: Int) throws(SystemError) -> [UInt8] {
        let file = number
        var bytes = [UInt8](repeating: 0, count: most)
        var count = 0
        while count < most {
            let done = count
            var room = bytes.mutableSpan
            let got = try unsafe room.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
                try call("pread") {
                    unsafe pread(
                        file, buffer.baseAddress.map { unsafe $0 + done }, most - done, Int(offset) + done)
                }
            }
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(most - count)
        return bytes
    }

    /// Writes all bytes at `offset` and waits for the device; what was written of them goes again where that fails.
    borrowing func append(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        let file = number
        do throws(SystemError) {
            var count = 0
            while count < bytes.count {
                let done = count
                count += try unsafe bytes.span.withUnsafeBufferPointer { (buffer) throws(SystemError) in
                    try call("pwrite") {
                        unsafe pwrite(
                            file, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done,
                            Int(offset) + done)
                    }
                }
            }
            _ = try call("fsync") { fsync(file) }
        } catch {
            _ = ftruncate(file, Int(offset))
            throw error
        }
    }
}
