import Glibc
package import Linux
package import Network

/// Sockets of TCP (tcp(7)) for a service.
extension FileDescriptor {
    /// A socket that listens at an address, non-blocking.
    /// - Parameters:
    ///   - address: port 0 has the kernel choose one, which getsockname(2) tells.
    ///   - queue: connections that may wait to be accepted.
    /// - Throws: `.addressInUse` and its like, with the address.
    package static func tcpListener(
        at address: TCPAddress, queue: CInt
    ) throws(SystemError) -> FileDescriptor {
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let listener = FileDescriptor(owning: try call("socket") { socket(address.family, kind, 0) })
        let number = listener.number
        // A daemon that is started again gets the port although old connections still end.
        var on: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        _ = try call("setsockopt(SO_REUSEADDR)") {
            unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, size)
        }
        if address.isIPv6 {
            // [::] is not to mean the addresses of IPv4 as well, which nobody has named.
            _ = try call("setsockopt(IPV6_V6ONLY)") {
                unsafe setsockopt(number, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &on, size)
            }
        }
        _ = try call("bind", on: "\(address)") {
            unsafe address.withSocketAddress { unsafe Glibc.bind(number, $0, $1) }
        }
        try listener.listen(queue: queue)
        return listener
    }

    /// Has the kernel find out that the other end is gone, also where its machine is: after about two minutes.
    borrowing func watchPeer() {
        func set(_ level: CInt, _ name: CInt, _ value: CInt) {
            var value = value
            _ = unsafe setsockopt(number, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
        }
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(CInt(IPPROTO_TCP), TCP_KEEPIDLE, 60)
        set(CInt(IPPROTO_TCP), TCP_KEEPINTVL, 15)
        set(CInt(IPPROTO_TCP), TCP_KEEPCNT, 4)
    }
}
