import CLinux
package import Linux

/// Something that a launch does, tried out in a child that is gone afterwards.
package enum HostProbe: CaseIterable, Sendable {
    /// Every namespace that a sandbox has.
    case namespaces
    /// Mounting by descriptor (open_tree(2) and its family).
    case mountAPI
    /// A new proc.
    case proc

    /// - Returns: the call that failed and its error; nil where all went well.
    /// - Throws: when it could not be tried.
    package func failure() throws(SystemError) -> SystemError? {
        let probe =
            switch self {
            case .namespaces: CLINUX_PROBE_NAMESPACES
            case .mountAPI: CLINUX_PROBE_MOUNT_API
            case .proc: CLINUX_PROBE_PROC
            }
        var result = unsafe clinux_probe_result()
        _ = try call("fork") { unsafe clinux_probe(probe, &result) }
        guard let text = unsafe result.call else { return nil }
        return SystemError(unsafe String(cString: text), nil, unsafe Errno(rawValue: result.error))
    }

    /// What filters can do to a call, by the names of /proc/sys/kernel/seccomp/actions_avail.
    package static let seccompActions: [(name: String, value: UInt32)] = [
        ("kill_process", 0x8000_0000), ("kill_thread", 0), ("trap", 0x0003_0000), ("errno", 0x0005_0000),
        ("user_notif", 0x7FC0_0000), ("trace", 0x7FF0_0000), ("log", 0x7FFC_0000), ("allow", 0x7FFF_0000),
    ]

    /// The names of those that this kernel has.
    package static var availableSeccompActions: [String] {
        seccompActions.filter { clinux_seccomp_action($0.value) == 0 }.map(\.name)
    }
}
