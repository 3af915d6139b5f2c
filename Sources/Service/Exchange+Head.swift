import CMicroHTTPD
import Linux

/// Looking at a request's head: whether it may be asked, of which endpoint, and with which body.
extension Exchange {
    /// - Parameter isWhole: whether the target is all that was sent as one.
    /// - Returns: false to have the connection closed.
    func begin(_ method: String, _ version: String, isWhole: Bool) -> Bool {
        let headers = unsafe readHeaders(connection, atMost: service.limits.headerFields)
        let isDeclared =
            headers.map {
                $0.all("content-length").contains { $0 != "0" } || !$0.all("transfer-encoding").isEmpty
            }
            ?? true
        do throws(ServiceError) {
            guard let headers else {
                throw ServiceError(
                    .limit, "a request may have \(service.limits.headerFields) header fields")
            }
            if !isWhole { throw ServiceError(.invalid, "the request's target has a NUL") }
            try resolve(method, version, headers, isDeclared: isDeclared)
        } catch {
            state = .ready(.error(error))
        }
        if case .ready(let response) = state, isDeclared {
            // Before the body: the client need not send it, and the connection ends with the answer.
            client.phase = .answering
            return queue(response)
        }
        let now = Timer.now
        client.phase = isDeclared ? .body(since: now, received: 0, last: now) : .answering
        if isDeclared { service.wake(atLatest: now + service.limits.body) }
        return true
    }

    private func resolve(
        _ method: String, _ version: String, _ headers: Headers, isDeclared: Bool
    ) throws(ServiceError) {
        if client.isRefused {
            throw ServiceError(
                .limit, "\(client.peer.name) has as many connections already as there may be",
                hint: "close some", headers: [Header("Connection", "close")])
        }
        if rawTarget == [UInt8(ascii: "*")], method == "OPTIONS", !service.isNetwork {
            state = .ready(.nothing)
            return
        }
        let target = try Target(parsing: rawTarget)
        var head = RequestHead(
            method: method, version: version, target: target, headers: headers, peer: client.peer,
            trace: TraceContext(headers))
        self.head = head
        head.badge = try service.admit(head)
        service.clients.know(client)
        self.head = head
        switch service.router.resolve(method, target.segments) {
        case .nothing: throw ServiceError(.notFound, "there is nothing at \(target.path)")
        case .otherMethods(let methods):
            let allow = Header("Allow", methods.joined(separator: ", "))
            if method == "OPTIONS" {
                state = .ready(Response(status: 204, headers: [allow]))
                return
            }
            throw ServiceError(
                .method, "\(target.path) has no \(method)", hint: "it has \(allow.value)", headers: [allow])
        case .found(let index, let parameters):
            let endpoint = service.endpoints[index]
            try endpoint.check(head, bodyIsDeclared: isDeclared)
            try receive(endpoint, index, parameters, head)
        }
    }

    private func receive(
        _ endpoint: Endpoint, _ index: Int, _ parameters: [String: String], _ head: RequestHead
    ) throws(ServiceError) {
        let receiving = Receiving(endpoint, index, parameters)
        if case .stream = endpoint.body {
            let request = Request(endpoint: endpoint, head: head, parameters: parameters, body: .stream)
            switch try service.answer(index, request) {
            case .upload(let sink):
                receiving.sink = sink
                sink.begin(UploadFlow(self))
            case .now(let response):
                state = .ready(response)
                return
            case .later:
                throw ServiceError(.fault, "the endpoint answers later, but has not taken the body")
            }
        }
        state = .receiving(receiving)
    }
}

extension Endpoint {
    /// What can be refused before the body is there.
    func check(_ head: RequestHead, bodyIsDeclared: Bool) throws(ServiceError) {
        for name in head.target.query.keys.sorted() where !query.contains(name) {
            let known = query.isEmpty ? "it takes none" : "it takes \(query.joined(separator: ", "))"
            throw ServiceError(
                .invalid, "\(path) knows no query parameter \(name)", field: name, hint: known)
        }
        for name in head.target.controlled.sorted() where !controls.contains(name) {
            throw ServiceError(.invalid, "the query has a control character", field: name)
        }
        let type = try head.headers.single("content-type")
        switch body {
        case .none:
            if bodyIsDeclared {
                throw ServiceError(.invalid, "\(method.rawValue) \(path) takes no body", field: "body")
            }
            return
        case .json(_, let optional):
            if !bodyIsDeclared && !optional {
                throw ServiceError(.invalid, "\(method.rawValue) \(path) needs a body", field: "body")
            }
            if bodyIsDeclared { try checkJSON(type) }
        case .bytes, .stream: break
        }
        let length = try head.headers.single("content-length")
        guard let limit = body.limit, let length, let given = UInt64(length), given > UInt64(limit) else {
            return
        }
        throw tooLarge(limit: limit, given: length)
    }

    private func checkJSON(_ type: String?) throws(ServiceError) {
        let parts = (type ?? "").split(separator: ";").map { trimmed($0).lowercased() }
        let charsets = parts.dropFirst().filter { $0.hasPrefix("charset=") }
        guard parts.first == "application/json",
            charsets.allSatisfy({ $0 == "charset=utf-8" || $0 == "charset=\"utf-8\"" })
        else {
            throw ServiceError(
                .unsupportedMedia, "the body's type is \(type ?? "not given")",
                field: "Content-Type", hint: "application/json, in UTF-8")
        }
    }
}

/// The request's header fields; nil when there are more than `limit`.
private func readHeaders(_ connection: OpaquePointer, atMost limit: Int) -> Headers? {
    let reader = HeaderReader(limit: limit)
    let context = unsafe Unmanaged.passUnretained(reader).toOpaque()
    withExtendedLifetime(reader) {
        _ = unsafe MHD_get_connection_values(connection, .HEADER_KIND, readHeader, context)
    }
    return reader.isOver ? nil : reader.headers
}

private final class HeaderReader {
    let limit: Int
    var headers = Headers()
    var isOver = false
    init(limit: Int) { self.limit = limit }
}

private func readHeader(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?,
    _ value: UnsafePointer<CChar>?
) -> MHD_Result {
    guard let context = unsafe context, let name = unsafe name else { return .NO }
    let reader = unsafe Unmanaged<HeaderReader>.fromOpaque(context).takeUnretainedValue()
    guard reader.headers.count < reader.limit else {
        reader.isOver = true
        return .NO
    }
    let text = unsafe value.map { unsafe String(cString: $0) } ?? ""
    unsafe reader.headers.add(String(cString: name), text)
    return .YES
}
