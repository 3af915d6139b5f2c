/// Which bytes of a stream are kept while more of them come.
///
/// It follows from where the streams stand alone, and so is the same for whoever goes on with them
/// after a crash.
package enum Retention: Hashable, Sendable {
    /// The last so many bytes of each stream.
    case last(UInt64)
    /// No more than so many bytes of both streams together, of which a quarter is the beginning of each
    /// stream and the rest its end. A stream that writes little keeps all of it beside one that floods,
    /// down to half of the room each.
    case ends(UInt64)

    /// What is kept of a stream that has come to `position`, beside another that has come to `other`.
    /// Neither bound moves back as the streams go on.
    package func window(at position: UInt64, beside other: UInt64) -> Window {
        switch self {
        case .last(let most):
            return Window(head: 0, tail: position - min(position, most), position: position)
        case .ends(let most):
            let room = max(most / 2, most - min(most, other))
            guard position > room else { return Window(head: 0, tail: 0, position: position) }
            let head = most / 4
            return Window(head: head, tail: position - (room - head), position: position)
        }
    }

    /// Whether the streams wrote more than may be kept of them in all; a ring never counts as that.
    package func isExceeded(at position: UInt64, and other: UInt64) -> Bool {
        switch self {
        case .last: false
        case .ends(let most): position > most || other > most - position
        }
    }
}

/// What is kept of a stream: its bytes before `head`, and those from `tail` up to where it stands.
package struct Window: Hashable, Sendable {
    package let head: UInt64
    package let tail: UInt64
    /// How many bytes were ever written.
    package let position: UInt64

    /// Bytes that can be read.
    package var kept: UInt64 { position - dropped }
    /// Bytes that are gone. They lay from ``head`` to ``tail``.
    package var dropped: UInt64 { tail - head }
    /// The first byte that can be read, or where the stream stands.
    package var oldest: UInt64 { head > 0 ? 0 : tail }

    /// The same with everything from `offset` on.
    func sparing(from offset: UInt64) -> Window {
        if offset >= tail { return self }
        let isWhole = offset <= head
        return Window(head: isWhole ? 0 : head, tail: isWhole ? 0 : offset, position: position)
    }

    package enum Place: Hashable, Sendable {
        /// These bytes are there.
        case kept(Range<UInt64>)
        /// These are gone; what follows is there, or will be.
        case dropped(Range<UInt64>)
        /// The stream stands there.
        case end
        /// The stream has never come that far.
        case beyond
    }

    /// What there is from `offset` on.
    package func place(of offset: UInt64) -> Place {
        if offset > position { return .beyond }
        if offset == position { return .end }
        if offset < head { return .kept(offset..<head) }
        return offset < tail ? .dropped(offset..<tail) : .kept(offset..<position)
    }
}
