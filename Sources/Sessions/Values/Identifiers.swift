package import Sandbox

/// An id of 16 lower-case hexadecimal digits, chosen at random.
package protocol Identifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    var value: UInt64 { get }
    init(value: UInt64)
}

/// Which session, for as long as there is a record of it.
package struct SessionID: Identifier {
    package let value: UInt64

    package init(value: UInt64) { self.value = value }
}

/// Which process of which session: no two sessions have processes of the same id.
package struct ProcessID: Identifier {
    package let value: UInt64

    package init(value: UInt64) { self.value = value }
}

extension Identifier {
    package static func random() -> Self { Self(value: .random(in: 0...UInt64.max)) }

    package init(_ text: String) throws(ValueError) {
        guard let value = IDPrefix(text)?.exactValue else {
            throw ValueError("\(quoted(text)) is not an id; expected 16 of 0-9 and a-f")
        }
        self.init(value: value)
    }

    package var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// The beginning of an id: 1 to 16 of its digits, as people type it.
package struct IDPrefix: Hashable, Sendable {
    private let digits: UInt64
    private let count: Int

    /// Nil for a text that begins no id.
    package init?(_ text: String) {
        guard (1...16).contains(text.utf8.count) else { return nil }
        var digits: UInt64 = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits = digits << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                digits = digits << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self.digits = digits
        count = text.utf8.count
    }

    package func begins(_ id: some Identifier) -> Bool { id.value >> UInt64(4 * (16 - count)) == digits }

    /// The id, where all of it is written.
    package var exactValue: UInt64? { count == 16 ? digits : nil }
}
