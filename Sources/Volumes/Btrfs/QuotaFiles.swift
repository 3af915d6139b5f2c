import Glibc
import Linux

/// What the kernel says of a btrfs's quotas: /sys/fs/btrfs/ID/qgroups. Unlike a search of the quota tree this is
/// what holds now, and not what held at the last commit.
struct QuotaFiles: ~Copyable {
    private let directory: FileDescriptor

    /// Nil where the file system has no quotas.
    init?(of room: BtrfsRoom) throws(SystemError) {
        do throws(SystemError) {
            directory = try FileDescriptor.open(
                "/sys/fs/btrfs/\(room.uuid)/qgroups", O_RDONLY | O_DIRECTORY)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// Nil where the kernel counts in a way that this does not know. Kernels before 6.7 do not say; theirs is
    /// the full way.
    borrowing func mode() throws(SystemError) -> QuotaMode? {
        do throws(SystemError) {
            return QuotaMode(rawValue: try text("mode"))
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return .full
        }
    }

    /// Whether counts are wrong until the file system has counted again.
    borrowing func isInconsistent() throws(SystemError) -> Bool { try text("inconsistent") != "0" }

    /// What is charged to the group, in bytes, with what is about to be written; nil where there is no such group.
    borrowing func used(by group: Qgroup) throws(SystemError) -> UInt64? {
        guard let written = try value("referenced", of: group) else { return nil }
        return written + (try value("rsv_data", of: group) ?? 0)
    }

    /// In bytes; nil where there is no limit or no such group.
    borrowing func limit(of group: Qgroup) throws(SystemError) -> UInt64? {
        // BTRFS_QGROUP_LIMIT_MAX_RFER
        guard let flags = try value("limit_flags", of: group), flags & 1 != 0 else { return nil }
        return try value("max_referenced", of: group)
    }

    /// The subvolumes that have a group, whether or not they are still there.
    borrowing func subvolumes() throws(SystemError) -> [UInt64] {
        try directory.open(".", O_RDONLY | O_DIRECTORY).entries(startingWith: "0_")
            .compactMap { UInt64($0.name.dropFirst(2)) }
    }

    private borrowing func value(_ name: String, of group: Qgroup) throws(SystemError) -> UInt64? {
        do throws(SystemError) {
            let text = try text("\(group.directory)/\(name)")
            // An underflow of the kernel's is shown as a number that no disk has.
            if let value = UInt64(text) { return value > UInt64(Int64.max) ? 0 : value }
            throw SystemError("read", "\(group.directory)/\(name)", .invalidArgument)
        } catch {
            // ENODEV: it went while it was open.
            if error.errno == .noSuchFileOrDirectory || error.errno.rawValue == ENODEV { return nil }
            throw error
        }
    }

    private borrowing func text(_ path: String) throws(SystemError) -> String {
        let bytes = try directory.readControl(path)
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
