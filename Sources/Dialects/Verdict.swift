/// What becomes of a frame.
package enum Verdict: Hashable, Sendable {
    /// Passed on as it is.
    case forward
    /// Passed on with this payload in place of its own.
    case rewrite([UInt8])
    /// Passed on as it is; then both connections are closed, as both sides expect.
    case farewell
    /// Not passed on; `reply` says so to whoever would wait in vain.
    case refuse(Refusal, reply: Reply?)
}

/// A message of the relay's own.
package struct Reply: Hashable, Sendable {
    package let recipient: Sender
    /// Without the length prefix.
    package let payload: [UInt8]

    package init(to recipient: Sender, _ payload: [UInt8]) {
        self.recipient = recipient
        self.payload = payload
    }
}

/// Something whose time has come.
package enum Expiry: Hashable, Sendable {
    /// A call was not answered in time; the caller is told, and the answer refused if it still comes.
    case call(Refusal, Reply)
    /// The connection has no use any more.
    case connection(Refusal)
}
