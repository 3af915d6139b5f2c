import CMicroHTTPD

// What the library refuses by itself (a line that is no request's, a head that is too large, a length that is
// no number) it answers with a page of HTML of its own, and nothing can be put in its place. But it tells of
// it right before: then the refusal is sent in our shape, past the library, and the connection's sending side
// is closed, so that its page goes nowhere.
//
// It does not tell which connection it is. It is one that it has read of in this turn, which the socket's
// count of bytes shows, and whose request has not gone to its endpoint. Where two clients are that far in the
// same turn nobody can say which one it was; then the page goes out.
extension HTTPService {
    /// With more connections than this nobody is counted.
    private static let mostCounted = 64

    func libraryRefuses(_ status: Int) {
        let candidates = clients.all.values.filter { $0.isBeforeAnswer && $0.hasMoved }
        guard candidates.count == 1, let client = candidates.first else { return }
        client.sendRaw(refusal(status), status: status)
        client.stopSending()
    }

    /// Before each turn of the library.
    func countReads() {
        guard clients.all.count <= Self.mostCounted else { return }
        for client in clients.all.values where client.isBeforeAnswer { client.noteReads() }
    }

    private func refusal(_ status: Int) -> ServiceError {
        switch status {
        case 413: ServiceError(.tooLarge, "the body is larger than can be", field: "body")
        case 414: ServiceError(.tooLarge, "the request's target is too long")
        case 431:
            ServiceError(
                .tooLarge, "the request's head has more bytes than there is room for",
                hint: "at most \(limits.memory), and less for what is remembered of it")
        case 505: ServiceError(.invalid, "the request's version of HTTP is not served", hint: "HTTP/1.1")
        case 500...: ServiceError(.fault, "the request could not be answered")
        default: ServiceError(.invalid, "this is no request of HTTP/1.1")
        }
    }
}

extension Client {
    /// Whether its request, if there is one, has not gone to its endpoint.
    var isBeforeAnswer: Bool {
        switch exchange?.state {
        case nil, .fresh, .receiving: !isRefused
        case .ready, .waiting, .answering, .over: false
        }
    }

    /// Whether anything was read of it since the turn began. After the end of a request the library may have
    /// read the next one already.
    var hasMoved: Bool { readsLeft < 0 || corral_reads_left(socket) != readsLeft }

    /// Begins to count, or goes on.
    func noteReads() {
        let left = corral_reads_left(socket)
        readsLeft = left
        if left < Client.countAgain, corral_count_reads(socket, Client.countFrom) == 0 {
            readsLeft = Client.countFrom
        }
    }

    private static let countFrom: CInt = 1 << 30
    private static let countAgain: CInt = 1 << 24
}
