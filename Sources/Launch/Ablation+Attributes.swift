import CLinux
import Sandbox

extension Ablation {
    /// The attributes of a mount (mount_setattr(2)) without those that a test leaves out.
    func kept(_ attributes: Int32) -> Int32 {
        var kept = attributes
        if contains(.readOnly) { kept &= ~CLINUX_MOUNT_RDONLY }
        if contains(.mountFlags) { kept &= ~(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV) }
        return kept
    }
}
