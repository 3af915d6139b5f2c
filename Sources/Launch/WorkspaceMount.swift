import CLinux
import Glibc
package import Linux
package import Sandbox

/// A host directory given as workspace.
package final class WorkspaceDirectory {
    package let descriptor: FileDescriptor
    /// As given, for display.
    package let path: String
    private let owner: FileOwner

    private init(descriptor: consuming FileDescriptor, path: String, owner: FileOwner) {
        self.descriptor = descriptor
        self.path = path
        self.owner = owner
    }

    /// Opens the directory. No component of the path may be a symbolic link: a link that somebody
    /// swaps in must not decide what a sandbox may write to.
    /// - Parameter without: what a test leaves out.
    package static func open(
        _ path: String, without: Ablation = []
    ) throws(WorkspaceError) -> WorkspaceDirectory {
        guard !path.isEmpty else { throw .unusable(path, "is empty") }
        let follows = without.contains(.pathResolver)
        let flags = UInt64(CLINUX_O_PATH | (follows ? 0 : O_NOFOLLOW))
        let resolve = follows ? 0 : CLINUX_RESOLVE_NO_SYMLINKS | CLINUX_RESOLVE_NO_MAGICLINKS
        let number = unsafe clinux_openat2(AT_FDCWD, path, flags, 0, UInt64(resolve))
        guard number >= 0 else { throw .cannotOpen(path, Errno(rawValue: errno)) }
        return try WorkspaceDirectory.of(FileDescriptor(owning: number), path: path)
    }

    /// A directory that is open already.
    /// - Parameter path: what messages call it.
    package static func of(
        _ descriptor: consuming FileDescriptor, path: String
    ) throws(WorkspaceError) -> WorkspaceDirectory {
        var status = clinux_stat()
        guard unsafe clinux_fstat(descriptor.number, &status) == 0 else {
            throw .cannotOpen(path, Errno(rawValue: errno))
        }
        // O_PATH and O_NOFOLLOW together open a link at the end of the path itself (openat2(2)).
        guard status.mode & S_IFMT != S_IFLNK else { throw .cannotOpen(path, .tooManyLinks) }
        guard status.mode & S_IFMT == S_IFDIR else { throw .unusable(path, "is not a directory") }
        return WorkspaceDirectory(
            descriptor: descriptor, path: path, owner: FileOwner(uid: status.uid, gid: status.gid))
    }

    /// Whether it is of the user or the group root.
    package var isOfRoot: Bool { owner.uid == 0 || owner.gid == 0 }

    /// Refuses it where it is a place that no sandbox may see.
    package func check(by places: RefusedPlaces) throws(MountError) {
        let found: String
        do throws(SystemError) {
            found = try descriptor.path()
        } catch {
            throw .system(error)
        }
        try places.check(descriptor, path: path, found: found)
    }

    /// A detached mount of the directory in which its owner on disk and the sandbox's processes are
    /// the same user, so that files keep their owner outside (mount_setattr(2), "ID-mapped mounts").
    ///
    /// Mounts below the directory are not part of it. To be called in the mount namespace where the
    /// directory was opened.
    package func idmapped(
        to identity: Identity, readOnly: Bool, without: Ablation = []
    ) throws(WorkspaceError) -> FileDescriptor {
        try mounted(to: identity.processes, readOnly: readOnly, executable: true, without: without)
    }

    /// The same for somebody outside of the sandbox, who is its files' owner there; nothing is executed through it.
    /// - Parameters:
    ///   - uid: as the caller's user namespace has it.
    ///   - gid: likewise.
    package func idmapped(
        toUser uid: UInt32, group gid: UInt32, readOnly: Bool
    ) throws(WorkspaceError) -> FileDescriptor {
        try mounted(
            to: FileOwner(uid: uid, gid: gid), readOnly: readOnly, executable: false, without: [])
    }

    private func mounted(
        to user: FileOwner, readOnly: Bool, executable: Bool, without: Ablation
    ) throws(WorkspaceError) -> FileDescriptor {
        do throws(SystemError) {
            return try detachedMount(
                of: descriptor, path, owner, to: user, readOnly: readOnly, executable: executable,
                without: without)
        } catch {
            if error.call == idmapCall { throw .cannotMap(path, error.errno) }
            throw .system(error)
        }
    }
}

/// Why a directory cannot be the workspace.
package enum WorkspaceError: Error, Hashable, Sendable {
    case unusable(String, String)
    case cannotOpen(String, Errno)
    /// The file system has no idmapped mounts.
    case cannotMap(String, Errno)
    case system(SystemError)
}

extension WorkspaceError: CustomStringConvertible {
    /// For example `/srv/x: no such directory`; callers put `workspace` or the option in front.
    package var description: String {
        switch self {
        case .unusable(let path, let why): "\(shown(path)): \(why)"
        case .cannotOpen(let path, .tooManyLinks):
            "\(shown(path)): a symbolic link is part of the path; give the directory itself "
                + "(realpath tells it)"
        case .cannotOpen(let path, .noSuchFileOrDirectory): "\(shown(path)): no such directory"
        case .cannotOpen(let path, .nameTooLong):
            "\(shown(path)): the path is too long; the kernel takes 4095 bytes"
        case .cannotOpen(let path, let errno): "\(shown(path)): \(errno)"
        case .cannotMap(let path, let errno):
            "\(shown(path)): its file system has no idmapped mounts (\(errno)), so its files could not keep "
                + "their owner; use a directory on ext4, xfs or btrfs (tmpfs from Linux 6.3 on), run corral as the "
                + "directory's owner, or leave --workspace out and copy the files in"
        case .system(let error): "\(error)"
        }
    }
}
