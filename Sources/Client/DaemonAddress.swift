/// Where a daemon is, and whose things are meant there.
package struct DaemonAddress: Hashable, Sendable {
    /// The socket's, of any length.
    package let path: String
    /// Nil for the tenant of whoever asks.
    package let tenant: String?

    package init(_ path: String, tenant: String? = nil) {
        self.path = path
        self.tenant = tenant
    }
}
