// Requests whose bodies are made while they are sent.

extension DaemonClient {
    /// Asks with a body of any length, in pieces, and takes the whole answer.
    /// - Parameters:
    ///   - request: without a body of its own.
    ///   - next: the next piece; empty at the end.
    /// - Throws: ``ClientError/refused(_:)`` for every answer that is no success, also one that comes before the
    ///   end of the body; what `next` throws, and then the daemon is told nothing but the end of the connection.
    package func upload(
        _ request: HTTPRequest, _ next: () throws(ClientError) -> [UInt8]
    ) throws(ClientError) -> HTTPResponse {
        let bytes = try encoded(request.inPieces())
        let exchange = try open(request, bytes) { (connection) throws(ClientError) in
            while true {
                let piece = try next()
                let size = String(piece.count, radix: 16)
                // One of no bytes is the end of the body (RFC 9112, section 7.1).
                let isSent = try connection.send(Array("\(size)\r\n".utf8) + piece + Array("\r\n".utf8))
                if piece.isEmpty || !isSent { return isSent }
            }
        }
        return try whole(exchange)
    }
}
