import Sandbox

/// Why the table does not do what it was asked for. The text is a sentence without its full stop.
package enum TableError: Error, Hashable, Sendable {
    /// - Parameter limit: the most sessions that may live at once.
    case full(limit: Int)
    case nameTaken(Name, by: SessionID)
    /// The same key came with another spec; `field` is the first that differs.
    case keyReused(IdempotencyKey, session: SessionID, field: String)
    case idTaken(SessionID)
    case unknown(String)
    /// Several sessions have ids that begin so, or tenants of that name.
    case ambiguous(String, candidates: [SessionID])
    case notEnded(SessionID, SessionState)
    /// - Parameter limit: the most processes of a session.
    case tooManyProcesses(limit: Int)
    case processNameTaken(Name, by: ProcessID)
    case processIDTaken(ProcessID)
    case unknownProcess(String)
    case ambiguousProcess(String, candidates: [ProcessID])
}

extension TableError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full(let limit): "no room: \(limit) sessions are the most, and as many are there"
        case .nameTaken(let name, let id): "the name \(name) is taken by session \(id)"
        case .keyReused(let key, let id, let field):
            "the idempotency key \(quoted(key.description)) made session \(id) with another \(field)"
        case .idTaken(let id): "session \(id) is there already"
        case .unknown(let text): "there is no session \(quoted(text))"
        case .ambiguous(let text, let ids): "\(quoted(text)) may be any of \(listed(ids))"
        case .notEnded(let id, let state): "session \(id) has not ended: it is \(state.rawValue)"
        case .tooManyProcesses(let limit):
            "no room: \(limit) processes are the most of a session, and as many are there"
        case .processNameTaken(let name, let id): "the name \(name) is taken by process \(id)"
        case .processIDTaken(let id): "process \(id) is there already"
        case .unknownProcess(let text): "there is no process \(quoted(text))"
        case .ambiguousProcess(let text, let ids): "\(quoted(text)) may be any of \(listed(ids))"
        }
    }
}

/// The first few, and how many more.
private func listed(_ ids: [some Identifier]) -> String {
    let first = ids.prefix(8).map(\.description).joined(separator: ", ")
    return ids.count > 8 ? "\(first) and \(ids.count - 8) more" : first
}
