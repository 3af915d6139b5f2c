package import Linux

/// A connection that speaks something else than HTTP from here on.
package struct UpgradedConnection: ~Copyable {
    /// Non-blocking.
    package let socket: FileDescriptor
    /// What came behind the answer's head already.
    package let first: [UInt8]
    package let head: HTTPResponseHead

    package consuming func takeSocket() -> FileDescriptor { socket }
}

/// One request and its answer on a connection.
final class Exchange {
    let head: HTTPResponseHead
    private var connection: Connection?
    private var decoder: HTTPResponseDecoder
    /// Whether the connection can take another request afterwards.
    private var isReusable: Bool

    /// Sends a request and reads the answer's head.
    /// - Parameter more: sends what follows the request, and says whether all of it was taken.
    init(
        _ connection: consuming Connection, _ method: HTTPRequest.Method, _ request: [UInt8],
        _ buffer: inout [UInt8], _ more: (borrowing Connection) throws(ClientError) -> Bool = { _ in true }
    ) throws(ClientError) {
        // A daemon that refuses a body may answer before it has read all of it.
        var isSent = try connection.send(request)
        if isSent { isSent = try more(connection) }
        var decoder = HTTPResponseDecoder(answering: method)
        var head: HTTPResponseHead?
        var isSilent = true
        while head == nil {
            if case .head(let found)? = try located({ () throws(HTTPError) in try decoder.next() }) {
                head = found
                break
            }
            let bytes = try connection.receive(into: &buffer)
            if bytes.isEmpty { throw isSilent ? .closed : .malformed(.endedEarly) }
            isSilent = false
            decoder.append(bytes)
        }
        guard let head else { throw .closed }
        self.head = head
        isReusable = isSent && !head.isOld && !head.headers.has("Connection", word: "close")
        self.decoder = decoder
        self.connection = consume connection
    }

    /// The next part of the body; nil at its end.
    func body(_ buffer: inout [UInt8]) throws(ClientError) -> [UInt8]? {
        while true {
            switch try located({ () throws(HTTPError) in try decoder.next() }) {
            case .body(let part)?: return part
            case .end?, .upgraded?, .head?: return nil
            case nil: break
            }
            if decoder.isDone { return nil }
            guard let bytes = try connection?.receive(into: &buffer) else { return nil }
            if bytes.isEmpty {
                isReusable = false
                _ = try located { () throws(HTTPError) in try decoder.finish() }
                return nil
            }
            decoder.append(bytes)
        }
    }

    /// From here on a silence of so many milliseconds is a failure; none is where it is nil.
    func wait(atMost milliseconds: Int?) { connection?.patience = milliseconds }

    /// The connection, where the answer was whole and nothing came behind it.
    func connectionToKeep() -> Connection? {
        isReusable && decoder.isDone && decoder.rest.isEmpty ? connection.take() : nil
    }

    /// The connection and what came behind the head; nil where it was given away already.
    func upgraded() -> UpgradedConnection? {
        guard case .upgraded? = try? decoder.next(), let connection = connection.take() else { return nil }
        return UpgradedConnection(socket: connection.release(), first: decoder.rest, head: head)
    }
}
