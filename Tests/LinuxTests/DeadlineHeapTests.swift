import Linux
import TestSupport
import Testing

@Suite struct DeadlineHeapTests {
    /// Scans everything, and so cannot be wrong.
    private struct Model {
        var moments: [Int: (at: BootTime, turn: Int)] = [:]
        var turns = 0

        mutating func set(_ key: Int, at moment: BootTime) {
            if moments[key]?.at == moment { return }
            turns += 1
            moments[key] = (moment, turns)
        }

        mutating func popDue(at now: BootTime) -> Int? {
            let first = moments.min { ($0.value.at, $0.value.turn) < ($1.value.at, $1.value.turn) }
            guard let first, first.value.at <= now else { return nil }
            moments[first.key] = nil
            return first.key
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `it does what a list that is scanned does`(seed: UInt64) {
        var random = Seeded(seed)
        var (heap, model) = (DeadlineHeap<Int>(), Model())
        for _ in 0..<8000 {
            let key = Int.random(in: 0..<60, using: &random)
            let moment = BootTime.random(in: 0..<200, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4:
                heap.set(key, at: moment)
                model.set(key, at: moment)
            case 4:
                heap.set(key, at: nil)
                model.moments[key] = nil
            case 5:
                heap.remove(key)
                model.moments[key] = nil
            default: #expect(heap.popDue(at: moment) == model.popDue(at: moment))
            }
            #expect(heap.count == model.moments.count)
            #expect(heap.next == model.moments.values.map(\.at).min())
            #expect(heap[key] == model.moments[key]?.at)
        }
    }

    @Test func `a hundred thousand come out in order, without those that were removed`() {
        var random = Seeded(9)
        var heap = DeadlineHeap<Int>()
        var moments: [Int: BootTime] = [:]
        for key in 0..<100_000 {
            moments[key] = .random(in: 0..<1_000_000, using: &random)
            heap.set(key, at: moments[key])
        }
        for key in stride(from: 0, to: 100_000, by: 3) {
            moments[key] = key.isMultiple(of: 2) ? nil : .random(in: 0..<1_000_000, using: &random)
            heap.set(key, at: moments[key])
        }
        #expect(heap.count == moments.count)
        let half = heap.popAllDue(at: 500_000)
        #expect(half.count == moments.values.count { $0 <= 500_000 })
        let keys = half + heap.popAllDue(at: .max)
        #expect(Set(keys) == Set(moments.keys))
        let order = keys.map { moments[$0] ?? 0 }
        #expect(zip(order, order.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(heap.isEmpty && heap.next == nil)
    }

    @Test func `of equal moments the first that was set comes first`() {
        var heap = DeadlineHeap<String>()
        for key in ["c", "a", "d", "b"] { heap.set(key, at: 7) }
        // Set again to the same moment: it keeps its turn. Moved away and back: it has a new one.
        heap.set("c", at: 7)
        heap.set("a", at: 9)
        heap.set("a", at: 7)
        #expect(heap.popDue(at: 6) == nil)
        #expect(heap.popAllDue(at: 7) == ["c", "d", "b", "a"])
    }
}
