import CLinux
import Linux
import Sandbox

/// Who owns a file or a directory on disk.
struct FileOwner: Hashable {
    let uid: UInt32
    let gid: UInt32
}

extension Identity {
    /// The user that the processes of a sandbox are outside of it.
    var processes: FileOwner { FileOwner(uid: processUID, gid: processGID) }
}

/// The call that fails where a file system has no idmapped mounts.
let idmapCall = "mount_setattr(IDMAP)"

/// A detached mount, nosuid and nodev, of the directory or file that a descriptor refers to. In it the
/// owner on disk and one user, such as the sandbox's processes, are the same, so that files keep their owner outside
/// (mount_setattr(2), "ID-mapped mounts"). Files of everybody else belong to nobody there and cannot be changed.
///
/// Mounts below it are not part of it. To be called in the mount namespace where it was opened.
/// - Parameters:
///   - path: for errors.
///   - user: whose the owner's files are in the mount.
///   - executable: whether programs can be executed through it.
///   - without: what a test leaves out.
func detachedMount(
    of source: borrowing FileDescriptor, _ path: String, _ owner: FileOwner, to user: FileOwner,
    readOnly: Bool, executable: Bool = true, without: Ablation
) throws(SystemError) -> FileDescriptor {
    let number = source.number
    let uids = "\(owner.uid) \(user.uid) 1\n"
    let gids = "\(owner.gid) \(user.gid) 1\n"
    let users = FileDescriptor(
        owning: try call("user namespace for the id map") { unsafe clinux_user_namespace(uids, gids) })
    let mount = FileDescriptor(
        owning: try call("open_tree", on: path) { clinux_open_tree_at(number, 0) })
    let mounted = mount.number
    let namespace = users.number
    let attributes = UInt64(
        CLINUX_MOUNT_IDMAP
            | without.kept(
                CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | (readOnly ? CLINUX_MOUNT_RDONLY : 0)
                    | (executable ? 0 : CLINUX_MOUNT_NOEXEC)))
    _ = try call("mount_setattr(IDMAP)", on: path) {
        clinux_mount_setattr(mounted, 0, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), namespace)
    }
    return mount
}
