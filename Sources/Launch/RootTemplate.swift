import CLinux
import Glibc
import InitPlan
package import Linux

/// Making the root tree of a sandbox in the launcher.
///
/// From Linux 6.15 on it is a detached tree: mounts of no namespace, which go with their last
/// descriptor. Older kernels let nobody mount upon a detached tree; there it is attached in a mount
/// namespace of the launcher's own, and the sandbox gets a detached clone.
package enum RootTemplate {
    /// Where the tree is attached, where it must be: root's state directory, since no path that is
    /// walked later leads through it. Not "/" itself, because whoever has something mounted over its
    /// root counts as chrooted and gets no user namespace (EPERM).
    private static let place = "/run/corral"

    /// - Parameter steps: what ``LaunchPlanner`` made for the image.
    /// - Returns: the tree of one sandbox. On kernels before 6.15 this thread is in a mount namespace
    ///   of its own then.
    package static func make(_ steps: LaunchPlan.Steps) throws(LaunchError) -> FileDescriptor {
        // A switch, because ?? would need a copy.
        switch try detached(steps) {
        case .some(let root): return root
        case .none:
            try enterOwnNamespace()
            return try cloned(steps)
        }
    }

    /// The same for who makes many: only the first moves this thread, and nothing stays attached.
    /// - Parameter hasNamespace: whether this thread is in a mount namespace of its own.
    package static func make(
        _ steps: LaunchPlan.Steps, hasNamespace: inout Bool
    ) throws(LaunchError) -> FileDescriptor {
        switch try detached(steps) {
        case .some(let root): return root
        case .none:
            if !hasNamespace { try enterOwnNamespace() }
            hasNamespace = true
            let root = try cloned(steps)
            // What is in use of it stays with the clone (umount(2), MNT_DETACH).
            _ = unsafe umount2(place, 2)
            return root
        }
    }

    /// - Returns: nil where the kernel does not mount upon detached trees.
    private static func detached(_ steps: LaunchPlan.Steps) throws(LaunchError) -> FileDescriptor? {
        let root = try newRoot()
        guard let failure = fill(root, steps) else { return root }
        // EINVAL is what move_mount then says; for any other reason the attached way will meet it
        // again, and report it.
        guard failure.error == .system(Errno.invalidArgument.rawValue) else { throw failure.error(steps) }
        return nil
    }

    /// A detached clone of a tree that is attached in a mount namespace into which this thread moves.
    private static func cloned(_ steps: LaunchPlan.Steps) throws(LaunchError) -> FileDescriptor {
        let root = try newRoot()
        try attach(root)
        if let failure = fill(root, steps) { throw failure.error(steps) }
        let number = root.number
        do throws(SystemError) {
            return FileDescriptor(owning: try call("open_tree") { clinux_open_tree_at(number, 1) })
        } catch {
            throw .system(error, doing: "cloning the root template")
        }
    }

    /// Moves this thread into a mount namespace of its own, where nothing that is mounted reaches
    /// the host, while what the host unmounts goes here too.
    private static func enterOwnNamespace() throws(LaunchError) {
        do throws(SystemError) {
            _ = try call("unshare(CLONE_NEWNS)") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
            _ = try call("mount_setattr", on: "/") {
                clinux_set_root_propagation(UInt64(CLINUX_PROPAGATION_SLAVE))
            }
        } catch {
            throw .system(error, doing: "making a mount namespace for the root template")
        }
    }

    private static func newRoot() throws(LaunchError) -> FileDescriptor {
        do throws(SystemError) {
            let context = FileDescriptor(
                owning: try call("fsopen", on: "tmpfs") { unsafe clinux_fsopen("tmpfs") })
            let number = context.number
            for (key, value) in [("size", "1m"), ("mode", "0755")] {
                _ = try call("fsconfig", on: key) { unsafe clinux_fsconfig_string(number, key, value) }
            }
            _ = try call("fsconfig(CREATE)") { clinux_fsconfig_create(number) }
            return FileDescriptor(owning: try call("fsmount") { clinux_fsmount(number, 0) })
        } catch {
            throw .system(error, doing: "making the root template")
        }
    }

    private static func attach(_ root: borrowing FileDescriptor) throws(LaunchError) {
        let mount = root.number
        do throws(SystemError) {
            _ = try call("move_mount", on: place) { unsafe clinux_move_mount_path(mount, place) }
        } catch {
            throw .system(error, doing: "attaching the root template")
        }
    }

    private static func fill(_ root: borrowing FileDescriptor, _ steps: LaunchPlan.Steps) -> FillFailure? {
        let builder = RootBuilder(root: root.number)
        var index = 0
        return unsafe steps.bytes.withUnsafeBytes { bytes in
            do throws(PlanError) {
                var reader = unsafe try PlanReader(bytes)
                let count = Int(try reader.header())
                while index < count {
                    var (operation, fields) = try reader.step()
                    guard try builder.perform(operation, &fields) else { throw .unknownOperation }
                    index += 1
                }
                return nil
            } catch {
                return FillFailure(index: index, error: error)
            }
        }
    }
}

/// The step of a template that failed.
private struct FillFailure {
    let index: Int
    let error: PlanError

    func error(_ steps: LaunchPlan.Steps) -> LaunchError {
        StepFailures.error(steps.descriptions, index, error)
    }
}
