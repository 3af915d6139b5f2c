import Launch
import Sandbox
import Testing

@Suite struct IdentityRangeTests {
    private func ids(_ identity: Identity) -> [UInt32] {
        guard case .pair(let first, let second) = identity else { return [] }
        return [first, second]
    }

    @Test(
        arguments: [
            (200_000...265_535, 0..<32_768, 0), (200_000...200_001, 0..<1, 0),
            (300_000...300_999, 17_232..<17_732, 0),
            (200_001...200_004, 1..<2, 1), (134_464...134_467, 0..<2, 0), (1000...1003, 31_572..<31_574, 0),
        ] as [(ClosedRange<UInt64>, Range<Int>, UInt64)])
    func `a range is the slots whose two ids it has`(
        range: ClosedRange<UInt64>, slots: Range<Int>, odd: UInt64
    )
        throws
    {
        let found = try IdentityRange(ids: range)
        #expect(found.slots == slots)
        #expect(ids(found.identity(slots.lowerBound)).first == UInt32(range.lowerBound + odd))
        #expect(ids(found.identity(slots.upperBound - 1)).allSatisfy { range.contains(UInt64($0)) })
    }

    @Test func `one id is one slot, whoever has which range`() throws {
        var generator = SystemRandomNumberGenerator()
        var slots: [UInt32: Int] = [:]
        for _ in 0..<2000 {
            let first = UInt64.random(in: 190_000...340_000, using: &generator)
            guard let range = try? IdentityRange(ids: first...first + 9) else { continue }
            for slot in range.slots {
                for id in ids(range.identity(slot)) {
                    #expect(slots[id, default: slot] == slot, "\(id)")
                    slots[id] = slot
                }
            }
        }
        #expect(slots.count > 1000)
    }

    @Test(
        arguments: [
            (
                260_000...270_000,
                "goes past 265535; expected ids of one block, such as 260000-265535 or 265536-331071"
            ),
            (200_001...200_002, "has no two ids of one slot"), (0...9, "expected 1 to 4294967293"),
            (4_294_967_290...4_294_967_294, "expected 1 to 4294967293"),
        ] as [(ClosedRange<UInt64>, String)])
    func `what is no range of slots is told with one that is`(range: ClosedRange<UInt64>, text: String) {
        let error = #expect(throws: ValueError.self) { try IdentityRange(ids: range) }
        #expect(error?.problem.contains(text) == true, "\(error?.problem ?? "")")
    }
}
