import InitPlan
import Linux

/// From a failed step to an error that says what to do.
enum StepFailures {
    static func error(_ descriptions: [String], _ index: Int, _ failure: PlanError) -> LaunchError {
        guard case .system(let number) = failure else { return .mixedInstallation }
        let step = descriptions.indices.contains(index) ? descriptions[index] : "step \(index)"
        let errno = Errno(rawValue: number)
        return .step(step, errno, hint: hint(step, errno))
    }

    private static func hint(_ step: String, _ errno: Errno) -> String? {
        if step.hasPrefix("proc "), errno == .notPermitted {
            return "every proc of this mount namespace is masked, as in some containers: run the outer "
                + "container with --security-opt systempaths=unconfined"
        }
        if step.hasPrefix("device "), errno == .noSuchFileOrDirectory || errno.rawValue == 19 {
            return "the host's /dev does not have this device as it should be"
        }
        if step.hasPrefix("tree ") {
            switch errno.rawValue {
            case 116:  // ESTALE
                return "the image was changed at the same time: try again"
            case 18, 22:  // EXDEV, EINVAL
                return
                    "something is mounted in the stored tree, or a name in it was replaced: import it again"
            case 13:  // EACCES
                return "the sandbox's init may not enter the image store: name another in CORRAL_IMAGES"
            default: return nil
            }
        }
        if step.hasPrefix("landlock"), errno == .noSuchFileOrDirectory {
            return "the image does not have this path"
        }
        if step == pivot, errno == .invalidArgument {
            return "the root file system is an initramfs, which nothing can pivot away from: start corral "
                + "after switch_root to another"
        }
        return nil
    }

    /// The step of pivot_root(2).
    static let pivot = "the tree becomes the root"
}
