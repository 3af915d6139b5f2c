import Sandbox
package import Wire

/// Why a frame was not forwarded.
package enum Refusal: Error, Hashable, Sendable {
    case tooLong(FrameError)
    /// The stream ended inside a frame, of which this many bytes had come.
    case truncated(Int)
    case notJSON(JSONError)
    case notObject(JSONKind)
    /// Neither request, notification nor response, or several at once.
    case unclear
    /// An id of more than ``RPCID/longest`` bytes.
    case longID
    /// Something else than `register` came first.
    case notRegistered
    /// `register` came again, on this connection or on another one.
    case registeredTwice
    /// It registered as somebody else: what of, as whom, and who it is.
    case identity(String, found: String, expected: String)
    /// It declares an extension point that it may not have.
    case capability(String)
    /// The plugin calls its host.
    case call(String)
    /// An answer to nothing that waits for one.
    case notPending(RPCID)
    /// A call with the id of one that still waits for its answer.
    case duplicateID(RPCID)
    /// A method that the host application may not call.
    case method(String)
    case action(String)
    /// A URL's scheme.
    case scheme(String)
    /// More frames a second.
    case rate
    /// More bytes an hour.
    case volume
    /// More calls that wait for an answer.
    case inFlight(UInt32)
    /// No answer came, within this many milliseconds.
    case deadline(UInt64)
    /// An answer to a call whose deadline has passed.
    case late(RPCID)
    /// The plugin did not register, within this many milliseconds.
    case registration(UInt64)

    /// Whether the connection is of no use afterwards, whatever the profile says: what comes next
    /// cannot be told from what was refused, or the sides could not agree on who is there.
    package var endsConnection: Bool {
        switch self {
        case .tooLong, .truncated, .notJSON, .notObject, .notRegistered, .registeredTwice, .identity,
            .capability, .registration:
            true
        default: false
        }
    }

    /// Whether it is a message that its sender could have known not to be allowed, and not a lack of
    /// time: ``MessagePolicy/violation`` says what becomes of a plugin that sends one.
    package var isViolation: Bool {
        switch self {
        case .truncated, .deadline, .late, .registration: false
        default: true
        }
    }
}

extension Refusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let error): "\(error)"
        case .truncated(let count): "the stream ends inside a frame, behind its first \(count) bytes"
        case .notJSON(let error): "a frame is not JSON: \(error)"
        case .notObject(let kind): "a frame is a JSON \(kind) where an object is expected"
        case .unclear: "a message is neither a request nor a notification nor a response"
        case .longID: "an id is longer than \(RPCID.longest) bytes"
        case .notRegistered: "the first message is not register"
        case .registeredTwice: "register comes a second time"
        case .identity(let what, let found, let expected):
            "the plugin registers with the \(what) \(found); the profile says \(expected)"
        case .capability(let type):
            "the plugin declares the capability \(type), which the profile does not list"
        case .call(let method): "the plugin calls \(method); all that it may call is register, once"
        case .notPending(let id): "an answer has the id \(shown("\(id)")), which no call waits with"
        case .duplicateID(let id):
            "a call has the id \(shown("\(id)")) of one that still waits for its answer"
        case .method(let name): "the host calls \(name), which the profile's relay.methods does not list"
        case .action(let name): "an answer asks for the action \(name), which relay.actions does not list"
        case .scheme(let name):
            "an answer has a URL with the scheme \(name), which relay.schemes does not list"
        case .rate: "more frames a second than relay.rate allows"
        case .volume: "more bytes an hour than relay.bytes_per_hour allows"
        case .inFlight(let most): "more than \(most) calls wait for an answer"
        case .deadline(let milliseconds): "no answer came within \(milliseconds) ms"
        case .late(let id): "the answer with the id \(shown("\(id)")) comes after relay.deadline"
        case .registration(let milliseconds): "the plugin did not register within \(milliseconds) ms"
        }
    }
}
