import Testing

@testable import Linux

/// What the bytes of a slot file say, and that the file keeps it.
@Suite struct SlotNotesTests {
    private func bytes(_ noted: [Int], place: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: SlotNotes.size)
        for slot in noted { bytes[slot] = 1 }
        for index in 0..<4 {
            bytes[SlotNotes.slots + index] = UInt8(truncatingIfNeeded: place >> (8 * index))
        }
        return bytes
    }

    @Test(arguments: [
        (0, 9, [0, 7, 8, 300, 32767]), (1, 9, [7, 8, 300, 32767, 0]), (8, 2, [8, 300]),
        (301, 3, [32767, 0, 7]), (32767, 1, [32767]), (32768, 2, [0, 7]), (40000, 2, [0, 7]),
        (300, 0, []),
    ])
    func `noted slots come from the place to go on from and round`(
        place: Int, limit: Int, expected: [Int]
    ) {
        let notes = SlotNotes(bytes([0, 7, 8, 300, 32767], place: place))
        #expect(notes.isComplete)
        #expect(notes.noted(atMost: limit) == expected)
    }

    @Test(arguments: [0, 1, 8, 9, 17, 32768, 32771])
    func `a file that nobody has completed says what it says`(size: Int) {
        let notes = SlotNotes(Array(bytes([0, 8, 16], place: 3)[..<size]))
        #expect(!notes.isComplete)
        #expect(notes.noted(atMost: 9) == [0, 8, 16].filter { $0 < size })
    }

    @Test func `a note is there for the next holder until it is taken back`() throws {
        try withTemporaryDirectory { _, directory in
            let slots = SlotFile(in: try directory.duplicate())
            for (before, after) in [(false, true), (true, true), (true, false), (false, false)] {
                let slot = try slots.acquire(count: 5, startingAt: 4)
                let isNoted = slot.isNoted
                #expect(isNoted == before)
                try slot.note(after)
            }
            let probe = try slots.probe()
            try probe.note(true, of: 32767)
            let early = try probe.notes()
            #expect(!early.isComplete)
            try probe.goOn(from: 0x1234)
            let late = try probe.notes()
            #expect(late.isComplete && late.noted(atMost: 9) == [32767])
            // Locks and notes are two things.
            let isLocked = try probe.tryLock(32767)
            #expect(isLocked)
        }
    }
}
