package import Linux
package import Sandbox

/// Why a sandbox was not started. Nothing of it is left then.
package enum LaunchError: Error, Hashable, Sendable {
    /// A layer that the profile requires would not hold.
    case layerMissing(Layer, LayerState, profile: String)
    case limitAboveHost(_ limit: String, _ asked: String, host: String)
    /// The profile wants an egress proxy.
    case noProxy(profile: String)
    case imagePathMissing(image: String, path: String)
    case imageTreeMissing(image: String, tree: String)
    /// The relay's socket is at a path below /var/run, where the tree has something of its own.
    case noRunLink(image: String, socket: String)
    case initMissing(looked: [String])
    /// A call of the launcher's own failed while it did what `doing` says.
    case system(SystemError, doing: String)
    /// A step failed, in the launcher or in the init.
    case step(String, Errno, hint: String?)
    case workspace(WorkspaceError)
    case mount(MountError)
    /// The init and this program do not belong together.
    case mixedInstallation
    /// The init ended without a word, after it had begun a step.
    case initEnded(lastStep: String, cause: String)
}

extension LaunchError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .layerMissing(let layer, let state, let profile):
            "the profile \(profile) requires the layer \(layer.rawValue), which would be \(state); \(cure(layer))"
        case .limitAboveHost(let limit, let asked, let host):
            "the limit \(limit) of \(asked) is more than this host has: \(host)"
        case .noProxy(let profile):
            "the profile \(profile) has network.mode proxy, and the egress proxy does not exist yet; "
                + "nothing is started, since the only other ways are no network (none) and all of it (host)"
        case .imagePathMissing(let image, let path):
            "the image \(image) binds \(path), which this host does not have; "
                + "mark it optional in images/\(image).yaml or create it"
        case .imageTreeMissing(let image, let tree):
            "the image \(image) shows the tree \(tree), which is not in the image store; import or build it "
                + "again, or remove the image with corral image rm \(image)"
        case .noRunLink(let image, let socket):
            "the socket \(socket) cannot be made: in the tree of the image \(image) /var/run is no link to /run; "
                + "make it one and import the tree again"
        case .initMissing(let looked):
            "sandbox-init not found; looked for \(looked.joined(separator: ", ")); "
                + "install it beside corral or name it in CORRAL_INIT"
        case .system(let error, let doing): "\(doing): \(error)"
        case .step(let step, let errno, let hint):
            "launch failed at the step \"\(step)\": \(errno)" + (hint.map { "; \($0)" } ?? "")
        case .workspace(let error): "workspace \(error)"
        case .mount(let error): "\(error)"
        case .mixedInstallation:
            "sandbox-init is of another version than corral; install both from one build"
        case .initEnded(let lastStep, let cause):
            "sandbox-init \(cause) during the step \"\(lastStep)\""
        }
    }

    private func cure(_ layer: Layer) -> String {
        switch layer {
        case .memory, .swap, .pids, .cpu:
            "run as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes corral run ..."
        case .uids, .groups:
            "run as root, or give the user a range in /etc/subuid and /etc/subgid and install newuidmap"
        case .landlockFiles, .landlockTCP, .landlockScopes:
            "use a newer kernel with landlock in its lsm= list, or take the layer out of require:"
        case .netNamespace:
            "give the profile a network.mode of none, or take the layer out of require:"
        default: "use a host that has it, or take the layer out of the profile's require:"
        }
    }
}

/// Why a process in a running sandbox was not started.
package struct ProcessStartError: Error, Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        case notFound
        case notExecutable
        /// The working directory cannot be entered.
        case directory
        /// A layer could not be put on it.
        case layer(String)
    }
    package let reason: Reason
    package let errno: Errno
}
