import Dialects
import Sandbox

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
    /// A message that is no request, notification or response.
    case message
    /// An id that is too long.
    case id
    /// Something else than `register` came first, or nothing in time.
    case registration
    /// A second registration.
    case registered
    /// It registered with another name or id than the profile's.
    case identity
    /// It declares an extension point that it may not have.
    case capability
    /// The plugin calls its host.
    case call
    /// An answer to nothing that waits for one.
    case pending
    /// A call with the id of one that waits.
    case duplicate
    /// The host calls a method that is not listed.
    case method
    /// An answer with an action that is not listed.
    case action
    /// An answer with a URL whose scheme is not listed.
    case scheme
    /// Too many frames a second.
    case rate
    /// Too many bytes an hour.
    case volume
    /// Too many calls that wait.
    case inFlight = "in-flight"
    /// An answer did not come in time.
    case deadline
    /// A descriptor came along with bytes, and was closed; the bytes passed.
    case descriptor
    /// A process of another user connected.
    case peer
    /// More connections at once than the profile allows.
    case connections
    /// The host application could not be connected to.
    case upstream
    /// This process has no descriptor left.
    case openFiles = "open-files"

    init(_ refusal: Refusal) {
        self =
            switch refusal {
            case .tooLong: .frameSize
            case .truncated: .truncated
            case .notJSON: .json
            case .notObject: .object
            case .unclear: .message
            case .longID: .id
            case .notRegistered, .registration: .registration
            case .registeredTwice: .registered
            case .identity: .identity
            case .capability: .capability
            case .call: .call
            case .notPending: .pending
            case .duplicateID: .duplicate
            case .method: .method
            case .action: .action
            case .scheme: .scheme
            case .rate: .rate
            case .volume: .volume
            case .inFlight: .inFlight
            case .deadline, .late: .deadline
            }
    }
}

extension RelayRule {
    /// The profile's key or section that says what is refused; nil where the protocol does.
    package var key: String? {
        switch self {
        case .identity: "relay.plugin"
        case .frameSize: ProfileKey.relayFrame.rawValue
        case .registration: ProfileKey.relayRegistration.rawValue
        case .capability: ProfileKey.relayPluginCapabilities.rawValue
        case .method: ProfileKey.relayMethods.rawValue
        case .action: ProfileKey.relayActions.rawValue
        case .scheme: ProfileKey.relaySchemes.rawValue
        case .rate: ProfileKey.relayRate.rawValue
        case .volume: ProfileKey.relayBytes.rawValue
        case .inFlight: ProfileKey.relayInFlight.rawValue
        case .deadline: ProfileKey.relayDeadline.rawValue
        case .connections: ProfileKey.relayConnections.rawValue
        default: nil
        }
    }
}

/// How often each rule refused something.
package struct RefusalCounts: Hashable, Sendable {
    package struct Refused: Hashable, Sendable {
        package let rule: RelayRule
        package fileprivate(set) var count: UInt64
        /// The first one, in words.
        package let first: String
    }

    /// In the order in which the rules first applied.
    package private(set) var list: [Refused] = []

    package func count(_ rule: RelayRule) -> UInt64 { list.first { $0.rule == rule }?.count ?? 0 }

    /// - Returns: whether this is the rule's first.
    @discardableResult
    mutating func add(_ rule: RelayRule, count: UInt64 = 1, _ reason: @autoclosure () -> String) -> Bool {
        if let index = list.firstIndex(where: { $0.rule == rule }) {
            list[index].count += count
            return false
        }
        list.append(Refused(rule: rule, count: count, first: reason()))
        return true
    }
}
