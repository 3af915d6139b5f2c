import Testing

@testable import Capture

@Suite struct RetentionTests {
    @Test(
        arguments: [
            (at: 0, window: Window(head: 0, tail: 0, position: 0)),
            (at: 10, window: Window(head: 0, tail: 0, position: 10)),
            (at: 11, window: Window(head: 0, tail: 1, position: 11)),
            (at: 1000, window: Window(head: 0, tail: 990, position: 1000)),
        ] as [(at: UInt64, window: Window)])
    func `a ring keeps the last bytes`(at position: UInt64, window: Window) {
        #expect(Retention.last(10).window(at: position, beside: 500) == window)
    }

    @Test(arguments: [
        (100, 0, Window(head: 0, tail: 0, position: 100)),
        (101, 0, Window(head: 25, tail: 26, position: 101)),
        (1000, 0, Window(head: 25, tail: 925, position: 1000)),
        (1000, 20, Window(head: 25, tail: 945, position: 1000)),
        (20, 1000, Window(head: 0, tail: 0, position: 20)),
        (1000, 1000, Window(head: 25, tail: 975, position: 1000)),
    ])
    func `of both streams the beginnings and the ends are kept`(
        position: UInt64, other: UInt64, window: Window
    ) {
        #expect(Retention.ends(100).window(at: position, beside: other) == window)
    }

    @Test func `both streams together never have more than the limit, and their bounds never move back`() {
        var broken: [String] = []
        for limit in [0, 1, 2, 3, 7, 30] as [UInt64] {
            for own in 0...70 as ClosedRange<UInt64> {
                for other in 0...70 as ClosedRange<UInt64> where !holds(.ends(limit), own, other) {
                    broken.append("limit \(limit), at \(own) and \(other)")
                }
            }
        }
        #expect(broken == [])
    }

    private func holds(_ rule: Retention, _ own: UInt64, _ other: UInt64) -> Bool {
        guard case .ends(let limit) = rule else { return false }
        let (one, two) = (rule.window(at: own, beside: other), rule.window(at: other, beside: own))
        let further = [rule.window(at: own + 1, beside: other), rule.window(at: own, beside: other + 1)]
        return one.kept + two.kept <= limit && one.kept + one.dropped == own
            && (one.dropped + two.dropped > 0) == rule.isExceeded(at: own, and: other)
            && further.allSatisfy { next in
                // What was dropped from the middle does not come back as part of the beginning.
                next.tail >= one.tail && next.head >= one.head && (one.dropped == 0 || next.head == one.head)
            }
    }

    @Test func `a place is kept, dropped, the end or beyond it`() {
        let window = Window(head: 5, tail: 8, position: 10)
        #expect(window.place(of: 0) == .kept(0..<5))
        #expect(window.place(of: 4) == .kept(4..<5))
        #expect(window.place(of: 5) == .dropped(5..<8))
        #expect(window.place(of: 7) == .dropped(7..<8))
        #expect(window.place(of: 8) == .kept(8..<10))
        #expect(window.place(of: 10) == .end)
        #expect(window.place(of: 11) == .beyond)
        #expect((window.kept, window.dropped, window.oldest) == (7, 3, 0))
        #expect(Window(head: 0, tail: 3, position: 4).oldest == 3)
    }
}

@Suite struct TimeIndexTests {
    private let second: UInt64 = 1_000_000_000

    private func index(_ entries: [(UInt64, UInt64)]) -> TimeIndex {
        var index = TimeIndex()
        for (time, offset) in entries { _ = index.note(time * second, at: offset, oldest: 0) }
        return index
    }

    @Test func `a byte has the last time noted before it`() {
        let index = index([(1, 0), (5, 100), (9, 300)])
        #expect(
            [0, 99, 100, 299, 300, 900].map { index.time(of: $0).map { $0 / second } } == [1, 1, 5, 5, 9, 9])
        #expect(TimeIndex().time(of: 0) == nil)
    }

    @Test func `what came since a time is never missed`() {
        let index = index([(1, 0), (5, 100), (9, 300)])
        let found = [0, 1, 4, 5, 8, 9].map { index.offset(since: $0 * second, position: 400) }
        #expect(found == [0, 0, 0, 100, 100, 300])
        #expect(index.offset(since: 10 * second, position: 400) == 400)
        #expect(index.offset(since: 9 * second + TimeIndex.grain - 1, position: 400) == 300)
    }

    @Test func `a time at which nothing came is replaced, and one close to the last is not noted`() {
        var index = index([(1, 0)])
        #expect(index.note(2 * second, at: 0, oldest: 0) == .entry(0))
        #expect(index.note(2 * second + 1, at: 10, oldest: 0) == .none)
        #expect(index.note(1 * second, at: 10, oldest: 0) == .none)
        #expect(index.note(3 * second, at: 10, oldest: 0) == .entry(1))
        #expect(index.entries.map(\.time) == [2 * second, 3 * second])
    }

    @Test func `a full index gives up times that are close together, and keeps a line that stands alone`() {
        var index = TimeIndex()
        _ = index.note(second, at: 0, oldest: 0)
        _ = index.note(1_000 * second, at: 50, oldest: 0)
        for step in 0..<5_000 as Range<UInt64> {
            _ = index.note(2_000 * second + step * TimeIndex.grain * 10, at: 100 + step, oldest: 0)
        }
        #expect(index.entries.count == TimeIndex.most)
        #expect(index.time(of: 50) == 1_000 * second)
        // The burst of 50 s is known to within its share of the places.
        for step in stride(from: 0 as UInt64, to: 5_000, by: 7) {
            let real = 2_000 * second + step * TimeIndex.grain * 10
            let known = index.time(of: 100 + step) ?? 0
            #expect(known <= real && real - known < second)
        }
    }

    @Test func `times of bytes that are gone go first`() {
        var index = TimeIndex()
        for step in 0..<UInt64(TimeIndex.most) {
            _ = index.note((step + 1) * second, at: step * 10, oldest: 0)
        }
        #expect(index.note(900 * second, at: 9_000, oldest: 1_005) == .all)
        #expect(index.entries.first == TimeIndex.Entry(time: 101 * second, offset: 1_000))
        #expect(index.entries.count == TimeIndex.most - 100 + 1)
    }

    @Test func `it is the same after it was stored, whole or by its parts`() {
        var index = index([(1, 0), (5, 100)])
        var stored = index.bytes
        #expect(stored.count == TimeIndex.size)
        guard case .entry(let number) = index.note(9 * second, at: 300, oldest: 0) else {
            Issue.record("the third time is not an entry of its own")
            return
        }
        stored.replaceSubrange(
            TimeIndex.place(of: number)..<TimeIndex.place(of: number) + 16, with: index.bytes(of: number))
        #expect(stored == index.bytes)
        #expect(TimeIndex(stored, position: 400) == index)
    }

    @Test func `what cannot be true of the stream is not taken`() {
        let stored = index([(1, 0), (5, 100), (9, 300)]).bytes
        #expect(TimeIndex(stored, position: 299).entries.count == 2)
        #expect(TimeIndex([], position: 299).entries.isEmpty)
        #expect(TimeIndex([UInt8](repeating: 255, count: 4096), position: 299).entries.isEmpty)
        #expect(TimeIndex(Array(stored.prefix(40)), position: 400).entries.count == 1)
        let backwards = index([(5, 100)]).bytes.prefix(32) + index([(4, 200)]).bytes[16..<32]
        #expect(TimeIndex(Array(backwards), position: 400).entries.count == 1)
    }
}
