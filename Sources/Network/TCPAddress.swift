package import Glibc

/// Where an end of a TCP connection is: an IPv4 or IPv6 address and a port, as `127.0.0.1:7070` or `[::1]:7070`.
///
/// No names: what a name means may change between the moment at which it is checked and that at which it is used.
package struct TCPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]
    package let port: UInt16

    /// - Parameter bytes: 4 or 16 in network order.
    private init(_ bytes: [UInt8], _ port: UInt16) {
        self.bytes = bytes
        self.port = port
    }

    /// Nil for any text that is not an address and a port, each in its shortest form.
    package init?(_ text: String) {
        guard text.utf8.count <= 64, !text.utf8.contains(0),
            let colon = text.utf8.lastIndex(of: UInt8(ascii: ":"))
        else { return nil }
        guard let port = Self.decimal(text.utf8[text.utf8.index(after: colon)...], most: 65_535) else {
            return nil
        }
        let host = text.utf8[..<colon]
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
            guard let bytes = Self.six(String(decoding: host.dropFirst().dropLast(), as: UTF8.self)) else {
                return nil
            }
            self.init(bytes, UInt16(port))
        } else {
            guard let bytes = Self.four(host) else { return nil }
            self.init(bytes, UInt16(port))
        }
    }

    /// Four numbers with points between them, and nothing that inet_aton(3) would take besides.
    private static func four(_ text: Substring.UTF8View) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard let number = decimal(part, most: 255) else { return nil }
            bytes.append(UInt8(number))
        }
        return bytes
    }

    private static func six(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe inet_pton(AF_INET6, text, $0.baseAddress) }
        return result == 1 ? bytes : nil
    }

    private static func decimal(_ digits: Substring.UTF8View, most: Int) -> Int? {
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != UInt8(ascii: "0"), let number = Int(Substring(digits)),
            number <= most
        else { return nil }
        return number
    }

    package var isIPv6: Bool { bytes.count == 16 }

    /// Whether only this machine gets there: 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        isIPv6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 : bytes.first == 127
    }

    /// As it stands in front of the port.
    package var host: String {
        if !isIPv6 { return bytes.map { "\($0)" }.joined(separator: ".") }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let size = socklen_t(text.count)
        unsafe bytes.withUnsafeBytes { from in
            unsafe text.withUnsafeMutableBufferPointer { to in
                _ = unsafe inet_ntop(AF_INET6, from.baseAddress, to.baseAddress, size)
            }
        }
        return "[\(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))]"
    }

    package var description: String { "\(host):\(port)" }

    /// Whoever has one address of IPv6 has 64 bits of them, so those count as one.
    package var neighbourhood: [UInt8] { isIPv6 ? Array(bytes.prefix(8)) : bytes }
}

// As the kernel has it (ip(7), ipv6(7)).
extension TCPAddress {
    package var family: CInt { isIPv6 ? AF_INET6 : AF_INET }

    /// Calls `body` with the address as a `sockaddr` of its family.
    package func withSocketAddress<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        var storage = sockaddr_storage()
        let size = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        // The address stands behind family and port, of IPv6 behind its flow label as well.
        let offset = isIPv6 ? 8 : 4
        unsafe withUnsafeMutableBytes(of: &storage) { memory in
            unsafe memory.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
            unsafe memory[2] = UInt8(port >> 8)
            unsafe memory[3] = UInt8(port & 0xFF)
            for (index, byte) in bytes.enumerated() { unsafe memory[offset + index] = byte }
        }
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(size))
            }
        }
    }

    /// What `read` fills in, such as getsockname(2); nil where that fails, and for another family.
    private init?(_ read: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt) {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe read($0, &size) }
        }
        guard result == 0 else { return nil }
        let family = CInt(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        let (offset, count) = family == AF_INET6 ? (8, 16) : (4, 4)
        let memory = unsafe withUnsafeBytes(of: &storage) { unsafe Array($0.prefix(offset + count)) }
        self.init(Array(memory[offset...]), UInt16(memory[2]) << 8 | UInt16(memory[3]))
    }

    /// This end of a socket; nil for one that is not of TCP/IP.
    package init?(ofSocket number: CInt) { unsafe self.init { unsafe getsockname(number, $0, $1) } }

    /// The other end of it.
    package init?(ofPeer number: CInt) { unsafe self.init { unsafe getpeername(number, $0, $1) } }
}
