import CLinux
import InitPlan
import Sandbox

/// The sandbox's own terminals: a devpts instance that nothing of the host's is in.
extension LaunchPlanner {
    /// How many terminals there can be: the sandbox's first, or those of its processes, and those that a
    /// program such as script(1) or tmux(1) makes for others.
    private static let mostTerminals = 8
    private static let mostOnRequest = 64

    func terminal(_ list: inout StepList) {
        let isFirst = spec.terminal == .first
        let most = String(isFirst ? LaunchPlanner.mostTerminals : LaunchPlanner.mostOnRequest)
        list.add(.terminal, "devpts /dev/pts, at most \(most) terminals") { fields in
            fields.text("/dev/pts")
            fields.integer(UInt64(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NOEXEC))
            fields.text(most)
            fields.integer(isFirst ? 1 : 0)
        }
    }
}
