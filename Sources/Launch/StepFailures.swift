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
        if step.hasPrefix("mount ") || step.hasPrefix("tmpfs ") { return mountHint(step, errno) }
        if step.hasPrefix("landlock"), errno == .noSuchFileOrDirectory {
            return "the image does not have this path"
        }
        if step == pivot, errno == .invalidArgument {
            return "the root file system is an initramfs, which nothing can pivot away from: start corral "
                + "after switch_root to another"
        }
        return nil
    }

    /// Of a mount that the caller adds. A place that Corral does not make, in a tree or in the host's own
    /// directories, has to be there; a source is found again by an ordinary user's init.
    private static func mountHint(_ step: String, _ errno: Errno) -> String? {
        switch errno.rawValue {
        case 116:  // ESTALE
            "what is there now is not what was checked: it was replaced meanwhile"
        case 2:  // ENOENT
            "the place has to exist where it is part of the image or of another mount: make it there first"
        case 20, 22:  // ENOTDIR, EINVAL
            step.contains(", idmapped, ")
                ? "a directory can be mounted on a directory only, and a file on a file"
                : "a directory can be mounted on a directory only, and a file on a file; and for an ordinary "
                    + "user nothing may be mounted below the source"
        case 40:  // ELOOP
            "a symbolic link is part of the path; give the path behind it"
        case 13:  // EACCES
            "the sandbox's init may not enter a directory on the way"
        default: nil
        }
    }

    /// The step of pivot_root(2).
    static let pivot = "the tree becomes the root"
}
