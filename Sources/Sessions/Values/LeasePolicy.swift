/// Whether a process runs to its end for somebody who waits for the result, or for its own sake.
package enum ProcessKind: String, CaseIterable, Sendable {
    case exec
    /// Long-lived and named.
    case managed
}

/// Which running processes hold a session's idle clock.
package enum LeasePolicy: String, CaseIterable, Sendable {
    /// Both kinds.
    case all
    case exec
    case managed
    case none

    package func holds(for kind: ProcessKind) -> Bool {
        switch self {
        case .all: true
        case .exec: kind == .exec
        case .managed: kind == .managed
        case .none: false
        }
    }
}
