/// What a client can ask for at one path with one method: a row of the table that requests are answered
/// by, that the tests hold beside the OpenAPI file, and that the documentation is made of.
package struct Endpoint: Hashable, Sendable {
    package enum Method: String, CaseIterable, Hashable, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// What may come with a request, and how much.
    package enum Body: Hashable, Sendable {
        case none
        /// JSON of at most `limit` bytes; `optional` when the request may have no body at all.
        case json(limit: Int, optional: Bool = false)
        /// Bytes of any type, collected, at most `limit`.
        case bytes(limit: Int)
        /// Bytes of any type, given to a ``BodySink`` as they come; nil for as many as there are.
        case stream(limit: Int?)

        /// The most bytes; nil for no limit.
        package var limit: Int? {
            switch self {
            case .none: 0
            case .json(let limit, _), .bytes(let limit): limit
            case .stream(let limit): limit
            }
        }
    }

    package let method: Method
    /// Such as `/v1/sessions/{id}`: what stands in braces is a parameter and takes one segment.
    package let path: String
    /// Such as `session.inspect`: unique, for logs and the OpenAPI file (its operationId).
    package let name: String
    package let body: Body
    /// The query parameters it knows. Others are refused.
    package let query: [String]
    /// Those of them that may have control characters in them.
    package let controls: Set<String>

    package init(
        _ method: Method, _ path: String, name: String, body: Body = .none, query: [String] = [],
        controls: Set<String> = []
    ) {
        self.method = method
        self.path = path
        self.name = name
        self.body = body
        self.query = query
        self.controls = controls
    }

    /// The pattern's segments.
    var segments: [Segment] {
        path.split(separator: "/").map { part in
            part.hasPrefix("{") && part.hasSuffix("}")
                ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    enum Segment: Hashable, Sendable {
        case literal(String)
        case parameter(String)
    }
}

/// A table of routes with the one that answers.
protocol Answering {
    /// - Parameter index: the endpoint's place in the table.
    func answer(_ index: Int, _ request: Request) throws(ServiceError) -> Reply
}

struct OwnedRoutes<Owner>: Answering {
    let routes: [Route<Owner>]
    let owner: Owner

    func answer(_ index: Int, _ request: Request) throws(ServiceError) -> Reply {
        try routes[index].answer(owner, request)
    }
}

/// An endpoint and what it does. The table of a program is `[Route<Owner>]`, made without an owner.
///
/// `Owner` is what lives on the loop's thread and answers; it need not be Sendable.
package struct Route<Owner>: Sendable {
    package let endpoint: Endpoint
    /// Called when the whole request is there (for a streamed body, when its head is).
    package let answer: @Sendable (Owner, Request) throws(ServiceError) -> Reply

    package init(
        _ endpoint: Endpoint, _ answer: @escaping @Sendable (Owner, Request) throws(ServiceError) -> Reply
    ) {
        self.endpoint = endpoint
        self.answer = answer
    }
}
