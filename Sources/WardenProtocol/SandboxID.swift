/// The id of a session's sandbox: 16 lower-case hexadecimal digits.
package struct SandboxID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// - Returns: nil for anything but 16 digits of `0-9 a-f`.
    package init?(_ text: String) {
        let isDigits = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard text.utf8.count == 16, isDigits, let value = UInt64(text, radix: 16) else { return nil }
        self.value = value
    }

    package var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    package static func < (left: SandboxID, right: SandboxID) -> Bool { left.value < right.value }
}

/// One process of one session, by the number that corrald gave it.
package struct ProcessKey: Hashable, Sendable, CustomStringConvertible {
    package var session: SandboxID
    package var process: UInt64

    package init(_ session: SandboxID, _ process: UInt64) {
        self.session = session
        self.process = process
    }

    package var description: String { "\(session)/\(process)" }
}

extension FieldWriter {
    mutating func id(_ value: SandboxID) { long(value.value) }

    mutating func key(_ value: ProcessKey) {
        id(value.session)
        long(value.process)
    }
}

extension FieldReader {
    mutating func id() throws(WireProblem) -> SandboxID { SandboxID(try long("session")) }

    mutating func key() throws(WireProblem) -> ProcessKey {
        ProcessKey(try id(), try long("process"))
    }
}
