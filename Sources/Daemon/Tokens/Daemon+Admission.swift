import API
import Access
import Linux
import Network
import Sandbox
import Service
import Store

// Who may ask at all: looked at with each request's head, before its path and its body. A token counts wherever it
// comes in, and at the TCP socket nothing goes without one.

extension Daemon {
    /// - Returns: the id of the token that the request was admitted by; nil for one of a user of this machine.
    func admit(_ head: RequestHead) throws(ServiceError) -> UInt32? {
        try refuseToken(in: head.target)
        if case .network(_, let local) = head.peer { try checkHost(head.headers, local) }
        guard let field = try head.headers.single("authorization") else {
            guard head.peer.user == nil else { return nil }
            throw .unauthenticated("a token is needed here")
        }
        let record: TokenRecord
        do throws(TokenRefusal) {
            guard let text = TokenText.bearer(field) else {
                throw .malformed("it does not follow the word Bearer")
            }
            record = try tokens.check(text, at: DaemonClock.seconds)
        } catch {
            throw refusal(error, head)
        }
        if let expires = record.expires { watchTokens(until: expires) }
        return record.id
    }

    /// Addresses end up in the histories and logs of whatever is between: a token in one is known to others.
    private func refuseToken(in target: Target) throws(ServiceError) {
        for (name, value) in target.query {
            let isOne = ["token", "access_token", "authorization"].contains(name.lowercased())
            guard isOne || value.contains(TokenText.prefix) else { continue }
            throw ServiceError(
                .invalid, "a token does not belong into the query", field: isOne ? name : nil,
                hint: "send it as Authorization: Bearer, and revoke this one: others may have seen it",
                reason: "token-in-query")
        }
    }

    /// A page in a browser of this machine can have its own name lead here; then it asks for another host than this
    /// one, or says where it comes from.
    private func checkHost(_ headers: Headers, _ local: TCPAddress) throws(ServiceError) {
        let host = try headers.single("host") ?? ""
        var own = [local.description]
        if local.isLoopback { own.append("localhost:\(local.port)") }
        guard own.contains(host.lowercased()) else {
            throw ServiceError(
                .forbidden,
                "the request is for the host \(quoted(String(host.prefix(256)))), which this is not",
                field: "Host", hint: own.joined(separator: " or "), reason: "foreign-host")
        }
        guard let origin = try headers.single("origin") else { return }
        guard origin.lowercased() == "http://\(host.lowercased())" else {
            throw ServiceError(
                .forbidden, "pages of \(quoted(String(origin.prefix(256)))) may not ask here",
                field: "Origin",
                reason: "foreign-origin")
        }
    }

    /// Notes a wrong token, unless there were many, and says what it is answered with.
    private func refusal(_ why: TokenRefusal, _ head: RequestHead) -> ServiceError {
        let origin: [UInt8]
        switch head.peer {
        case .user(let user): origin = withBytes(of: user.uid)
        case .network(let address, _): origin = address.neighbourhood
        }
        switch tokenFailures.add(from: origin, at: DaemonClock.now) {
        case .counted(let wait):
            return ServiceError(
                .limit, "too many wrong tokens came from \(head.peer.name)", hint: "\(why)",
                headers: [Header("Retry-After", "\(wait)"), Header("Connection", "close")],
                reason: "wrong-tokens")
        case .recorded(let before):
            let more = before == 0 ? "" : ", and \(before) more before"
            log.line(
                .warning, "a token from \(head.peer.name) is refused: \(why)\(more)", trace: head.trace.id)
            journal.add(
                .audit(
                    AuditEntry(
                        wall: DaemonClock.wall, uid: head.peer.user?.uid, what: "token.use",
                        object: "\(head.peer.name)\(more)", outcome: why.reason, trace: head.trace.id)),
                then: ())
            isDue = true
            return .unauthenticated("\(why)", reason: why.reason)
        }
    }

    private func withBytes(of uid: UInt32) -> [UInt8] {
        // Longer than any address.
        [UInt8](repeating: 0xFF, count: 17) + (0..<4).map { UInt8(truncatingIfNeeded: uid >> ($0 * 8)) }
    }
}

extension ServiceError {
    static func unauthenticated(_ text: String, reason: String = "token-missing") -> ServiceError {
        ServiceError(
            .unauthenticated, text, field: "Authorization",
            hint: "Authorization: Bearer TOKEN, of corral token create",
            headers: [Header("WWW-Authenticate", "Bearer realm=\"corral\"")], reason: reason)
    }

    /// Of a token that was right when the request came.
    init(_ refusal: TokenRefusal) { self = .unauthenticated(refusal.description, reason: refusal.reason) }
}

extension TokenRefusal {
    /// For programs.
    var reason: String {
        switch self {
        case .malformed: "token-malformed"
        case .otherInstance: "token-of-another-instance"
        case .unknown: "token-unknown"
        case .expired: "token-expired"
        case .revoked: "token-revoked"
        }
    }
}
