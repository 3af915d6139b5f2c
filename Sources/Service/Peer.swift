package import Linux
package import Network

/// Who is at the other end of a connection, as the kernel says.
package enum Peer: Hashable, Sendable {
    /// A process of this machine, at a unix socket.
    case user(PeerCredentials)
    /// Somebody at a TCP socket: from where, and to which address of this machine.
    case network(TCPAddress, local: TCPAddress)

    /// Whose connections count together.
    enum Owner: Hashable {
        case user(UInt32)
        case addresses([UInt8])
    }

    var owner: Owner {
        switch self {
        case .user(let credentials): .user(credentials.uid)
        case .network(let address, _): .addresses(address.neighbourhood)
        }
    }

    /// Nil for somebody at a TCP socket, whom the kernel does not know.
    package var user: PeerCredentials? {
        if case .user(let credentials) = self { credentials } else { nil }
    }

    /// For messages.
    package var name: String {
        switch self {
        case .user(let credentials): "user \(credentials.uid)"
        case .network(let address, _): address.host
        }
    }

    /// - Parameter isNetwork: whether the listener is one of TCP.
    init?(_ socket: borrowing FileDescriptor, isNetwork: Bool) {
        if isNetwork {
            guard let local = TCPAddress(ofSocket: socket.number),
                let remote = TCPAddress(ofPeer: socket.number)
            else { return nil }
            self = .network(remote, local: local)
        } else {
            guard let credentials = try? socket.peerCredentials() else { return nil }
            self = .user(credentials)
        }
    }
}
