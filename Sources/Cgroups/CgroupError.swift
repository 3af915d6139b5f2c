package import Linux

/// Why a sandbox's group could not be made, watched or removed.
package enum CgroupError: Error, Hashable, Sendable {
    /// Not usable as the name of a directory.
    case badName(String)
    /// A group of this name exists already in the hierarchy.
    case taken(name: String, hierarchy: String)
    /// The kernel did not let `directory` hand controllers down to its children.
    case notEnabled(directory: String, controllers: String, errno: Errno)
    /// The kernel did not take `value` for the limit `file`.
    case limitRefused(file: String, value: String, errno: Errno)
    /// Groups that could not be removed, most likely because something still runs in them.
    case remains([String], errno: Errno)
    /// A call failed on a file or directory of the hierarchy.
    case failed(SystemError, hierarchy: String)
    /// The slot file did not tell which groups are alive.
    case slots(SystemError)
    /// What the kernel says about its cgroups could not be read.
    case undetected(SystemError)
}

extension CgroupError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badName(let name):
            "\"\(name)\" is no name for a cgroup: 1 to 255 bytes without \"/\" and line breaks are."
        case .taken(let name, let hierarchy):
            "The cgroup \(name) exists already in \(hierarchy); it was expected to be new."
        case .notEnabled(let directory, let controllers, let errno):
            "The cgroup \(directory) cannot hand down \(controllers): \(errno). \(Self.cure(errno, directory))"
        case .limitRefused(let file, let value, let errno):
            "The kernel refused the value \(value) for \(file): \(errno)."
        case .remains(let groups, let errno):
            "These cgroups could not be removed: \(groups.joined(separator: ", ")): \(errno)."
        case .failed(let error, let hierarchy):
            "The cgroups in \(hierarchy) could not be used: \(error)."
        case .slots(let error):
            "The slot file did not tell which cgroups are alive: \(error)."
        case .undetected(let error):
            "The system's cgroups could not be determined: \(error)."
        }
    }

    /// What to do when `cgroup.subtree_control` refused (kernel documentation, cgroup-v2,
    /// "Controlling Controllers").
    private static func cure(_ errno: Errno, _ directory: String) -> String {
        switch errno {
        case .busy:
            "Processes run in that cgroup itself: move them into a child of it, or start corral in one of "
                + "its own (systemd-run --scope -p Delegate=yes corral run ...)."
        case .noSuchFileOrDirectory:
            "They were not handed down to it: enable them in its parent's cgroup.subtree_control (in a "
                + "systemd unit: Delegate=yes)."
        default:
            "It has to be writable and to list them in its cgroup.controllers."
        }
    }
}
