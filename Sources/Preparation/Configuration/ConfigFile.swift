package import Glibc
import Linux
import Sandbox

/// Reading files that decide what a sandbox may do. They count only where nobody but root, the caller
/// or, for what is installed, the owner of the program could have written them.
package struct ConfigFile {
    /// What errors call it: short where it is shipped, as given where it is the caller's.
    package let called: String
    package let bytes: [UInt8]

    /// A path as errors show it. Whole, because a profile's name comes from it.
    static func called(_ path: String) -> String {
        path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ? path : shown(path)
    }

    /// The most bytes of a file: what the reader of YAML takes, too.
    static let limit = 256 << 10

    enum Problem: Error {
        case system(Errno)
        /// A sentence's end about the file.
        case refused(String)
    }

    /// - Parameters:
    ///   - directory: where to look for `name`; nil for the working directory.
    ///   - blocking: for a path of the caller's own, which may be a pipe.
    static func read(
        _ name: String, in directory: CInt, owners: [uid_t], blocking: Bool
    ) throws(Problem) -> [UInt8] {
        if name.utf8.contains(0) { throw .system(.invalidArgument) }
        let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (blocking ? 0 : O_NONBLOCK)
        let number = unsafe openat(directory, name, flags)
        guard number >= 0 else { throw .system(Errno(rawValue: errno)) }
        let file = FileDescriptor(owning: number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw .system(Errno(rawValue: errno)) }
        if let why = weakness(status, owners) { throw .refused(why) }
        guard status.st_size <= limit else {
            throw .refused("is \(status.st_size) bytes long; expected at most \(limit)")
        }
        do throws(SystemError) {
            if status.st_mode & S_IFMT == S_IFREG { return try file.readOnce(limit: Int(status.st_size)) }
            return try file.readAll(limit: limit)
        } catch {
            throw .system(error.errno)
        }
    }

    /// Why somebody else could have changed a file or directory; nil when nobody could.
    static func weakness(_ status: stat, _ owners: [uid_t]) -> String? {
        let mode = "0" + String(status.st_mode & 0o7777, radix: 8)
        guard owners.contains(status.st_uid) else {
            return
                "belongs to uid \(status.st_uid), who could change it; expected a file of root's or the caller's"
        }
        // A sticky directory lets nobody replace what is another's, but lets everybody add names.
        if status.st_mode & S_IWOTH != 0 {
            return "can be written by everybody (mode \(mode)); chmod go-w makes it fit"
        }
        if status.st_mode & S_IWGRP != 0 {
            return "can be written by the group \(status.st_gid) (mode \(mode)); chmod g-w makes it fit"
        }
        return nil
    }

    /// Root's and the caller's; the program's owner's as well for what is installed with it.
    package static func owners(shipped: Bool) -> [uid_t] {
        var owners: [uid_t] = [0, geteuid()]
        var status = stat()
        if shipped, unsafe stat("/proc/self/exe", &status) == 0 { owners.append(status.st_uid) }
        return owners
    }
}
