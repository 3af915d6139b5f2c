package import Linux
import Network
package import Wire

/// An answer with its whole body.
package struct HTTPResponse: Hashable, Sendable {
    package let head: HTTPResponseHead
    package let body: [UInt8]

    /// The body as JSON.
    package func json() throws(ClientError) -> JSONTree {
        do throws(JSONTreeError) {
            return try JSONTree(parsing: body)
        } catch {
            throw .malformed(.badLine("\(error)"))
        }
    }
}

/// Asks a daemon at its socket, one thing after another, on one connection as long as that lasts.
package final class DaemonClient {
    /// Where the daemon is, for messages.
    package var path: String { address.name }
    private let address: DaemonAddress
    private let patience: Int?
    private var kept: Connection?
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// - Parameters:
    ///   - path: the socket's, of any length.
    ///   - patience: milliseconds for which a daemon may say nothing; nil for ever.
    package init(path: String, patience: Int? = 60_000) {
        address = DaemonAddress(path)
        self.patience = patience
    }

    /// A client that asks about what belongs to tenants only, where the address names one.
    package init(_ address: DaemonAddress, patience: Int? = 60_000) {
        self.address = address
        self.patience = patience
    }

    /// Asks and takes the whole answer.
    /// - Parameter limit: the most bytes of its body.
    /// - Throws: ``ClientError/refused(_:)`` for every answer that is no success.
    package func ask(_ request: HTTPRequest, limit: Int = 64 << 20) throws(ClientError) -> HTTPResponse {
        var body: [UInt8] = []
        let head = try follow(request) { (part) throws(ClientError) in
            guard body.count + part.count <= limit else { throw .tooLarge(limit: limit) }
            body += part
            return true
        }
        return HTTPResponse(head: head, body: body)
    }

    /// Asks and hands the answer's body on as it comes.
    /// - Parameters:
    ///   - isEndless: whether a long silence is nothing out of the ordinary.
    ///   - deadline: when to stop waiting for more (CLOCK_BOOTTIME); nil for never.
    ///   - opened: called once, when the daemon has taken the request.
    ///   - part: says whether to go on; what was not read then is thrown away.
    /// - Throws: ``ClientError/refused(_:)`` for every answer that is no success, before any part;
    ///   ``ClientError/timeout(milliseconds:)`` at the deadline.
    package func follow(
        _ request: HTTPRequest, isEndless: Bool = false, deadline: BootTime? = nil, opened: () -> Void = {},
        _ part: ([UInt8]) throws(ClientError) -> Bool
    ) throws(ClientError) -> HTTPResponseHead {
        let exchange = try begin(request)
        try refuseUnlessFine(exchange)
        opened()
        if isEndless { exchange.wait(atMost: nil) }
        while true {
            if let deadline { exchange.wait(atMost: milliseconds(until: deadline)) }
            guard let bytes = try exchange.body(&buffer) else { break }
            if try !part(bytes) { return exchange.head }
        }
        kept = exchange.connectionToKeep()
        return exchange.head
    }

    /// Asks and hands events of a stream on as they come, for as long as they do, or until a deadline.
    package func events(
        _ request: HTTPRequest, deadline: BootTime? = nil, opened: () -> Void = {},
        _ handle: (ServerEvent) throws(ClientError) -> Bool
    ) throws(ClientError) {
        var decoder = EventStreamDecoder()
        let asked = request.with("Accept", "text/event-stream")
        _ = try follow(asked, isEndless: true, deadline: deadline, opened: opened) {
            (part) throws(ClientError) in
            for event in try located({ () throws(HTTPError) in try decoder.append(part) }) {
                if try !handle(event) { return false }
            }
            return true
        }
    }

    /// Asks for a connection that speaks `name` (RFC 9110, section 7.8).
    package func upgrade(
        _ request: HTTPRequest, to name: String
    ) throws(ClientError) -> UpgradedConnection {
        let exchange = try begin(request.with("Connection", "Upgrade").with("Upgrade", name))
        let head = exchange.head
        if head.status != 101 { try refuseUnlessFine(exchange) }
        guard head.status == 101, head.headers.has("Upgrade", word: name),
            let upgraded = exchange.upgraded()
        else { throw .notUpgraded(status: head.status) }
        return upgraded
    }

    /// Rounded up, so that whoever waits so long is not early.
    private func milliseconds(until deadline: BootTime) -> Int {
        let now = Timer.now
        return deadline <= now ? 0 : Int(clamping: (deadline - now + 999_999) / 1_000_000)
    }

    // MARK: One exchange

    /// Sends a request and reads the answer's head.
    private func begin(_ request: HTTPRequest) throws(ClientError) -> Exchange {
        let request = address.tenant.map { request.with(query: "tenant", $0) } ?? request
        let bytes = try encoded(request)
        if let connection = kept.take(), connection.isQuiet() {
            do throws(ClientError) {
                return try Exchange(connection, request.method, bytes, &buffer)
            } catch {
                // The daemon closed it in this moment; whether it read the request nobody knows.
                guard error == .closed, request.method.isRepeatable else { throw error }
            }
        }
        return try Exchange(
            try Connection.open(address.place, patience: patience), request.method, bytes, &buffer)
    }

    /// With what is said of the daemon and the caller.
    func encoded(_ request: HTTPRequest) throws(ClientError) -> [UInt8] {
        var request = request
        if let token = address.token { request = request.with("Authorization", "Bearer \(token)") }
        if case .network(let place) = address.place { request.host = place.description }
        return try located { () throws(HTTPError) in try request.encoded() }
    }

    /// Sends a request and what follows it on a connection of its own, and reads the answer's head.
    func open(
        _ request: HTTPRequest, _ bytes: [UInt8],
        _ more: (borrowing Connection) throws(ClientError) -> Bool
    ) throws(ClientError) -> Exchange {
        try Exchange(
            try Connection.open(address.place, patience: patience), request.method, bytes, &buffer, more)
    }

    /// The rest of an answer, of at most 64 MiB.
    func whole(_ exchange: Exchange) throws(ClientError) -> HTTPResponse {
        try refuseUnlessFine(exchange)
        var body: [UInt8] = []
        while body.count < 64 << 20, let part = try exchange.body(&buffer) { body += part }
        kept = exchange.connectionToKeep()
        return HTTPResponse(head: exchange.head, body: body)
    }

    private func refuseUnlessFine(_ exchange: Exchange) throws(ClientError) {
        let head = exchange.head
        if (200..<300).contains(head.status) { return }
        var body: [UInt8] = []
        while body.count < 1 << 20, let part = try exchange.body(&buffer) { body += part }
        throw .refused(ServiceError(status: head.status, reason: head.reason, body: body))
    }
}

/// Runs what can find that an answer is no HTTP.
func located<Value>(_ body: () throws(HTTPError) -> Value) throws(ClientError) -> Value {
    do throws(HTTPError) {
        return try body()
    } catch {
        throw .malformed(error)
    }
}
