import Sandbox

extension NetworkAddress {
    /// Whether an entry of `network.allow` stands for a host and port. Addresses are compared as
    /// addresses, however they are written; names without regard to case.
    package func covers(_ host: String, _ port: UInt16) -> Bool {
        guard port == self.port else { return false }
        if self.host == "*" { return true }
        if let own = IPAddress(self.host) { return own == IPAddress(host) }
        if IPAddress(host) != nil { return false }
        var name = host.lowercased()
        // The dot that ends a whole name (RFC 1034, section 3.1).
        if name.utf8.last == UInt8(ascii: ".") { name.removeLast() }
        guard self.host.hasPrefix("*.") else { return name == self.host }
        let end = self.host.dropFirst()
        return name.utf8.count > end.utf8.count && name.hasSuffix(end)
    }
}
