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
    /// How many refusals it stands for, where there were too many for one record each.
    package var count: Int64?
    /// Finds the same request in logs.
    package var trace: String?

    package init(
        wall: Int64, uid: UInt32? = nil, token: String? = nil, tenant: String? = nil, what: String,
        object: String? = nil, outcome: String, count: Int64? = nil, trace: String? = nil
    ) {
        self.wall = wall
        self.uid = uid
        self.token = token
        self.tenant = tenant
        self.what = what
        self.object = object
        self.outcome = outcome
        self.count = count
        self.trace = trace
    }

    /// What is digested of record `number` with these contents, after the record whose digest is `previous`.
    ///
    /// Every field goes in with its length, and a missing one as what no length can be, so that no two
    /// records are digested as the same bytes. The count is left out where it is missing, as in the records
    /// of stores that knew none.
    package func digested(number: Int64, previous: String) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ text: String?) {
            bytes += Array((text.map { "\($0.utf8.count):\($0)" } ?? "-:").utf8)
        }
        let fields: [String?] = [
            previous, "\(number)", "\(wall)", uid.map { "\($0)" }, token, tenant, what, object, outcome,
            trace,
        ]
        fields.forEach(add)
        if let count { add("\(count)") }
        return bytes
    }
}

/// A place in the audit records: a record's number and digest. Kept elsewhere, it shows later that nothing up
/// to there was changed.
package struct AuditMark: Hashable, Sendable, CustomStringConvertible {
    package var number: Int64
    package var digest: String

    package init(number: Int64, digest: String) {
        self.number = number
        self.digest = digest
    }

    /// Before the first record.
    package static let beginning = AuditMark(number: 0, digest: String(repeating: "0", count: 64))

    /// Numbers are below it, so that there is always a next one.
    package static let mostNumber: Int64 = 1 << 62

    /// Reads what ``description`` writes; nil for another text.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int64(parts[0]), (0..<Self.mostNumber).contains(number),
            AuditMark.isDigest(String(parts[1]))
        else { return nil }
        self.init(number: number, digest: String(parts[1]))
    }

    /// `NUMBER:DIGEST`.
    package var description: String { "\(number):\(digest)" }

    /// Whether it is 64 hexadecimal digits in lower case.
    package static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}

/// An ``AuditEntry`` with its place.
package struct AuditRecord: Hashable, Sendable {
    package let number: Int64
    package let entry: AuditEntry
    /// The digest of the record before.
    package let previous: String
    package let digest: String

    package init(number: Int64, entry: AuditEntry, previous: String, digest: String) {
        self.number = number
        self.entry = entry
        self.previous = previous
        self.digest = digest
    }

    package var mark: AuditMark { AuditMark(number: number, digest: digest) }

    /// What is wrong with it as the record after `mark`; nil where nothing is.
    /// - Parameter hash: SHA-256 as 64 hexadecimal digits.
    package func problem(after mark: AuditMark, _ hash: ([UInt8]) -> String) -> (Int64, String)? {
        guard number == mark.number + 1 else { return (mark.number + 1, AuditProblem.missing) }
        guard previous == mark.digest else { return (number, "it does not follow the record before") }
        guard digest == hash(entry.digested(number: number, previous: previous)) else {
            return (number, "it was changed")
        }
        return nil
    }
}

package enum AuditProblem {
    /// Of a record that is not there.
    package static let missing = "it is missing"
}
