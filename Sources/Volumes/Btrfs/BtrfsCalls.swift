import CLinux
import Linux

/// The number of a qgroup: its level in 16 bits, then the number of a subvolume (level 0) or one of somebody's
/// choice (btrfs-qgroup(8)). Ours begin with C0, as no operator's do.
struct Qgroup: Hashable, Sendable {
    let number: UInt64

    init(subvolume: UInt64) { number = subvolume }

    /// - Parameter tenant: the number of the subvolume that the tenant's workspaces are in. A file system never
    ///   gives one twice, and no table of who has which number can be lost.
    init(tenant: UInt64) { number = 1 << 48 | 0xC0 << 40 | tenant & (1 << 40 - 1) }

    /// The directory that tells of it in /sys/fs/btrfs/ID/qgroups.
    var directory: String { "\(number >> 48)_\(number & (1 << 48 - 1))" }
}

/// What a file system's quotas count.
package enum QuotaMode: String, Hashable, Sendable {
    /// What a subvolume refers to, shared or not. A fork of a full volume is full.
    case full = "qgroup"
    /// What was written in a subvolume, for as long as anybody refers to it (Linux 6.7). A fork begins with
    /// nothing; a file system that had them once is not mounted by an older kernel.
    case simple = "squota"

    fileprivate var command: UInt64 { UInt64(self == .full ? CLINUX_QUOTA_FULL : CLINUX_QUOTA_SIMPLE) }
}

/// Calls on a descriptor of any directory of a btrfs (linux/btrfs.h; the functions of CLinux say which).
extension FileDescriptor {
    /// A new subvolume in this directory, or a snapshot of the one that `source` is open on, with its limit and
    /// its tenant from its first moment.
    /// - Parameters:
    ///   - bytes: nil for no limit.
    ///   - parents: nil on a file system without quotas.
    borrowing func makeSubvolume(
        _ name: String, source: CInt = -1, readOnly: Bool = false, bytes: UInt64?, parents: [Qgroup]?
    ) throws(SystemError) {
        let number = number
        let limit = bytes ?? UInt64.max
        let groups = (parents ?? []).map(\.number)
        try unsafe groups.span.withUnsafeBufferPointer { (groups) throws(SystemError) in
            _ = try call(source < 0 ? "BTRFS_IOC_SUBVOL_CREATE_V2" : "BTRFS_IOC_SNAP_CREATE_V2", on: name) {
                unsafe clinux_btrfs_subvolume(
                    number, name, source, readOnly ? 1 : 0, parents == nil ? 0 : 1, limit, groups.baseAddress,
                    groups.count)
            }
        }
    }

    borrowing func destroySubvolume(_ name: String) throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_SNAP_DESTROY_V2", on: name) { unsafe clinux_btrfs_destroy(number, name) }
    }

    borrowing func destroySubvolume(_ subvolume: UInt64) throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_SNAP_DESTROY_V2", on: "\(subvolume)") {
            clinux_btrfs_destroy_number(number, subvolume)
        }
    }

    /// The number of the subvolume whose top directory this is.
    /// - Throws: `.notDirectory` for anything else.
    borrowing func subvolumeNumber() throws(SystemError) -> UInt64 {
        let number = number
        var result: UInt64 = 0
        _ = try call("BTRFS_IOC_INO_LOOKUP") { unsafe clinux_btrfs_subvolume_number(number, &result) }
        return result
    }

    /// The lowest number of a subvolume that lies directly in `subvolume`; nil where there is none.
    borrowing func firstSubvolume(in subvolume: UInt64) throws(SystemError) -> UInt64? {
        let number = number
        var child: UInt64 = 0
        let found = try call("BTRFS_IOC_TREE_SEARCH", on: "\(subvolume)") {
            unsafe clinux_btrfs_child(number, subvolume, &child)
        }
        return found == 1 ? child : nil
    }

    /// False from the moment of its removal on.
    borrowing func hasSubvolume(_ subvolume: UInt64) throws(SystemError) -> Bool {
        let number = number
        return try call("BTRFS_IOC_TREE_SEARCH", on: "\(subvolume)") {
            clinux_btrfs_has_subvolume(number, subvolume)
        } == 1
    }

    borrowing func enableQuota(_ mode: QuotaMode) throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_QUOTA_CTL", on: mode.rawValue) {
            clinux_btrfs_enable_quota(number, mode.command)
        }
    }

    /// Has the kernel count all that there is again, in quotas of the full kind, and waits for that: as long as it
    /// takes to read everything that the file system knows of its data.
    borrowing func countAgain() throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_QUOTA_RESCAN") { clinux_btrfs_count_again(number) }
    }

    /// Makes the qgroup where it is not there yet.
    borrowing func makeQgroup(_ group: Qgroup) throws(SystemError) {
        let number = number
        do throws(SystemError) {
            _ = try call("BTRFS_IOC_QGROUP_CREATE", on: group.directory) {
                clinux_btrfs_create_qgroup(number, group.number)
            }
        } catch  where error.errno == .fileExists {
            return
        }
    }

    /// - Returns: false where something is still charged to it, or its subvolume is not gone yet.
    borrowing func removeQgroup(_ group: Qgroup) throws(SystemError) -> Bool {
        let number = number
        do throws(SystemError) {
            _ = try call("BTRFS_IOC_QGROUP_CREATE", on: group.directory) {
                clinux_btrfs_remove_qgroup(number, group.number)
            }
            return true
        } catch {
            switch error.errno {
            // The kernel was faster.
            case .noSuchFileOrDirectory: return true
            case .busy: return false
            default: throw error
            }
        }
    }

    /// - Parameter bytes: nil lifts the limit.
    borrowing func limitQgroup(_ group: Qgroup, bytes: UInt64?) throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_QGROUP_LIMIT", on: group.directory) {
            clinux_btrfs_limit_qgroup(number, group.number, bytes ?? UInt64.max)
        }
    }

    /// Commits, and wakes the thread that gives back what destroyed subvolumes held: without this it sleeps
    /// for up to 30 s.
    borrowing func syncBtrfs() throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_SYNC") { clinux_btrfs_sync(number) }
    }

    /// The same without waiting: ``syncBtrfs()`` writes out what everybody has written, which can take seconds.
    borrowing func startSync() throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_START_SYNC") { clinux_btrfs_start_sync(number) }
    }

    borrowing func fillDevice() throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_RESIZE") { clinux_btrfs_fill_device(number) }
    }

    /// - Throws: `ENOSPC` where what is in it does not fit.
    borrowing func resizeBtrfs(to bytes: UInt64) throws(SystemError) {
        let number = number
        _ = try call("BTRFS_IOC_RESIZE") { clinux_btrfs_resize(number, bytes) }
    }

    borrowing func btrfsRoom() throws(SystemError) -> BtrfsRoom {
        let number = number
        var room = clinux_btrfs_room()
        var id = [UInt8](repeating: 0, count: 16)
        var bytes = id.mutableSpan
        _ = try unsafe bytes.withUnsafeMutableBufferPointer { (id) throws(SystemError) in
            try call("BTRFS_IOC_SPACE_INFO") { unsafe clinux_btrfs_room(number, &room, id.baseAddress) }
        }
        return BtrfsRoom(
            id: id, size: room.size, data: room.data, dataUsed: room.data_used, metadata: room.metadata,
            metadataUsed: room.metadata_used)
    }

    /// fstatfs(2).
    borrowing func fileSystem() throws(SystemError) -> clinux_file_system {
        let number = number
        var result = clinux_file_system()
        _ = try call("fstatfs") { unsafe clinux_file_system(number, &result) }
        return result
    }
}

/// How much a btrfs has and uses, in bytes.
package struct BtrfsRoom: Hashable, Sendable {
    /// The 16 bytes of the number that the kernel knows it by.
    package var id: [UInt8]
    /// What its devices have together.
    package var size: UInt64
    /// What is set aside for data, and how much of that is used.
    package var data: UInt64
    package var dataUsed: UInt64
    package var metadata: UInt64
    package var metadataUsed: UInt64

    /// As in /sys/fs/btrfs: hexadecimal, with dashes behind bytes 4, 6, 8 and 10.
    var uuid: String {
        var text = ""
        for (index, byte) in id.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }
}
