/// Where in a stream a reader begins.
package enum StartPoint: Hashable, Sendable {
    /// With the oldest byte that is kept.
    case oldest
    /// With what comes from now on.
    case now
    /// With this offset; what is no longer there is reported as lost.
    case offset(UInt64)
    /// With the last so many lines.
    case lines(Int)
    /// With what came at this time or later (CLOCK_BOOTTIME, in nanoseconds), or a little before.
    case since(UInt64)
}

extension OutputRing {
    /// The offset that `start` means now.
    package func offset(of start: StartPoint) throws(CaptureError) -> UInt64 {
        switch start {
        case .oldest: return window.oldest
        case .now: return position
        case .offset(let offset):
            if offset > position { throw .beyond(offset: offset, position: position) }
            return offset
        case .since(let time):
            let found = times.offset(since: time, position: position)
            guard case .dropped(let range) = window.place(of: found) else { return found }
            return window.head > 0 ? found : range.upperBound
        case .lines(let count):
            var scan = LineScan(window, lines: count)
            while true {
                if let found = try scan.step(self) { return found }
            }
        }
    }
}

/// Looks for the beginning of the last lines, backwards, some bytes at a time.
///
/// A newline ends a line; the last line may have none. No line is looked for before what is kept without
/// a gap, so all of that is the answer when it has fewer lines.
package struct LineScan: Hashable, Sendable {
    private static let chunk: UInt64 = 64 << 10

    private let start: UInt64
    private let end: UInt64
    private var left: Int
    /// Bytes from here on were looked at.
    private var done: UInt64

    package init(_ window: Window, lines: Int) {
        start = window.dropped > 0 ? window.tail : 0
        end = window.position
        done = end
        left = lines
    }

    /// Looks at the next bytes; returns the offset once it is known.
    package mutating func step(_ ring: OutputRing) throws(CaptureError) -> UInt64? {
        if left <= 0 { return end }
        // Bytes may have gone since the last step.
        let start = ring.window.dropped > 0 ? max(start, ring.window.tail) : start
        if done <= start { return start }
        let from = done - min(done - start, Self.chunk)
        let bytes = try ring.bytes(from..<done)
        for index in bytes.indices.reversed() where bytes[index] == 0x0A {
            let after = from + UInt64(index) + 1
            // The newline at the very end begins no line.
            if after == end { continue }
            left -= 1
            if left == 0 { return after }
        }
        done = from
        return nil
    }
}
