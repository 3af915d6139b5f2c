import CLinux
import InitPlan
import Sandbox

/// The sandbox's own terminal: a devpts instance that nothing of the host's is in.
extension LaunchPlanner {
    /// How many terminals there can be: the sandbox's first, and those that a program such as script(1)
    /// or tmux(1) makes for others.
    private static let mostTerminals = 8

    func terminal(_ list: inout StepList) {
        let most = String(LaunchPlanner.mostTerminals)
        list.add(.terminal, "devpts /dev/pts, at most \(most) terminals") { fields in
            fields.text("/dev/pts")
            fields.integer(UInt64(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NOEXEC))
            fields.text(most)
        }
    }
}
