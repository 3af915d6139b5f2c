import CLinux
import InitPlan
import Sandbox

/// The sandbox's own terminal: a devpts instance that nothing of the host's is in.
extension LaunchPlanner {
    /// How many terminals there can be: the sandbox's first, and those that a program such as script(1)
    /// or tmux(1) makes for others.
    private static let most = 8

    func terminal(_ list: inout StepList) {
        list.add(.directory, "directory /dev/pts") { fields in
            fields.text("/dev/pts")
            fields.integer(0o755)
        }
        // Where programs look for what makes terminals; the host's would make the host's.
        if !spec.image.symlinks.contains(where: { $0.path == "/dev/ptmx" }) {
            list.add(.symlink, "link /dev/ptmx -> pts/ptmx") { fields in
                fields.text("/dev/ptmx")
                fields.text("pts/ptmx")
            }
        }
        list.add(.terminal, "devpts /dev/pts, at most \(LaunchPlanner.most) terminals") { fields in
            fields.text("/dev/pts")
            fields.integer(UInt64(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NOEXEC))
            fields.text(String(LaunchPlanner.most))
        }
    }
}
