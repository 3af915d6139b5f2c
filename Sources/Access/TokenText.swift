package import Sandbox
import Trees

/// What a token looks like: `corral_INSTANCE_ID_SECRET`, hexadecimal digits of 4, 4 and 32 bytes.
///
/// The prefix is for scanners that look for secrets in places where none should be, the instance says which daemon
/// made it, the id finds its record without a search that takes longer for some than for others. Only the secret is
/// one.
package struct TokenText: Hashable, Sendable {
    package static let prefix = "corral_"
    private static let numberDigits = 8
    private static let secretDigits = 64
    package static let length = prefix.utf8.count + 2 * (numberDigits + 1) + secretDigits
    /// Bytes of randomness that one is made of.
    package static let randomBytes = 36

    package let instance: UInt32
    package let id: UInt32
    package let text: String

    /// SHA-256 of the whole text. A secret of 256 random bits needs no slower digest: nobody can try them all.
    package var digest: String { SHA256.of(Array(text.utf8)) }

    /// An id as it is written in a token, and shown.
    package static func number(_ id: UInt32) -> String { hexadecimal(UInt64(id), numberDigits) }

    /// The id of the token that such bytes make.
    package static func id(of random: [UInt8]) -> UInt32 {
        random.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// - Parameter random: ``randomBytes`` bytes of getrandom(2).
    package init(instance: UInt32, random: [UInt8]) throws(ValueError) {
        guard random.count == Self.randomBytes else {
            throw ValueError("\(random.count) random bytes make no token; expected \(Self.randomBytes)")
        }
        self.instance = instance
        id = Self.id(of: random)
        let secret = random.dropFirst(4).map { hexadecimal(UInt64($0), 2) }.joined()
        text =
            Self.prefix + hexadecimal(UInt64(instance), Self.numberDigits) + "_"
            + hexadecimal(UInt64(id), Self.numberDigits) + "_" + secret
    }

    /// What stands behind the scheme of a header field `Authorization`, which is taken in any case of letters
    /// (RFC 6750, section 2.1); nil for another scheme.
    package static func bearer(_ field: String) -> String? {
        let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }

    /// Reads one. What is wrong is said without any of it: the message may end up in a log.
    package init(_ text: String) throws(ValueError) {
        let bytes = Array(text.utf8)
        guard bytes.starts(with: Self.prefix.utf8) else {
            throw ValueError("it does not begin with \(Self.prefix)")
        }
        guard bytes.count == Self.length else {
            let why = bytes.count < Self.length ? "cut short" : "too long"
            throw ValueError("it is \(why): \(bytes.count) characters; expected \(Self.length)")
        }
        let parts = bytes.dropFirst(Self.prefix.utf8.count)
            .split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [Self.numberDigits, Self.numberDigits, Self.secretDigits],
            parts.allSatisfy({ $0.allSatisfy(isHexadecimal) }),
            let instance = UInt32(String(decoding: parts[0], as: UTF8.self), radix: 16),
            let id = UInt32(String(decoding: parts[1], as: UTF8.self), radix: 16)
        else {
            throw ValueError("expected \(Self.prefix)INSTANCE_ID_SECRET in lower-case hexadecimal digits")
        }
        self.instance = instance
        self.id = id
        self.text = text
    }
}

private func hexadecimal(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}
