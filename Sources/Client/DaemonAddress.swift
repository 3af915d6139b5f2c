package import Network

/// Where a daemon is, by what one is known there, and whose things are meant.
package struct DaemonAddress: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        /// A unix socket's path, of any length.
        case path(String)
        case network(TCPAddress)
    }

    package let place: Place
    /// Nil for the tenant of whoever asks.
    package var tenant: String?
    /// Nil where the place says who asks.
    package var token: String?

    package init(_ path: String, tenant: String? = nil) {
        place = .path(path)
        self.tenant = tenant
    }

    package init(_ place: Place, tenant: String? = nil, token: String? = nil) {
        self.place = place
        self.tenant = tenant
        self.token = token
    }

    /// For messages, and for the header `Host`, where it is one of the network.
    package var name: String {
        switch place {
        case .path(let path): path
        case .network(let address): address.description
        }
    }
}
