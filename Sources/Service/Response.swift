package import Wire

/// An answer: status, header fields, body.
package struct Response {
    package enum Body {
        case empty
        case bytes([UInt8])
        /// Bytes that are made while they are sent.
        case stream(ResponseStream)
        /// HTTP ends here; the connection's bytes are the caller's from now on.
        case upgrade(Upgrade)
    }

    package var status: Int
    package var headers: [Header]
    package var body: Body

    package init(status: Int, headers: [Header] = [], body: Body = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func json(_ text: JSONText, status: Int = 200) -> Response {
        bytes(text.bytes, type: "application/json", status: status)
    }

    package static func text(_ text: String, status: Int = 200) -> Response {
        bytes(Array(text.utf8), type: "text/plain; charset=utf-8", status: status)
    }

    package static func bytes(_ bytes: [UInt8], type: String, status: Int = 200) -> Response {
        Response(status: status, headers: [Header("Content-Type", type)], body: .bytes(bytes))
    }

    /// 204: done, and nothing to say.
    package static var nothing: Response { Response(status: 204) }

    package static func error(_ error: ServiceError) -> Response {
        var response = json(error.json, status: error.code.status)
        response.headers += error.headers
        return response
    }

    package static func stream(_ stream: ResponseStream, type: String, status: Int = 200) -> Response {
        Response(status: status, headers: [Header("Content-Type", type)], body: .stream(stream))
    }
}

/// What an endpoint says to a request.
package enum Reply {
    case now(Response)
    /// The answer is not known yet; the connection waits, and others do not.
    case later(Pending)
    /// The body goes to `sink`, which answers when it has all of it. Only for endpoints with a streamed body.
    case upload(any BodySink)
}

/// An answer that comes later, from another event of the same loop.
///
/// It can be given once; what comes after that, or after the client has gone, is dropped.
package final class Pending {
    private var onCancel: (() -> Void)?
    private(set) var response: Response?
    private var onAnswer: ((Response) -> Void)?
    /// Where the answer goes; nil before the endpoint has returned, and when it is over.
    weak var exchange: Exchange?

    /// Whether nobody waits any more, because the answer was given or the client is gone.
    package private(set) var isOver = false
    /// Called when the answer is given, which then is sent by ``release(_:)``.
    private var holder: (() -> Void)?
    private var isHeld = false

    /// - Parameter onCancel: called at most once, when the client is gone before the answer was given. It
    ///   is let go of with the answer.
    package init(onCancel: @escaping () -> Void = {}) { self.onCancel = onCancel }

    package func complete(_ response: Response) {
        guard !isOver else { return }
        isOver = true
        onCancel = nil
        self.response = response
        let told = onAnswer
        onAnswer = nil
        told?(response)
        if holder != nil { return keep() }
        exchange?.pendingCompleted()
    }

    /// Has the answer wait, once it is given, until somebody lets it go.
    /// - Parameter body: called when it is given, at once where it was; to see to ``release(_:)``.
    package func hold(_ body: @escaping () -> Void) {
        holder = body
        if response != nil { keep() }
    }

    private func keep() {
        isHeld = true
        let body = holder
        holder = nil
        body?()
    }

    /// Sends an answer that was held.
    /// - Parameter other: to be sent in its place.
    package func release(_ other: Response? = nil) {
        guard isHeld else { return }
        isHeld = false
        if let other { response = other }
        exchange?.pendingCompleted()
    }

    /// Has `body` told of the answer before it is sent, at once where it was given already; never where
    /// nobody waits for it any more.
    package func whenAnswered(_ body: @escaping (Response) -> Void) {
        if let response { return body(response) }
        if !isOver { onAnswer = body }
    }

    package func fail(_ error: ServiceError) { complete(.error(error)) }

    func takeResponse() -> Response? {
        if isHeld { return nil }
        defer { response = nil }
        return response
    }

    func cancel() {
        guard !isOver else { return }
        isOver = true
        let action = onCancel
        onCancel = nil
        onAnswer = nil
        holder = nil
        action?()
    }
}

/// What takes a body that is not collected.
package protocol BodySink: AnyObject {
    /// Takes the next bytes, or some of their front.
    ///
    /// - Returns: how many were taken. When that is not all of them, the client is held until
    ///   ``UploadFlow/resume()`` of the flow that ``begin(_:)`` was given.
    /// - Throws: what the client is told; the connection is closed then.
    func take(_ bytes: Span<UInt8>) throws(ServiceError) -> Int

    /// Called once, before anything is taken.
    func begin(_ flow: UploadFlow)

    /// Every byte was taken. It may answer later, but not with another upload.
    func complete() throws(ServiceError) -> Reply

    /// It ends before all of it was there: the client is gone, or was refused. Nothing more is called.
    func abort()
}

/// How a sink that is full says that it has room again.
package final class UploadFlow {
    weak var exchange: Exchange?

    init(_ exchange: Exchange) { self.exchange = exchange }

    package func resume() { exchange?.resumeUpload() }
}
