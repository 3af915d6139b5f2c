package import Linux

/// What a service gives its clients, at most.
package struct ServiceLimits: Hashable, Sendable {
    /// Connections in all, upgraded ones not counted. More wait to be accepted.
    package var connections = 512
    /// Upgraded connections in all.
    package var upgraded = 512
    /// Connections of one user, upgraded ones counted. More are refused.
    package var connectionsPerUser = 256
    /// Likewise of those that nobody was admitted on yet.
    package var strangersPerUser = Int.max
    /// Connections over that which are told so; more are closed without a word.
    package var refusals = 32
    /// Bytes of a request's line and header fields, and of what is being sent or received.
    package var memory = 32 << 10
    package var headerFields = 64
    /// Time for a request's head, counted from the end of the one before.
    package var head: BootTime = 60_000_000_000
    /// The same until somebody was admitted on the connection.
    package var strangersHead: BootTime = 60_000_000_000
    /// Time for the head of a connection that is going to be refused.
    package var refusedHead: BootTime = 2_000_000_000
    /// Time without a byte of a body.
    package var body: BootTime = 30_000_000_000
    /// Bytes a second that a body brings on average, after the first `body` nanoseconds.
    package var bodyRate: UInt64 = 4 << 10
    /// Seconds in which a client that is being answered takes nothing.
    package var stall: UInt32 = 30

    package init() {}
}
