import API
package import Sandbox
package import Sessions

/// A token as it is kept: everything but its secret.
package struct TokenRecord: Hashable, Sendable {
    package let id: UInt32
    package let name: Name
    package let role: Role
    package let tenant: Name
    /// Of the whole text, see ``TokenText/digest``.
    package let digest: String
    /// In seconds since 1970, as all times here.
    package let created: UInt64
    /// From then on it is refused; nil for never.
    package let expires: UInt64?
    package internal(set) var revoked: UInt64?

    /// As audit records have it.
    package var number: String { TokenText.number(id) }

    /// Since when it is over at that time; nil where it is not.
    package func ended(at time: UInt64) -> UInt64? {
        if let revoked { return revoked }
        if let expires, expires <= time { return expires }
        return nil
    }

    package init(
        id: UInt32, name: Name, role: Role, tenant: Name, digest: String, created: UInt64,
        expires: UInt64? = nil, revoked: UInt64? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.tenant = tenant
        self.digest = digest
        self.created = created
        self.expires = expires
        self.revoked = revoked
    }

    package var caller: Caller { Caller(name: "token \(name)", role: role, tenant: tenant) }
}

/// Why a token is not taken: 401.
package enum TokenRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with its form.
    case malformed(String)
    case otherInstance
    /// There is none of that id, or its secret is another one: which of both is not told.
    case unknown
    /// Told to those only who have the secret; in seconds since 1970.
    case expired(UInt64)
    case revoked(UInt64)

    package var description: String {
        switch self {
        case .malformed(let why): "this is no token: \(why)"
        case .otherInstance: "the token is of another instance of Corral"
        case .unknown: "the token is not known"
        case .expired(let time): "the token expired at \(time.asTime)"
        case .revoked(let time): "the token was revoked at \(time.asTime)"
        }
    }
}

/// All tokens of one daemon, as a value.
package struct TokenBook: Sendable {
    /// Which daemon's they are: taken at random when its state directory is made.
    package let instance: UInt32
    /// Those that are over among them.
    package static let limit = 10_000
    private var records: [UInt32: TokenRecord] = [:]

    package init(instance: UInt32, _ records: [TokenRecord] = []) {
        self.instance = instance
        for record in records { self.records[record.id] = record }
    }

    /// By name, those that are revoked or expired among them.
    package var all: [TokenRecord] { records.values.sorted { ($0.name, $0.created) < ($1.name, $1.created) } }

    /// Makes one. Its text is in the answer and nowhere else.
    /// - Parameters:
    ///   - random: ``TokenText/randomBytes`` bytes of getrandom(2).
    ///   - expires: in seconds since 1970.
    package mutating func create(
        _ name: Name, _ role: Role, of tenant: Name, expires: UInt64? = nil, random: [UInt8], at time: UInt64
    ) throws(ValueError) -> (record: TokenRecord, text: String) {
        if let taken = records.values.first(where: { $0.name == name && $0.revoked == nil }) {
            throw ValueError(
                "there is a token \(name) already, made at \(taken.created.asTime); revoke it first")
        }
        guard records.count < Self.limit else {
            throw ValueError(
                "\(Self.limit) tokens are the most, and as many are there; those that are over go with time")
        }
        if let expires, expires <= time {
            throw ValueError("\(expires.asTime) is over; expected a time to come")
        }
        let token = try TokenText(instance: instance, random: random)
        guard records[token.id] == nil else { throw ValueError("the number \(token.id) is taken; try again") }
        let record = TokenRecord(
            id: token.id, name: name, role: role, tenant: tenant, digest: token.digest, created: time,
            expires: expires)
        records[token.id] = record
        return (record, token.text)
    }

    /// Whose it is. Costs one SHA-256 of 89 bytes, whether there is such a token or not.
    package func check(_ text: String, at time: UInt64) throws(TokenRefusal) -> TokenRecord {
        let token: TokenText
        do throws(ValueError) {
            token = try TokenText(text)
        } catch {
            throw .malformed("\(error)")
        }
        if token.instance != instance { throw .otherInstance }
        let record = records[token.id]
        let isRight = isEqual(token.digest, record?.digest ?? Self.nobodys)
        guard let record, isRight else { throw .unknown }
        return try isLive(record, at: time)
    }

    /// The one that was checked before, if it still is what it was.
    package func check(id: UInt32, at time: UInt64) throws(TokenRefusal) -> TokenRecord {
        guard let record = records[id] else { throw .unknown }
        return try isLive(record, at: time)
    }

    private func isLive(_ record: TokenRecord, at time: UInt64) throws(TokenRefusal) -> TokenRecord {
        if let revoked = record.revoked { throw .revoked(revoked) }
        if let expires = record.expires, expires <= time { throw .expired(expires) }
        return record
    }

    package subscript(id id: UInt32) -> TokenRecord? { records[id] }

    /// By its name or its number, where it is not revoked.
    package func find(_ text: String) -> TokenRecord? {
        records.values.first { $0.revoked == nil && ($0.number == text || $0.name.description == text) }
    }

    /// Puts one back as it was, or takes it away: for a change that could not be recorded.
    package mutating func put(_ record: TokenRecord?, at id: UInt32) { records[id] = record }

    /// Takes away all that a tenant has.
    package mutating func forget(_ tenant: Name) -> [TokenRecord] {
        let gone = records.values.filter { $0.tenant == tenant }
        for record in gone { records[record.id] = nil }
        return gone
    }

    /// Takes away those that were over before that time.
    package mutating func forget(endedBefore time: UInt64) -> [TokenRecord] {
        let gone = records.values.filter { $0.ended(at: time).map { $0 < time } ?? false }
        for record in gone { records[record.id] = nil }
        return gone
    }

    /// - Returns: what is to be recorded; nil where it was revoked before, or never was.
    package mutating func revoke(_ name: Name, at time: UInt64) -> TokenRecord? {
        guard let id = records.values.first(where: { $0.name == name && $0.revoked == nil })?.id else {
            return nil
        }
        records[id]?.revoked = time
        return records[id]
    }

    /// Compared with where there is no record. No text has it for its digest, as far as anybody knows.
    private static let nobodys = String(repeating: "0", count: 64)
}

/// In a time that does not depend on where the texts differ.
private func isEqual(_ left: String, _ right: String) -> Bool {
    let (left, right) = (Array(left.utf8), Array(right.utf8))
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
}

extension UInt64 {
    fileprivate var asTime: APITime { APITime(milliseconds: Int64(clamping: self) &* 1000) }
}
