/// What passed through a relay and what did not.
package struct RelayTotals: Hashable, Sendable {
    /// Frames that were let through, with their bytes, lengths included.
    package struct Traffic: Hashable, Sendable {
        package var frames: UInt64 = 0
        package var bytes: UInt64 = 0
    }

    package internal(set) var fromPlugin = Traffic()
    package internal(set) var fromUpstream = Traffic()
    /// Connections that were joined to the upstream.
    package internal(set) var connections: UInt64 = 0
    /// Descriptors that somebody tried to pass, at least.
    package internal(set) var descriptorsClosed: UInt64 = 0
    package internal(set) var refusals = RefusalCounts()
    /// What the sandbox was to be ended for, with `relay.violation: kill`.
    package internal(set) var violation: RelayViolation?
    /// What ended the relay before it was stopped; nil as a rule.
    package internal(set) var failure: String?
}
