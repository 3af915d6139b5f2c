/// What a reader of a process's streams is to be sent next. It has a cursor for each stream and no queue:
/// what it costs does not depend on how far it is behind.
struct ReadingOrder {
    /// The offset of the next byte of each stream, and whether its end was told.
    struct Cursor {
        var offset: UInt64
        var isEndTold = false
    }

    /// By number of the stream.
    var cursors: [Cursor]
    /// Whether the bytes of one step have one time, as far as it is known.
    var isTimed = false

    enum Step: Hashable {
        case bytes(OutputStream, Range<UInt64>)
        case lost(OutputStream, Range<UInt64>)
        case end(OutputStream, offset: UInt64)
        /// Everything up to where the process ended was told.
        case complete
        case nothing
    }

    /// - Parameters:
    ///   - rings: by number of the stream, as many as there are cursors.
    ///   - limits: where the streams stood when the process ended; nil while it runs.
    mutating func next(_ rings: [OutputRing], until limits: [UInt64]?) -> Step {
        for (stream, ring) in zip(OutputStream.allCases, rings) {
            let cursor = cursors[stream.rawValue]
            guard ring.isEnded, cursor.offset == ring.position, !cursor.isEndTold else { continue }
            cursors[stream.rawValue].isEndTold = true
            return .end(stream, offset: cursor.offset)
        }
        if let limits, isComplete(rings, limits) { return .complete }
        guard let stream = earliest(rings) else { return .nothing }
        let ring = rings[stream.rawValue]
        let offset = cursors[stream.rawValue].offset
        switch ring.window.place(of: offset) {
        case .kept(let range):
            let part = offset..<min(range.upperBound, offset + longest(stream, rings))
            cursors[stream.rawValue].offset = part.upperBound
            return .bytes(stream, part)
        case .dropped(let range):
            cursors[stream.rawValue].offset = range.upperBound
            return .lost(stream, range)
        case .end, .beyond: return .nothing
        }
    }

    private func isComplete(_ rings: [OutputRing], _ limits: [UInt64]) -> Bool {
        cursors.indices.allSatisfy { index in
            rings[index].isEnded ? cursors[index].isEndTold : cursors[index].offset >= limits[index]
        }
    }

    /// The stream whose next byte came first, as far as the times tell.
    private func earliest(_ rings: [OutputRing]) -> OutputStream? {
        let waiting = OutputStream.allCases.prefix(rings.count).filter {
            cursors[$0.rawValue].offset < rings[$0.rawValue].position
        }
        guard waiting.count > 1 else { return waiting.first }
        return waiting.min { time(of: $0, rings) < time(of: $1, rings) }
    }

    private func time(of stream: OutputStream, _ rings: [OutputRing]) -> UInt64 {
        rings[stream.rawValue].times.time(of: cursors[stream.rawValue].offset) ?? 0
    }

    /// How many bytes may go at once: where the other stream waits as well, only those of one time.
    private func longest(_ stream: OutputStream, _ rings: [OutputRing]) -> UInt64 {
        let most = UInt64(AttachFrame.payloadLimit)
        let offset = cursors[stream.rawValue].offset
        let others = rings.indices.contains {
            $0 != stream.rawValue && cursors[$0].offset < rings[$0].position
        }
        guard others || isTimed, let boundary = rings[stream.rawValue].times.boundary(after: offset) else {
            return most
        }
        return min(most, boundary - offset)
    }
}
