package import Linux

/// Server-sent events (the `text/event-stream` of the HTML standard, section 9.2) to one client.
///
/// Events wait in memory up to a bound. A client that is so slow that it would be passed is cut off, and
/// can come back with `Last-Event-ID`. A comment is sent every 15 seconds without an event, so that a
/// client can tell a quiet server from a dead one.
package final class EventStream: StreamSource {
    package static let heartbeat: BootTime = 15_000_000_000

    private var waiting: [UInt8] = []
    private var sent = 0
    private let limit: Int
    private var isEnding = false
    private var isBroken = false
    private var onEnd: (() -> Void)?
    /// Set once, since the stream is made with its source.
    private weak var stream: ResponseStream?

    /// - Parameters:
    ///   - limit: bytes that may wait for the client.
    ///   - onEnd: called once, when nothing more can be sent.
    package init(limit: Int = 256 << 10, onEnd: @escaping () -> Void = {}) {
        self.limit = limit
        self.onEnd = onEnd
    }

    /// The answer that carries the events; asked for once.
    package func response(heartbeat: BootTime = EventStream.heartbeat) -> Response {
        let stream = ResponseStream(self)
        stream.heartbeat = (heartbeat, { [weak self] in self?.enqueue(Array(":\n\n".utf8)) })
        self.stream = stream
        return .stream(stream, type: "text/event-stream")
    }

    /// Bytes that the client has not taken.
    package var waitingBytes: Int { waiting.count - sent }

    /// - Returns: false when the client is gone or was cut off.
    @discardableResult
    package func send(id: UInt64? = nil, event: String? = nil, data: String) -> Bool {
        var text = ""
        if let id { text += "id: \(id)\n" }
        if let event { text += "event: \(singleLine(event))\n" }
        // A line's end in the data would end the field.
        if data.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
            let lines = data.split(omittingEmptySubsequences: false) { ["\n", "\r\n", "\r"].contains($0) }
            for line in lines { text += "data: \(line)\n" }
        } else {
            text += "data: \(data)\n"
        }
        return enqueue(Array((text + "\n").utf8))
    }

    /// Ends the answer after what waits.
    package func end() {
        isEnding = true
        stream?.wake()
    }

    @discardableResult
    private func enqueue(_ bytes: [UInt8]) -> Bool {
        guard onEnd != nil, !isEnding, !isBroken else { return false }
        if waitingBytes + bytes.count > limit {
            isBroken = true
            waiting = []
            sent = 0
        } else {
            waiting += bytes
        }
        stream?.wake()
        return !isBroken
    }

    package func next(into memory: inout MutableSpan<UInt8>) -> StreamStep {
        if isBroken { return .broken }
        let count = min(memory.count, waitingBytes)
        if count == 0 { return isEnding ? .end : .nothingYet }
        for index in 0..<count { memory[index] = waiting[sent + index] }
        sent += count
        if sent == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.capacity <= 16 << 10)
            sent = 0
        } else if sent > 64 << 10 {
            waiting.removeFirst(sent)
            sent = 0
        }
        return .bytes(count)
    }

    package func finished(_ how: StreamEnd) {
        let action = onEnd
        onEnd = nil
        waiting = []
        sent = 0
        action?()
    }
}

private func singleLine(_ text: String) -> String {
    String(text.unicodeScalars.filter { $0.value >= 0x20 }.map(Character.init))
}
