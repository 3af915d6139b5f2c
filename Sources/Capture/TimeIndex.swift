/// When the bytes of a stream came: a bounded number of times (CLOCK_BOOTTIME, in nanoseconds), each
/// with the offset of the first byte that came then.
///
/// When it is full, times of bytes that are no longer kept go first, and then the one whose neighbours
/// are closest together: bursts lose their fine times, and a line that stands alone keeps its own.
package struct TimeIndex: Hashable, Sendable {
    /// As many as fit into a page behind its mark.
    package static let most = 255
    /// Times closer together than this are one, in nanoseconds.
    package static let grain: UInt64 = 1_000_000

    package struct Entry: Hashable, Sendable {
        package let time: UInt64
        package let offset: UInt64
    }

    /// Both the times and the offsets rise.
    package private(set) var entries: [Entry] = []

    package init() {}

    /// What has to be stored for the index to be found again as it is.
    enum Change: Hashable, Sendable {
        case none
        /// The entry with this number.
        case entry(Int)
        case all
    }

    /// Notes that the bytes from `offset` on come at `time` or later; those before `oldest` are gone.
    /// To be called before they come, so that none is without a time after a crash.
    mutating func note(_ time: UInt64, at offset: UInt64, oldest: UInt64) -> Change {
        if let last = entries.last {
            // A clock that stands still or goes back must not make the search wrong.
            guard time >= last.time, time - last.time >= Self.grain, offset >= last.offset else {
                return .none
            }
            if offset == last.offset {  // nothing came
                entries[entries.count - 1] = Entry(time: time, offset: offset)
                return .entry(entries.count - 1)
            }
        }
        let isFull = entries.count == Self.most
        if isFull { makeRoom(oldest: oldest) }
        entries.append(Entry(time: time, offset: offset))
        return isFull ? .all : .entry(entries.count - 1)
    }

    /// When the byte at `offset` came: not before this, and not as late as the next time noted. Nil when
    /// that is not known.
    package func time(of offset: UInt64) -> UInt64? {
        let after = firstIndex { $0.offset > offset }
        return after == 0 ? nil : entries[after - 1].time
    }

    /// An offset from which on no byte that came at `time` or later is missed: the first ones may be a
    /// little older. The stream stands at `position`.
    package func offset(since time: UInt64, position: UInt64) -> UInt64 {
        let after = firstIndex { $0.time > time }
        if after == 0 { return 0 }
        let found = entries[after - 1]
        // What came longer after the last time would have got one of its own.
        return after == entries.count && time - found.time >= Self.grain ? position : found.offset
    }

    /// An offset before which every byte is that came at `time` or earlier: the last ones may be a little
    /// younger. The stream stands at `position`.
    package func offset(until time: UInt64, position: UInt64) -> UInt64 {
        let after = firstIndex { $0.time > time }
        return after == entries.count ? position : entries[after].offset
    }

    /// The first offset behind `offset` that has a time of its own.
    func boundary(after offset: UInt64) -> UInt64? {
        let after = firstIndex { $0.offset > offset }
        return after == entries.count ? nil : entries[after].offset
    }

    private mutating func makeRoom(oldest: UInt64) {
        // The last of those at or before the oldest byte tells its time.
        let expired = firstIndex { $0.offset > oldest } - 1
        if expired > 0 { return entries.removeFirst(expired) }
        var (best, closest) = (1, UInt64.max)
        for index in 1..<entries.count - 1 {
            let distance = entries[index + 1].time - entries[index - 1].time
            if distance < closest { (best, closest) = (index, distance) }
        }
        entries.remove(at: best)
    }

    private func firstIndex(where isAfter: (Entry) -> Bool) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if isAfter(entries[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

// As bytes: a mark of 16 bytes, then 16 for each entry, in the order of this machine, since they never
// leave its memory.
extension TimeIndex {
    static let size = 16 * (most + 1)
    private static let mark: [UInt64] = [0x636f_7272_616c_0001, 0]

    /// Takes what `bytes` say, as far as that can be true of a stream that has come to `position`.
    package init(_ bytes: [UInt8], position: UInt64) {
        let words = stride(from: 0, to: bytes.count / 16 * 16, by: 8).map { start in
            bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        guard words.starts(with: Self.mark) else { return }
        for start in stride(from: 2, to: words.count, by: 2) {
            let entry = Entry(time: words[start], offset: words[start + 1])
            guard entry.time > 0, entry.offset <= position, entries.count < Self.most else { return }
            if let last = entries.last, entry.time <= last.time || entry.offset <= last.offset { return }
            entries.append(entry)
        }
    }

    /// Where in ``bytes`` an entry stands.
    static func place(of entry: Int) -> Int { 16 * (entry + 1) }

    func bytes(of entry: Int) -> [UInt8] { littleEndian([entries[entry].time, entries[entry].offset]) }

    /// All of it, zeros behind the last entry.
    package var bytes: [UInt8] {
        let bytes = usedBytes
        return bytes + [UInt8](repeating: 0, count: Self.size - bytes.count)
    }

    /// The same without the zeros: all that a file needs in which nothing was stored yet.
    var usedBytes: [UInt8] { littleEndian(Self.mark + entries.flatMap { [$0.time, $0.offset] }) }

    /// Whether `notes`, as they were stored, say this and nothing else.
    func isStored(as notes: [UInt8]) -> Bool {
        let own = usedBytes
        return notes.starts(with: own) && notes.dropFirst(own.count).allSatisfy { $0 == 0 }
    }
}

private func littleEndian(_ words: [UInt64]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 * words.count)
    for var word in words {
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
        }
    }
    return bytes
}
