import CLinux
import Linux
import Sandbox

/// Who owns a file or a directory on disk.
struct FileOwner: Hashable {
    let uid: UInt32
    let gid: UInt32
}

/// The call that fails where a file system has no idmapped mounts.
let idmapCall = "mount_setattr(IDMAP)"

/// A detached mount, nosuid and nodev, of the directory or file that a descriptor refers to. In it the
/// owner on disk and the sandbox's processes are the same user, so that files keep their owner outside
/// (mount_setattr(2), "ID-mapped mounts").
///
/// Mounts below it are not part of it. To be called in the mount namespace where it was opened.
/// - Parameters:
///   - path: for errors.
///   - without: what a test leaves out.
func detachedMount(
    of source: borrowing FileDescriptor, _ path: String, _ owner: FileOwner, to identity: Identity,
    readOnly: Bool, without: Ablation
) throws(SystemError) -> FileDescriptor {
    let number = source.number
    let uids = "\(owner.uid) \(identity.processUID) 1\n"
    let gids = "\(owner.gid) \(identity.processGID) 1\n"
    let users = FileDescriptor(
        owning: try call("user namespace for the id map") { unsafe clinux_user_namespace(uids, gids) })
    let mount = FileDescriptor(
        owning: try call("open_tree", on: path) { clinux_open_tree_at(number, 0) })
    let mounted = mount.number
    let namespace = users.number
    let attributes = UInt64(
        CLINUX_MOUNT_IDMAP
            | without.kept(
                CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | (readOnly ? CLINUX_MOUNT_RDONLY : 0)))
    _ = try call("mount_setattr(IDMAP)", on: path) {
        clinux_mount_setattr(mounted, 0, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), namespace)
    }
    return mount
}
