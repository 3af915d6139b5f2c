/// The last bytes of both streams, together no more than a fixed number: what `--output-limit` keeps
/// once the head was passed on.
///
/// A stream that writes little keeps all of it beside one that floods: what is dropped is dropped from
/// the stream that holds more, down to half of the room each.
struct OutputTails: Sendable {
    enum Stream: CaseIterable, Sendable { case output, errors }

    private let capacity: Int
    private var output = Tail()
    private var errors = Tail()

    init(capacity: Int) { self.capacity = capacity }

    /// Bytes of both streams that are no longer held.
    var leftOut: UInt64 { output.dropped + errors.dropped }

    mutating func append(_ bytes: [UInt8], to stream: Stream) {
        switch stream {
        case .output: output.append(bytes)
        case .errors: errors.append(bytes)
        }
        guard output.count + errors.count > capacity else { return }
        let less = min(output.count, errors.count, capacity / 2)
        if output.count < errors.count {
            output.keep(last: less)
            errors.keep(last: capacity - less)
        } else {
            errors.keep(last: less)
            output.keep(last: capacity - less)
        }
    }

    /// What is to be delivered at the end of a stream: a line about what is missing, then its tail.
    mutating func take(_ stream: Stream) -> [[UInt8]] {
        switch stream {
        case .output: output.take()
        case .errors: errors.take()
        }
    }
}

/// The last bytes of one stream, in pieces that are dropped as a whole.
private struct Tail: Sendable {
    private static let piece = 64 << 10

    /// Those before `first` are gone. All but the last are full.
    private var pieces: [[UInt8]] = []
    private var first = 0
    /// Bytes of the first piece that are dropped.
    private var offset = 0
    private(set) var count = 0
    private(set) var dropped: UInt64 = 0

    mutating func append(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if first == pieces.count || pieces[pieces.count - 1].count == Tail.piece { pieces.append([]) }
            let room = Tail.piece - pieces[pieces.count - 1].count
            pieces[pieces.count - 1] += rest.prefix(room)
            rest = rest.dropFirst(room)
        }
        count += bytes.count
    }

    mutating func keep(last wanted: Int) {
        var excess = count - wanted
        guard excess > 0 else { return }
        count -= excess
        dropped += UInt64(excess)
        while excess > 0 {
            let step = min(excess, pieces[first].count - offset)
            offset += step
            excess -= step
            if offset == pieces[first].count {
                pieces[first] = []
                first += 1
                offset = 0
            }
        }
        // Rarely, or dropping would cost more than keeping.
        if first > 64, first * 2 > pieces.count {
            pieces.removeFirst(first)
            first = 0
        }
    }

    mutating func take() -> [[UInt8]] {
        var result = Array(pieces[first...])
        if !result.isEmpty { result[0].removeFirst(offset) }
        if dropped > 0 { result.insert(Array("\n... \(dropped) bytes left out ...\n".utf8), at: 0) }
        (pieces, first, offset, count) = ([], 0, 0, 0)
        return result
    }
}
