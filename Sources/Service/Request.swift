package import Wire

/// A request without its body: who asks, for what.
package struct RequestHead: Hashable, Sendable {
    /// As it was sent, such as `GET`.
    package let method: String
    /// Such as `HTTP/1.1`.
    package let version: String
    package let target: Target
    package let headers: Headers
    /// Whose connection it is.
    package let peer: Peer
    package let trace: TraceContext
    /// What it was admitted by, as whoever admitted it numbers that; nil where its peer says who asks.
    package internal(set) var badge: UInt32?
}

/// A request that an endpoint answers.
package struct Request: Hashable, Sendable {
    /// What came with it, checked as its endpoint asks.
    package enum Body: Hashable, Sendable {
        case none
        case json(JSONTree)
        case bytes([UInt8])
        /// Still to come: the answer must name a sink for it (``Reply/upload(_:)``).
        case stream
    }

    package let endpoint: Endpoint
    package let head: RequestHead
    /// Of the path's pattern, by name.
    package let parameters: [String: String]
    package let body: Body

    package var peer: Peer { head.peer }
    package var trace: TraceContext { head.trace }
    package var query: [String: String] { head.target.query }

    /// A parameter of the path's pattern; empty only for a name that the pattern does not have.
    package func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// The body, where it is JSON.
    package var json: JSONTree? {
        if case .json(let tree) = body { tree } else { nil }
    }

    /// The id of the last event that a follower saw (the header `Last-Event-ID`).
    package func lastEventID() throws(ServiceError) -> UInt64? {
        guard let text = try head.headers.single("last-event-id"), !text.isEmpty else { return nil }
        guard let id = UInt64(text) else {
            throw ServiceError(.invalid, "Last-Event-ID must be a whole number", field: "Last-Event-ID")
        }
        return id
    }
}
