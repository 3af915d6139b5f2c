package import Glibc

/// Files that count only where nobody but their owner could have written them: caches, and what an
/// installation computed ahead.
///
/// The directory and the file must both belong to one of some users and be writable by nobody else;
/// in every other case the file is as if it were not there.
package enum OwnedFile {
    /// Why a file does not count.
    package enum Problem: Error, Hashable, Sendable {
        /// There is none, or it cannot be read.
        case absent
        /// The directory is somebody else's, or others may write to it.
        case directory
        /// The file is somebody else's, or others may write to it, or it is no regular file.
        case permissions
        /// It has more bytes than it may have.
        case size
    }

    /// The whole file `name` in `directory`.
    /// - Parameters:
    ///   - owners: whose the directory and the file may be.
    ///   - limit: the most bytes it may have.
    package static func read(
        _ name: String, in directory: borrowing FileDescriptor, owners: [uid_t], limit: Int
    ) throws(Problem) -> [UInt8] {
        try check(directory: directory, owners: owners)
        let parent = directory.number
        // O_NONBLOCK: a FIFO in the file's place must not hold us up.
        let number = unsafe openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw .absent }
        let file = FileDescriptor(owning: number)
        let status = try status(of: file)
        guard status.st_mode & S_IFMT == S_IFREG, isOnly(owners, status) else { throw .permissions }
        guard status.st_size <= limit else { throw .size }
        do throws(SystemError) {
            return try file.readOnce(limit: Int(status.st_size))
        } catch {
            throw .absent
        }
    }

    /// Checks that nobody but one of `owners` may put files into the directory.
    package static func check(
        directory: borrowing FileDescriptor, owners: [uid_t]
    ) throws(Problem) {
        let status = try status(of: directory)
        guard status.st_mode & S_IFMT == S_IFDIR, isOnly(owners, status) else { throw .directory }
    }

    /// Makes the file appear whole or not at all, whatever is there already; two writers do no harm.
    /// - Parameter mode: its permissions, whatever the umask.
    package static func write(
        _ bytes: [UInt8], as name: String, in directory: borrowing FileDescriptor, mode: mode_t
    ) throws(SystemError) {
        let parent = directory.number
        let temporary = ".\(name).\(UInt64.random(in: 0...UInt64.max))"
        let number = try call("openat", on: temporary) {
            unsafe openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        }
        let file = FileDescriptor(owning: number)
        do {
            try file.writeAll(bytes)
            // The umask must not decide who can read an installed file.
            _ = try call("fchmod", on: temporary) { fchmod(file.number, mode) }
            _ = try call("renameat", on: name) {
                unsafe renameat(parent, temporary, parent, name)
            }
        } catch {
            unsafe unlinkat(parent, temporary, 0)
            throw error
        }
    }

    private static func status(of file: borrowing FileDescriptor) throws(Problem) -> stat {
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0 else { throw .absent }
        return status
    }

    /// Whether nobody but one of `owners` may change the file.
    private static func isOnly(_ owners: [uid_t], _ status: stat) -> Bool {
        owners.contains(status.st_uid) && status.st_mode & (S_IWGRP | S_IWOTH) == 0
    }
}

extension FileDescriptor {
    /// What one read gives, no more than `limit` bytes: all of a regular or memory file that has no
    /// more than that.
    package borrowing func readOnce(limit: Int) throws(SystemError) -> [UInt8] {
        let number = number
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            do throws(SystemError) {
                count = try call("read") { unsafe Glibc.read(number, buffer.baseAddress, limit) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
