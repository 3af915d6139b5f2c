import Glibc

/// What the bytes of a ``SlotFile`` say: under which slots something stands that outlives its holder.
///
/// Whoever looks for what dead holders left asks about these slots only, and about a few of them at a
/// time, so that the cost does not grow with the number of live ones. The place to go on from is in the
/// file too. Two who write it at once do no harm: some slots are asked about twice.
package struct SlotNotes: Hashable, Sendable {
    /// One byte for each slot there can be.
    package static let slots = 32768
    /// Behind the notes: where to go on, in 4 bytes, least first.
    static let size = slots + 4

    private let bytes: [UInt8]

    /// - Parameter bytes: of the file, as far as it goes.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// False until somebody has looked for everything there is: nobody can have noted what stood there
    /// before the file did.
    package var isComplete: Bool { bytes.count == Self.size }

    /// The slots with a note, each once, from the place to go on from and round.
    /// - Parameter limit: the most to return.
    package func noted(atMost limit: Int) -> [Int] {
        var found: [Int] = []
        let start = isComplete ? min(place, Self.slots) : 0
        for part in [start..<Self.slots, 0..<start] {
            var next = part.lowerBound
            while found.count < limit, let slot = firstNoted(next..<min(part.upperBound, bytes.count)) {
                found.append(slot)
                next = slot + 1
            }
        }
        return found
    }

    private var place: Int { bytes[Self.slots...].reversed().reduce(0) { $0 << 8 | Int($1) } }

    /// Most bytes are 0: eight at a time are looked at.
    private func firstNoted(_ range: Range<Int>) -> Int? {
        unsafe bytes.withUnsafeBytes { bytes in
            var slot = range.lowerBound
            while slot < range.upperBound {
                if slot + 8 <= range.upperBound,
                    unsafe bytes.loadUnaligned(fromByteOffset: slot, as: UInt64.self) == 0
                {
                    slot += 8
                } else if unsafe bytes[slot] != 0 {
                    return slot
                } else {
                    slot += 1
                }
            }
            return nil
        }
    }

    static func read(_ slot: Int, of file: borrowing FileDescriptor) throws(SystemError) -> Bool {
        var byte: UInt8 = 0
        let number = file.number
        let count = try call("pread", on: "slots") { unsafe pread(number, &byte, 1, slot) }
        return count == 1 && byte != 0
    }

    static func write(_ leaves: Bool, of slot: Int, to file: borrowing FileDescriptor) throws(SystemError) {
        precondition((0..<slots).contains(slot), "there is no such slot")
        var byte: UInt8 = leaves ? 1 : 0
        let number = file.number
        _ = try call("pwrite", on: "slots") { unsafe pwrite(number, &byte, 1, slot) }
    }
}

extension SlotProbe {
    package borrowing func notes() throws(SystemError) -> SlotNotes {
        var buffer = [UInt8](repeating: 0, count: SlotNotes.size)
        var room = buffer.mutableSpan
        let number = file.number
        let count = try unsafe room.withUnsafeMutableBufferPointer { (bytes) throws(SystemError) in
            try call("pread", on: "slots") { unsafe pread(number, bytes.baseAddress, bytes.count, 0) }
        }
        buffer.removeLast(buffer.count - count)
        return SlotNotes(buffer)
    }

    /// As ``Slot/note(_:)``; for a slot that this probe has locked, and to note what is found.
    package borrowing func note(_ leaves: Bool, of slot: Int) throws(SystemError) {
        try SlotNotes.write(leaves, of: slot, to: file)
    }

    /// Notes where the next one goes on, and that everything there is has a note.
    package borrowing func goOn(from slot: Int) throws(SystemError) {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: slot >> (8 * $0)) }
        let number = file.number
        _ = try unsafe bytes.span.withUnsafeBufferPointer { (buffer) throws(SystemError) in
            try call("pwrite", on: "slots") {
                unsafe pwrite(number, buffer.baseAddress, buffer.count, SlotNotes.slots)
            }
        }
    }
}
