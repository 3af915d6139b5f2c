/// One event of a stream of server-sent events.
package struct ServerEvent: Hashable, Sendable {
    /// `message` where the stream names none.
    package let name: String
    package let data: String
    /// The last one given so far, by which a stream can be taken up again.
    package let id: String
}

/// Takes a stream of server-sent events apart, however its bytes come (WHATWG HTML, section 9.2.6).
package struct EventStreamDecoder: Sendable {
    private let limit: Int
    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var id = ""
    /// How long to wait before connecting again, in milliseconds, if the server said.
    package private(set) var retry: UInt64?
    private var isAfterCR = false
    private var isFirstLine = true
    private var events: [ServerEvent] = []

    /// - Parameter limit: the most bytes of one event.
    package init(limit: Int = 1 << 20) { self.limit = limit }

    /// Takes bytes as they come, and returns the events that are whole now.
    package mutating func append(_ bytes: some Sequence<UInt8>) throws(HTTPError) -> [ServerEvent] {
        for byte in bytes {
            let isLF = byte == UInt8(ascii: "\n")
            defer { isAfterCR = byte == UInt8(ascii: "\r") }
            if isLF, isAfterCR { continue }
            if isLF || byte == UInt8(ascii: "\r") {
                endLine()
                continue
            }
            guard line.count + data.count < limit else { throw .eventTooLarge(limit: limit) }
            line.append(byte)
        }
        defer { events = [] }
        return events
    }

    private mutating func endLine() {
        var bytes = line[...]
        if isFirstLine, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        isFirstLine = false
        if bytes.isEmpty { endEvent() } else { field(bytes) }
        line.removeAll(keepingCapacity: true)
    }

    private mutating func field(_ line: ArraySlice<UInt8>) {
        let key = line.prefix { $0 != UInt8(ascii: ":") }
        var value = line.dropFirst(key.count + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: key, as: UTF8.self) {
        case "event": name = String(decoding: value, as: UTF8.self)
        case "data":
            if hasData { data.append(UInt8(ascii: "\n")) }
            data += value
            hasData = true
        case "id": if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
        case "retry":
            if value.count <= 9, value.allSatisfy(HTTPBytes.isDigit) {
                retry = UInt64(String(decoding: value, as: UTF8.self)) ?? retry
            }
        // A comment begins with the colon and so has no key.
        default: break
        }
    }

    private mutating func endEvent() {
        if hasData {
            events.append(
                ServerEvent(
                    name: name.isEmpty ? "message" : name, data: String(decoding: data, as: UTF8.self), id: id
                ))
        }
        name = ""
        data.removeAll(keepingCapacity: true)
        hasData = false
    }
}
