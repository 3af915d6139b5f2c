package import Sandbox

/// One thing that a test can leave out: a layer or a mechanism.
package enum Protection: Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case layer(Layer)
    case mechanism(Mechanism)

    package static let allCases =
        Layer.allCases.map(Protection.layer) + Mechanism.allCases.map(Protection.mechanism)

    package var ablation: Ablation {
        switch self {
        case .layer(let layer): [layer]
        case .mechanism(let mechanism): Ablation([], [mechanism])
        }
    }

    package var description: String {
        switch self {
        case .layer(let layer): layer.rawValue
        case .mechanism(let mechanism): mechanism.rawValue
        }
    }

    /// What has to be left out as well before anything changes: another layer that stops the same, or
    /// that this kernel refuses without this one. Empty where each attack is stopped by it alone.
    package var companions: Ablation {
        switch self {
        // Nobody may put these on without either no_new_privs or a capability.
        case .layer(.noNewPrivileges): [.seccomp, .landlockFiles, .landlockTCP, .landlockScopes]
        // Has neither keyctl nor prlimit of another process.
        case .layer(.keyring), .layer(.uids): [.seccomp]
        // One of which counts processes too.
        case .layer(.pids): [.rlimits]
        // RLIMIT_NPROC, likewise.
        case .layer(.rlimits): [.pids]
        default: []
        }
    }
}

extension Attack {
    /// Whether the table says that `protection` stops it.
    package func isStopped(by protection: Protection) -> Bool {
        switch protection {
        case .layer(let layer): stoppedBy.contains(layer)
        case .mechanism(let mechanism): mechanisms.contains(mechanism)
        }
    }
}
