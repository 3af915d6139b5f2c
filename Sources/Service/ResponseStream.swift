package import Linux

/// Makes the bytes of an answer while they are sent, never more than the client takes.
package protocol StreamSource: AnyObject {
    /// Puts the next bytes at the front of `memory`.
    func next(into memory: inout MutableSpan<UInt8>) -> StreamStep

    /// The answer is over. Called exactly once for a stream that was begun.
    func finished(_ how: StreamEnd)
}

package enum StreamStep: Hashable, Sendable {
    /// So many bytes, at least one, are at the front of the memory.
    case bytes(Int)
    /// Nothing now: ``ResponseStream/wake()`` tells when there is more.
    case nothingYet
    case end
    /// It cannot go on; the client sees an answer that was cut.
    case broken
}

package enum StreamEnd: Hashable, Sendable {
    /// The source came to its end and the client was sent all of it.
    case complete
    /// The client is gone, took nothing for too long, or the source broke.
    case cut
}

/// A stream on its way to a client.
package final class ResponseStream {
    let source: any StreamSource
    /// Bytes in all; nil where nobody knows before. A source that ends earlier breaks the answer off.
    let length: UInt64?
    weak var exchange: Exchange?
    private var isOver = false

    /// Called when the stream has had nothing to send for so many nanoseconds.
    package var heartbeat: (every: BootTime, beat: () -> Void)?
    /// When the heartbeat is due; nil while the stream has something to send.
    var beatAt: BootTime?

    package init(_ source: any StreamSource, length: UInt64? = nil) {
        self.source = source
        self.length = length
    }

    /// There is something to send, or the end has come. Costs nothing when nobody waits for it.
    package func wake() { exchange?.streamAwake() }

    func finish(_ how: StreamEnd) {
        guard !isOver else { return }
        isOver = true
        source.finished(how)
    }
}
