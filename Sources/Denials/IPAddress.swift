import Glibc

/// An address of IPv4 or IPv6, read from its text without asking anybody.
package enum IPAddress: Hashable, Sendable {
    /// The first byte of the address is the highest.
    case v4(UInt32)
    /// 16 bytes.
    case v6([UInt8])

    /// - Returns: nil for what is no address, such as a name.
    package init?(_ text: String) {
        if text.utf8.contains(0) { return nil }
        var four = in_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            self = .v4(UInt32(bigEndian: four.s_addr))
            return
        }
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, bare, &six) == 1 else { return nil }
        self = .v6(unsafe withUnsafeBytes(of: &six) { unsafe Array($0) })
    }

    /// The IPv4 address that an IPv6 one stands for (RFC 4291, section 2.5.5.2).
    private var mapped: UInt32? {
        switch self {
        case .v4(let address): return address
        case .v6(let bytes):
            guard bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else {
                return nil
            }
            return bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// Whether it is this machine's loopback interface, which 0.0.0.0 and :: lead to as well.
    package var isLoopback: Bool {
        if let mapped { return mapped >> 24 == 127 || mapped == 0 }
        guard case .v6(let bytes) = self else { return false }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last.map { $0 <= 1 } ?? false
    }

    /// The number of the address family, as socket(2) takes it.
    package var family: Int32 {
        switch self {
        case .v4: AF_INET
        case .v6: AF_INET6
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// As an address is written beside a port.
    package var description: String {
        switch self {
        case .v4(let address):
            return [24, 16, 8, 0].map { String(address >> $0 & 0xFF) }.joined(separator: ".")
        case .v6(var bytes):
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            let size = socklen_t(text.count)
            _ = unsafe inet_ntop(AF_INET6, &bytes, &text, size)
            let characters = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return "[\(String(decoding: characters, as: UTF8.self))]"
        }
    }
}
