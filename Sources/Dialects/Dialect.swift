/// A plugin wire protocol. The raw value is its name on command lines and in files.
package enum Dialect: String, CaseIterable, Sendable {
    /// TGO: JSON-RPC 2.0 in frames with a 4-byte big-endian length; the plugin connects.
    case tgo
}

/// Who sent a frame.
package enum Sender: String, CaseIterable, Sendable {
    case plugin
    case upstream

    package var other: Sender { self == .plugin ? .upstream : .plugin }
}
