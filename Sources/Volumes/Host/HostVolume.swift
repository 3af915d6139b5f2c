// A directory of the operator's as a volume: a btrfs in an image file, which programs of the host have at a path of
// theirs, and of which directories are handed out with limits of their own.

import CLinux
import Glibc
package import Linux
import Trees

/// Whose a directory is, and its permissions.
package struct DirectoryOwner: Hashable, Sendable {
    package var user: UInt32
    package var group: UInt32
    /// The permissions, without the bits of setuid, setgid and the like.
    package var mode: UInt32

    package init(user: UInt32, group: UInt32, mode: UInt32) {
        self.user = user
        self.group = group
        self.mode = mode & 0o777
    }

    package init(of directory: borrowing FileDescriptor) throws(SystemError) {
        var status = clinux_stat()
        let number = directory.number
        _ = try call("fstat") { unsafe clinux_fstat(number, &status) }
        self.init(user: status.uid, group: status.gid, mode: UInt32(status.mode))
    }
}

/// Where a file system's file is: whoever has the same two numbers is the same file, in every mount namespace.
package struct FilePlace: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    package init(of file: borrowing FileDescriptor) throws(SystemError) {
        let status = try file.status()
        self.init(device: status.device, inode: status.inode)
    }
}

/// One volume of the host's, open. Its size is set aside when it is made and stays. One thread at a time.
package final class HostVolume {
    /// Its file in a directory of its own.
    package static let file = "volume.btrfs"
    /// The kernel makes no smaller btrfs bigger or smaller, in bytes.
    package static let least = ImagePolicy.least

    /// What errors call it: where programs of the host have it.
    package let path: String
    private let image: BtrfsImage
    let root: FileDescriptor
    let quota: QuotaFiles
    /// Its top directory.
    package let place: FilePlace

    /// Makes the file, and a file system in it whose top directory has this owner.
    /// - Parameters:
    ///   - directory: where the file is to be; nobody but root may write to it.
    ///   - store: what errors call that.
    ///   - path: what errors call the volume.
    ///   - maker: where mkfs.btrfs is.
    /// - Throws: ``VolumeError/diskFull(_:wanted:available:)`` and what ``BtrfsImage`` throws.
    package convenience init(
        making directory: borrowing FileDescriptor, store: String, path: String, bytes: UInt64,
        owner: DirectoryOwner, maker: String
    ) throws(VolumeError) {
        try self.init(directory, store, path, Self.policy(bytes), maker)
        let number = root.number
        try doing("to give \(path) its owner") { () throws(SystemError) in
            _ = try call("fchown", on: path) { fchown(number, owner.user, owner.group) }
            _ = try call("fchmod", on: path) { fchmod(number, owner.mode) }
        }
    }

    /// Opens one that was made.
    /// - Throws: ``VolumeError/notAVolume(_:)`` where its file is gone: nothing is made in its place.
    package convenience init(
        opening directory: borrowing FileDescriptor, store: String, path: String, bytes: UInt64
    ) throws(VolumeError) {
        let there: Bool
        do throws(SystemError) {
            there = try directory.status(of: Self.file)?.kind == .file
        } catch {
            throw .system("to look for \(store)/\(Self.file)", error)
        }
        guard there else { throw .noDriver("the file \(store)/\(Self.file) is gone") }
        try self.init(directory, store, path, Self.policy(bytes), "")
    }

    private init(
        _ directory: borrowing FileDescriptor, _ store: String, _ path: String, _ policy: ImagePolicy,
        _ maker: String
    ) throws(VolumeError) {
        let image = try BtrfsImage(Self.file, in: directory, path: store, policy: policy, maker: maker)
        let root = try image.top()
        let room = try image.room()
        let place = try doing("to look at \(path)") { () throws(SystemError) in try FilePlace(of: root) }
        var quota = try Self.quotaFiles(room, path)
        if quota == nil {
            try Self.enableQuota(root, path)
            quota = try Self.quotaFiles(room, path)
        }
        guard let found = quota.take() else { throw .noDriver("\(path) has no quotas") }
        self.image = image
        // What a change of size that was not got to the end of has made of it.
        bytes = room.size
        self.path = path
        self.root = root
        self.quota = found
        self.place = place
    }

    private static func quotaFiles(_ room: BtrfsRoom, _ path: String) throws(VolumeError) -> QuotaFiles? {
        try doing("to open the quotas of \(path)") { () throws(SystemError) in try QuotaFiles(of: room) }
    }

    /// All of it is set aside at once, so that nothing has to grow while programs of the host write.
    private static func policy(_ bytes: UInt64) -> ImagePolicy {
        ImagePolicy(initial: bytes, headroom: 0, bound: bytes)
    }

    /// Simple quotas where the kernel has them, as in the image of volumes.
    private static func enableQuota(
        _ directory: borrowing FileDescriptor, _ path: String
    ) throws(VolumeError) {
        do throws(SystemError) {
            do throws(SystemError) {
                return try directory.enableQuota(.simple)
            } catch  where error.errno == .invalidArgument {
                return try directory.enableQuota(.full)
            }
        } catch {
            throw .system("to turn quotas on at \(path)", error)
        }
    }

    // MARK: As a whole

    package private(set) var bytes: UInt64

    /// What files and directories take in all, in bytes.
    package func used() throws(VolumeError) -> UInt64 {
        let room = try image.room()
        return room.dataUsed + room.metadataUsed
    }

    /// A mount for others: nosuid and nodev, and in no namespace until somebody puts it into one.
    package func mount() throws(VolumeError) -> FileDescriptor { try image.anotherMount() }

    /// Has its size changed by another process: its top, its file and its loop device, and the path of that.
    package var sizeParts: (descriptors: [CInt], device: String) {
        let parts = image.sizeParts
        return ([root.number, parts.file, parts.loop], parts.device)
    }

    /// Another process has given it this size.
    package func resized(to bytes: UInt64) { self.bytes = bytes }

    /// Changes the size of a volume that another process of this program has open.
    /// - Parameter path: what errors call it.
    /// - Throws: as ``BtrfsImage`` does; then the size is what it was.
    package static func resize(
        _ path: String, root: consuming FileDescriptor, file: consuming FileDescriptor,
        loop: consuming FileDescriptor, device: String, to bytes: UInt64
    ) throws(VolumeError) {
        let image = try BtrfsImage(
            sharing: root, file: file, loop: loop, device: device, path: path, policy: Self.policy(bytes))
        try image.resize(to: bytes, called: path)
    }

    /// Makes sure that directories of it can be mounted elsewhere by this thread (before Linux 6.15 only from a mount
    /// that is in a namespace).
    /// - Parameter path: where it may be mounted for that; nil where this thread has no namespace of its own.
    package func letMount(at path: String?) throws(VolumeError) { try image.letMount(at: path) }

    /// Whether nothing is in it.
    package func isEmpty() throws(VolumeError) -> Bool {
        try doing("to read \(path)") { () throws(SystemError) in
            try root.open(".", O_RDONLY | O_DIRECTORY).entries().isEmpty
        }
    }

    /// Takes away limits of directories that programs of the host have removed. What cannot go now stays for the next
    /// time: it costs nothing.
    package func tidy() {
        guard let numbers = try? quota.subvolumes() else { return }
        // 256 is the first that is nobody's but a program's (BTRFS_FIRST_FREE_OBJECTID).
        for number in numbers where number >= 256 {
            guard (try? root.hasSubvolume(number)) == false else { continue }
            let group = Qgroup(subvolume: number)
            if let used = try? quota.used(by: group), used > 0 { continue }
            _ = try? root.removeQgroup(group)
        }
    }
}
