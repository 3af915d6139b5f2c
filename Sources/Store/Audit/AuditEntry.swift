import Trees

/// Something that somebody did, or was refused, that must be answered for later.
package struct AuditEntry: Hashable, Sendable {
    /// Milliseconds since 1970.
    package var wall: Int64
    /// The peer's user id, where it came through a unix socket.
    package var uid: UInt32?
    /// The name of the token that was used; never the token.
    package var token: String?
    package var tenant: String?
    /// What was done, such as `session.create`.
    package var what: String
    /// What it was done to, such as a session's id.
    package var object: String?
    /// What became of it.
    package var outcome: String
    /// Finds the same request in logs.
    package var trace: String?

    package init(
        wall: Int64, uid: UInt32? = nil, token: String? = nil, tenant: String? = nil, what: String,
        object: String? = nil, outcome: String, trace: String? = nil
    ) {
        self.wall = wall
        self.uid = uid
        self.token = token
        self.tenant = tenant
        self.what = what
        self.object = object
        self.outcome = outcome
        self.trace = trace
    }

    /// The digest of record `number` with these contents, after the record whose digest is `previous`.
    ///
    /// Every field goes in with its length, and a missing one as what no length can be, so that no two
    /// records are digested as the same bytes.
    func digest(number: Int64, previous: String) -> String {
        var bytes: [UInt8] = []
        func add(_ text: String?) {
            bytes += Array((text.map { "\($0.utf8.count):\($0)" } ?? "-:").utf8)
        }
        let fields: [String?] = [
            previous, "\(number)", "\(wall)", uid.map { "\($0)" }, token, tenant, what, object, outcome,
            trace,
        ]
        fields.forEach(add)
        return SHA256.of(bytes)
    }
}

/// A place in the audit records: a record's number and digest. Kept elsewhere, it shows later that nothing up
/// to there was changed.
package struct AuditMark: Hashable, Sendable {
    package var number: Int64
    package var digest: String

    package init(number: Int64, digest: String) {
        self.number = number
        self.digest = digest
    }

    /// Before the first record.
    package static let beginning = AuditMark(number: 0, digest: String(repeating: "0", count: 64))
}

/// An ``AuditEntry`` with its place.
package struct AuditRecord: Hashable, Sendable {
    package let number: Int64
    package let entry: AuditEntry
    /// The digest of the record before.
    package let previous: String
    package let digest: String
}
