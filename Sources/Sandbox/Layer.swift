/// One mechanism of isolation. The raw value is its name in profiles (`require:`), JSON and docs.
package enum Layer: String, CaseIterable, Sendable {
    case userNamespace = "user-ns"
    case mountNamespace = "mount-ns"
    case pidNamespace = "pid-ns"
    case netNamespace = "net-ns"
    case ipcNamespace = "ipc-ns"
    case utsNamespace = "uts-ns"
    case cgroupNamespace = "cgroup-ns"
    /// A uid for the init and another for the processes, both the sandbox's own.
    case uids = "uids"
    /// No supplementary groups.
    case groups = "groups"
    /// Every capability set empty.
    case capabilities = "capabilities"
    case noNewPrivileges = "no-new-privs"
    /// Own session, no controlling terminal but one of the sandbox's own (setsid(2)).
    case session = "session"
    /// New session keyring (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING).
    case keyring = "keyring"
    /// No descriptor but 0, 1 and 2.
    case descriptors = "descriptors"
    case landlockFiles = "landlock-fs"
    case landlockTCP = "landlock-tcp"
    /// Abstract unix sockets and signals stay inside the landlock domain.
    case landlockScopes = "landlock-scopes"
    case seccomp = "seccomp"
    case rlimits = "rlimits"
    case memory = "memory"
    case swap = "swap"
    case pids = "pids"
    case cpu = "cpu"
}

/// Whether a layer holds for one sandbox.
package enum LayerState: Hashable, Sendable {
    case inForce
    /// Holds in part; the text says what does not hold.
    case partial(String)
    /// Does not hold; the text says why.
    case off(String)
}

extension LayerState: CustomStringConvertible {
    package var description: String {
        switch self {
        case .inForce: "in force"
        case .partial(let why): "partial(\(why))"
        case .off(let why): "off(\(why))"
        }
    }
}
