import API

/// Keeps refusals from filling the records. So many a minute of each caller have a record each; of what is beyond
/// that, those of one kind have one together when the minute is over, with their number.
struct RefusalFlood {
    /// In nanoseconds.
    static let window: UInt64 = 60_000_000_000
    /// Records of one caller in a window.
    static let mostOfOne = 60
    /// Records of all callers in a window.
    static let most = 600
    /// Kinds of a window that are counted apart.
    static let mostKinds = 256

    private struct Caller: Hashable {
        let uid: UInt32?
        let token: String?
    }

    private struct Kind: Hashable {
        let caller: Caller
        let tenant: String?
        let what: String
        let outcome: String
    }

    private var recorded: [Caller: Int] = [:]
    private var total = 0
    private var counted: [Kind: (count: Int64, last: AuditEntry)] = [:]

    /// Whether a window is open, which ``close()`` has to end.
    private(set) var isOpen = false

    /// - Returns: whether this refusal gets a record of its own; else it was counted.
    mutating func admits(_ refusal: AuditEntry) -> Bool {
        isOpen = true
        let caller = Caller(uid: refusal.uid, token: refusal.token)
        let own = recorded[caller] ?? 0
        if own < Self.mostOfOne, total < Self.most {
            recorded[caller] = own + 1
            total += 1
            return true
        }
        var kind = Kind(
            caller: caller, tenant: refusal.tenant, what: refusal.what, outcome: refusal.outcome)
        var last = refusal
        if counted[kind] == nil, counted.count >= Self.mostKinds {
            // Of so many kinds that nobody could read them.
            kind = Kind(caller: Caller(uid: nil, token: nil), tenant: nil, what: "other", outcome: "refused")
            last = AuditEntry(wall: refusal.wall, what: "other", outcome: "refused", trace: refusal.trace)
        }
        last.object = nil
        counted[kind] = ((counted[kind]?.count ?? 0) + 1, last)
        return false
    }

    /// Ends the window.
    /// - Returns: what was counted, each kind as one entry.
    mutating func close() -> [AuditEntry] {
        defer { self = RefusalFlood() }
        return counted.values.map { kind in
            var entry = kind.last
            entry.count = kind.count
            return entry
        }.sorted { ($0.what, $0.outcome, $0.uid ?? 0) < ($1.what, $1.outcome, $1.uid ?? 0) }
    }
}
