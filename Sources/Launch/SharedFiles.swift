import CLinux
package import Linux

/// The launcher's way to the workspace of a running sandbox: a second mount of its tmpfs, detached, nosuid,
/// nodev and noexec, which the init keeps open (``SandboxSpec/sharesFiles``). It is taken from the init's table
/// (pidfd_getfd(2)), so it takes none of the launcher's descriptors, works while the sandbox is frozen, and
/// goes with the init.
package final class SharedFiles {
    private let pidfd: CInt
    private let number: CInt
    /// What the descriptor stood for before any program ran in the sandbox; or why it cannot be had.
    private let first: Result<Place, SystemError>
    /// Whose the files are through this mount, once that was decided.
    private var user: FileUser.ID?

    private struct Place: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// - Parameters:
    ///   - pidfd: of the init; stays the caller's, who keeps it open as long as this object is.
    ///   - number: the init's.
    init(of pidfd: CInt, _ number: CInt) {
        self.pidfd = pidfd
        self.number = number
        do throws(SystemError) {
            first = .success(try SharedFiles.place(of: SharedFiles.take(pidfd, number)))
        } catch {
            first = .failure(error)
        }
    }

    /// A descriptor of the workspace's top (O_PATH), whose files are the user's as long as the sandbox is.
    /// - Parameter user: nil where the sandbox's processes have the caller's own uid.
    package func open(for user: FileUser?) throws(SharedFilesError) -> FileDescriptor {
        let descriptor: FileDescriptor
        do throws(SystemError) {
            descriptor = try takeChecked()
        } catch {
            throw .cannotTake(error)
        }
        if let user { try give(descriptor, to: user) }
        return descriptor
    }

    private func takeChecked() throws(SystemError) -> FileDescriptor {
        let known = try first.get()
        let descriptor = try SharedFiles.take(pidfd, number)
        guard try SharedFiles.place(of: descriptor) == known else {
            throw SystemError("pidfd_getfd", "another descriptor than at first", .badDescriptor)
        }
        return descriptor
    }

    /// A mount gets its owners once (mount_setattr(2)).
    private func give(_ mount: borrowing FileDescriptor, to user: FileUser) throws(SharedFilesError) {
        if let given = self.user {
            guard given == user.id else { throw .givenToOther(uid: given.uid, gid: given.gid) }
            return
        }
        let (number, namespace) = (mount.number, user.namespace.number)
        do throws(SystemError) {
            _ = try call("mount_setattr(IDMAP)", on: "the workspace") {
                clinux_mount_setattr(number, 0, UInt64(CLINUX_MOUNT_IDMAP), 0, 0, namespace)
            }
        } catch {
            throw .cannotMap(error.errno)
        }
        self.user = user.id
    }

    private static func take(_ pidfd: CInt, _ number: CInt) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try call("pidfd_getfd") { clinux_pidfd_getfd(pidfd, number) })
    }

    private static func place(of descriptor: borrowing FileDescriptor) throws(SystemError) -> Place {
        var status = clinux_stat()
        let number = descriptor.number
        _ = try call("fstat") { unsafe clinux_fstat(number, &status) }
        return Place(device: status.device, inode: status.inode)
    }
}

/// A user who is the owner of the processes' files, seen through an idmapped mount.
package final class FileUser {
    struct ID: Hashable {
        let uid: UInt32
        let gid: UInt32
    }

    let id: ID
    let namespace: FileDescriptor

    /// - Parameters:
    ///   - uid: as the launcher's user namespace has it.
    ///   - gid: likewise.
    package init(uid: UInt32, gid: UInt32) throws(SystemError) {
        // A tmpfs of a sandbox stores ids as the sandbox sees them.
        let (uids, gids) = ("\(Identity.insideID) \(uid) 1\n", "\(Identity.insideID) \(gid) 1\n")
        namespace = FileDescriptor(
            owning: try call("user namespace for the id map") { unsafe clinux_user_namespace(uids, gids) })
        id = ID(uid: uid, gid: gid)
    }

    /// A detached mount, nosuid, nodev and noexec, of a directory whose files are stored under the ids that sandboxes
    /// see: they are this user's there.
    package func mount(_ directory: borrowing FileDescriptor) throws(SystemError) -> FileDescriptor {
        let source = directory.number
        return try own(FileDescriptor(owning: try call("open_tree") { clinux_open_tree_at(source, 0) }))
    }

    /// Makes such a mount of one that is in no namespace and has no mapped owners. What it forbids already stays
    /// forbidden.
    package func own(_ mount: consuming FileDescriptor) throws(SystemError) -> FileDescriptor {
        let (number, users) = (mount.number, namespace.number)
        let attributes = UInt64(
            CLINUX_MOUNT_IDMAP | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC)
        _ = try call("mount_setattr(IDMAP)") {
            clinux_mount_setattr(number, 0, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), users)
        }
        return mount
    }

    package func isOf(uid: UInt32, gid: UInt32) -> Bool { id == ID(uid: uid, gid: gid) }
}

/// Why the files of a running sandbox cannot be had.
package enum SharedFilesError: Error, Hashable, Sendable {
    case cannotTake(SystemError)
    /// The kernel has no idmapped mounts of tmpfs.
    case cannotMap(Errno)
    case givenToOther(uid: UInt32, gid: UInt32)
}

extension SharedFilesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cannotTake(let error): "the workspace cannot be taken from sandbox-init: \(error)"
        case .cannotMap(let errno):
            "this kernel has no idmapped mounts of tmpfs (\(errno)), by which the daemon could be the owner of a "
                + "workspace's files; Linux 6.3 has them"
        case .givenToOther(let uid, let gid):
            "the workspace was given to the user \(uid) with the group \(gid), and a mount is given once"
        }
    }
}
