import CMicroHTTPD
import Glibc
import Linux
import Wire

/// A body that is being received: to be collected, or handed on.
final class Receiving {
    let endpoint: Endpoint
    /// The endpoint's place in the table.
    let index: Int
    let parameters: [String: String]
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0
    var sink: (any BodySink)?

    init(_ endpoint: Endpoint, _ index: Int, _ parameters: [String: String]) {
        self.endpoint = endpoint
        self.index = index
        self.parameters = parameters
    }

    /// - Returns: how many bytes were taken.
    func take(_ piece: UnsafeBufferPointer<UInt8>) throws(ServiceError) -> Int {
        if let limit = endpoint.body.limit, piece.count > limit - count {
            throw tooLarge(limit: limit, given: "more")
        }
        var taken = piece.count
        if let sink {
            // Safety: the span ends with the call, which the memory outlives.
            taken = try unsafe sink.take(Span(_unsafeElements: piece))
        } else {
            unsafe bytes.append(contentsOf: piece)
        }
        count += taken
        return taken
    }

    /// The body as the endpoint wants it.
    func body() throws(ServiceError) -> Request.Body {
        switch endpoint.body {
        case .none: return .none
        case .bytes: return .bytes(bytes)
        case .stream: return .stream
        case .json(_, let optional):
            if bytes.isEmpty && optional { return .none }
            do {
                return .json(try JSONTree(parsing: bytes))
            } catch {
                throw ServiceError(.invalid, "the body is not JSON: \(error)", hint: "line:column")
            }
        }
    }

    func abort() {
        let sink = sink
        self.sink = nil
        sink?.abort()
    }
}

func tooLarge(limit: Int, given: String) -> ServiceError {
    ServiceError(.tooLarge, "the body may have \(limit) bytes, and has \(given)", field: "body")
}

extension Exchange {
    /// - Returns: false to have the connection closed.
    func take(_ piece: UnsafeBufferPointer<UInt8>, _ receiving: Receiving, left: inout Int) -> Bool {
        do throws(ServiceError) {
            let taken = try unsafe receiving.take(piece)
            left = piece.count - taken
            client.received(taken)
            if left == 0 { return true }
            client.phase = .answering
            return suspend()
        } catch {
            // The library can queue no answer here, and has sent nothing yet.
            client.sendRaw(error)
            return false
        }
    }

    func receivedAll(_ receiving: Receiving) -> Bool {
        client.phase = .answering
        do throws(ServiceError) {
            if let sink = receiving.sink {
                receiving.sink = nil
                return act(on: try sink.complete())
            }
            guard let head else { return false }
            let request = Request(
                endpoint: receiving.endpoint, head: head, parameters: receiving.parameters,
                body: try receiving.body())
            return act(on: try service.answer(receiving.index, request))
        } catch {
            return queue(.error(error))
        }
    }

    /// The sink has room again.
    func resumeUpload() {
        guard isSuspended, case .receiving = state else { return }
        client.phase = .body(since: Timer.now, received: 0, last: Timer.now)
        resume()
    }
}

extension Client {
    /// Sends a refusal past the library, as far as the socket takes it now.
    /// - Parameter status: nil for that of the error's code.
    func sendRaw(_ error: ServiceError, status: Int? = nil) {
        let body = error.json.bytes
        var answer = Array(
            ("HTTP/1.1 \(status ?? error.code.status) Refused\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n").utf8)
        answer += body
        let socket = socket
        _ = unsafe answer.span.withUnsafeBufferPointer { buffer in
            unsafe Glibc.send(socket, buffer.baseAddress, buffer.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
    }
}
