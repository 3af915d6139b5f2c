import Dialects

/// What the relay refuses by. The raw value is its name in reports and documentation.
package enum RelayRule: String, CaseIterable, Hashable, Sendable {
    /// A frame's length is over the limit.
    case frameSize = "frame-size"
    /// The stream ended inside a frame.
    case truncated
    /// A frame is not JSON.
    case json
    /// A frame is JSON and no object.
    case object
    /// A process of another user connected.
    case peer
    /// More connections at once than the profile allows.
    case connections
    /// The host application could not be connected to.
    case upstream
    /// This process has no descriptor left.
    case openFiles = "open-files"

    init(_ refusal: Refusal) {
        switch refusal {
        case .tooLong: self = .frameSize
        case .truncated: self = .truncated
        case .notJSON: self = .json
        case .notObject: self = .object
        }
    }
}

/// What passed through a relay and what did not.
package struct RelayTotals: Hashable, Sendable {
    /// Frames that were let through, with their bytes, lengths included.
    package struct Traffic: Hashable, Sendable {
        package var frames: UInt64 = 0
        package var bytes: UInt64 = 0
    }

    package struct Refused: Hashable, Sendable {
        package let rule: RelayRule
        package fileprivate(set) var count: UInt64
        /// The first one, in words.
        package let first: String
    }

    package internal(set) var fromPlugin = Traffic()
    package internal(set) var fromUpstream = Traffic()
    /// Connections that were joined to the upstream.
    package internal(set) var connections: UInt64 = 0
    /// Descriptors that somebody tried to pass, at least.
    package internal(set) var descriptorsClosed: UInt64 = 0
    /// In the order in which the rules first applied.
    package private(set) var refusals: [Refused] = []
    /// What ended the relay before it was stopped; nil as a rule.
    package internal(set) var failure: String?

    package func refusals(by rule: RelayRule) -> UInt64 {
        refusals.first { $0.rule == rule }?.count ?? 0
    }

    mutating func refuse(_ rule: RelayRule, _ reason: @autoclosure () -> String) {
        if let index = refusals.firstIndex(where: { $0.rule == rule }) {
            refusals[index].count += 1
        } else {
            refusals.append(Refused(rule: rule, count: 1, first: reason()))
        }
    }
}
