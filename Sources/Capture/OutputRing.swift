import CLinux
package import Linux

/// The bytes that one stream of one process wrote, as many of them as are kept, in a memory file.
///
/// Bytes are named by their offset: the first one ever written has offset 0. The memory file's own
/// position is the one truth about how far the stream has come (``RingMemory``), so that another process
/// with a copy of the descriptor goes on after this one was killed, and no byte is lost or there twice.
/// What is no longer kept is punched out of the file, in batches.
///
/// One process fills a ring at a time, and reads it on the same thread. It must not have a limit on file
/// sizes (RLIMIT_FSIZE): the position only ever grows, whatever memory is held.
package final class OutputRing {
    /// Memory is given back when there is this much of it, so that it costs little.
    static let batch: UInt64 = 64 << 10

    private let memory: RingMemory
    /// How many bytes were ever written.
    package private(set) var position: UInt64
    package private(set) var window: Window
    package private(set) var times: TimeIndex
    /// Whether nobody can write any more.
    package private(set) var isEnded = false
    /// Holes were made up to here.
    private var punched: UInt64 = 0
    /// Whether what is stored of ``times`` is all of them.
    private var areTimesStored: Bool
    /// Whether anything was ever stored there: a new stream's page is made no larger than it has to be.
    private var hasNotes: Bool

    /// Memory for a ring, for whoever keeps it.
    /// - Parameter name: for people who look into /proc; at most 249 bytes.
    package static func makeMemory(name: String) throws(SystemError) -> FileDescriptor {
        let file = FileDescriptor(
            owning: try call("memfd_create", on: name) { unsafe clinux_memfd(name, 0) })
        let number = file.number
        _ = try call("fcntl(F_ADD_SEALS)", on: name) { clinux_memfd_seal_size(number) }
        return file
    }

    /// Goes on with `memory`, at what it holds already. Follow it with ``keep(_:sparing:)``, which says
    /// what an earlier process let go of.
    package static func adopt(_ memory: consuming FileDescriptor) throws(CaptureError) -> OutputRing {
        let memory = try RingMemory.adopt(memory)
        do throws(SystemError) {
            let position = try memory.position()
            let notes = try memory.read(from: RingMemory.notes, count: TimeIndex.size)
            let times = TimeIndex(notes, position: position)
            return OutputRing(memory: memory, position: position, times: times, notes: notes)
        } catch {
            throw .system(error)
        }
    }

    private init(memory: consuming RingMemory, position: UInt64, times: TimeIndex, notes: [UInt8]) {
        self.memory = memory
        self.position = position
        self.times = times
        window = Window(head: 0, tail: 0, position: position)
        areTimesStored = times.isStored(as: notes)
        hasNotes = !notes.isEmpty
    }

    // MARK: Filling

    /// Takes what `source` has now, up to about `most` bytes.
    ///
    /// Follow it with ``keep(_:sparing:)``: until then everything is kept.
    /// - Parameter now: CLOCK_BOOTTIME in nanoseconds.
    /// - Returns: how many bytes came.
    package func fill(
        from source: borrowing OutputSource, atMost most: Int, now: UInt64
    ) throws(SystemError) -> Int {
        var count = 0
        note(now)
        while count < most {
            switch try source.move(to: memory.file, atMost: most - count) {
            case .bytes(let moved):
                count += moved
                position += UInt64(moved)
                window = Window(head: window.head, tail: window.tail, position: position)
            case .nothing: return count
            case .end:
                isEnded = true
                return count
            }
        }
        return count
    }

    /// Nobody will write any more, as is known from elsewhere.
    func close() { isEnded = true }

    /// Keeps only `window`, which begins no earlier than the present one.
    /// - Parameter spare: called before bytes become unreadable, with their range.
    package func keep(
        _ window: Window, sparing spare: (Range<UInt64>) -> Void = { _ in }
    ) throws(SystemError) {
        self.window = window
        let start = max(punched, (window.head + RingMemory.page - 1) / RingMemory.page * RingMemory.page)
        let end = window.tail / RingMemory.page * RingMemory.page
        guard end >= start + Self.batch else { return }
        spare(start..<end)
        try memory.punch(start..<end)
        punched = end
    }

    /// Times are a help to people: what cannot be stored of them is forgotten with this process.
    private func note(_ now: UInt64) {
        let change = times.note(now, at: position, oldest: window.oldest)
        do throws(SystemError) {
            switch change {
            case .none: break
            case .entry(let index) where areTimesStored:
                let place = RingMemory.notes + UInt64(TimeIndex.place(of: index))
                try memory.note(times.bytes(of: index), at: place)
            case .entry, .all:
                try memory.note(hasNotes ? times.bytes : times.usedBytes, at: RingMemory.notes)
                (areTimesStored, hasNotes) = (true, true)
            }
        } catch {
            areTimesStored = false
        }
    }

    // MARK: Reading

    package enum Reading: Hashable, Sendable {
        /// The bytes from the offset on, at least one.
        case bytes([UInt8])
        /// These are no longer there; what follows them is, or will be.
        case lost(Range<UInt64>)
        /// There is nothing yet.
        case nothing
        /// There will be nothing more.
        case end
    }

    /// Up to `most` bytes from `offset` on.
    package func read(from offset: UInt64, atMost most: Int) throws(CaptureError) -> Reading {
        switch window.place(of: offset) {
        case .kept(let range):
            return .bytes(try bytes(offset..<offset + min(UInt64(range.count), UInt64(max(1, most)))))
        case .dropped(let range): return .lost(range)
        case .end: return isEnded ? .end : .nothing
        case .beyond: throw .beyond(offset: offset, position: position)
        }
    }

    /// All that is kept of a stream.
    package struct Contents: Hashable, Sendable {
        package let head: [UInt8]
        /// How many bytes lay between the head and the tail.
        package let dropped: UInt64
        package let tail: [UInt8]
    }

    /// All that is kept. Nothing was dropped: it is all in the tail.
    package func contents() throws(CaptureError) -> Contents {
        Contents(
            head: try bytes(0..<window.head), dropped: window.dropped,
            tail: try bytes(window.tail..<position))
    }

    /// Bytes that are in the file, be they in the window or not yet punched out of it.
    func bytes(_ range: Range<UInt64>) throws(CaptureError) -> [UInt8] {
        do throws(SystemError) {
            return try memory.read(from: range.lowerBound, count: range.count)
        } catch {
            throw .system(error)
        }
    }

    /// Sends bytes on to a non-blocking socket; see ``RingMemory/send(_:to:)``.
    func send(_ range: Range<UInt64>, to socket: borrowing FileDescriptor) -> Transfer {
        memory.send(range, to: socket)
    }
}
