import Tables

/// Puts the time before each line of a stream, as `docker logs -t` does.
struct LineStamp {
    /// Of the bytes that come; nil where it is not known.
    var time: WallTime?
    private var isInLine = false

    /// - Returns: the bytes, with `2026-11-21T21:43:36.123Z ` or `- ` before each that begins a line.
    mutating func stamped(_ bytes: [UInt8]) -> [UInt8] {
        let stamp = Array((time?.rfc3339 ?? "-").utf8) + [UInt8(ascii: " ")]
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + stamp.count)
        for byte in bytes {
            if !isInLine { result += stamp }
            result.append(byte)
            isInLine = byte != UInt8(ascii: "\n")
        }
        return result
    }
}
