import Glibc
package import Linux

/// What fstatat(2) says of a name, without following it.
package struct EntryStatus: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case file, directory, symlink, fifo, socket, device
    }

    package let kind: Kind
    /// Permissions, with the setuid, setgid and sticky bits.
    package let mode: UInt32
    package let size: UInt64
    /// What it takes on the device, in bytes: less than its size where it has holes.
    package let allocated: UInt64
    /// How many names it has.
    package let links: UInt64
    package let inode: UInt64
    package let device: UInt64
    /// Seconds since 1970.
    package let modified: Int
    /// Nanoseconds of the second in which it was modified.
    package let modifiedNanoseconds: Int
    /// When anything of it changed last, which nobody can set: seconds since 1970, and nanoseconds of that second.
    package let changed: Int
    package let changedNanoseconds: Int

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .symlink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .device
            }
        mode = status.st_mode & 0o7777
        size = UInt64(max(0, status.st_size))
        // st_blocks counts in units of 512 bytes, whatever the file system's own are (stat(3type)).
        allocated = UInt64(max(0, status.st_blocks)) * 512
        links = UInt64(status.st_nlink)
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
        modified = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
        changed = status.st_ctim.tv_sec
        changedNanoseconds = status.st_ctim.tv_nsec
    }
}

extension FileDescriptor {
    /// What this descriptor stands for.
    package borrowing func status() throws(SystemError) -> EntryStatus {
        let number = number
        var status = stat()
        _ = try call("fstat") { unsafe fstat(number, &status) }
        return EntryStatus(status)
    }

    /// What `name` in this directory is; nil where there is nothing of that name.
    package borrowing func status(of name: String) throws(SystemError) -> EntryStatus? {
        try status(ofEntry: Array(name.utf8))
    }

    /// The same of a name that need not be UTF-8.
    package borrowing func status(ofEntry name: [UInt8]) throws(SystemError) -> EntryStatus? {
        let number = number
        var status = stat()
        let bytes = name.map { CChar(bitPattern: $0) } + [0]
        do throws(SystemError) {
            _ = try call("fstatat", on: String(decoding: name, as: UTF8.self)) {
                unsafe fstatat(number, bytes, &status, AT_SYMLINK_NOFOLLOW)
            }
            return EntryStatus(status)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// The target of the symbolic link `name` in this directory; nil where it is not UTF-8 or longer
    /// than a path can be.
    package borrowing func target(ofLink name: String) throws(SystemError) -> String? {
        let number = number
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = try call("readlinkat", on: name) {
            unsafe readlinkat(number, name, &buffer, buffer.count)
        }
        guard count < buffer.count else { return nil }
        return String(validating: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
