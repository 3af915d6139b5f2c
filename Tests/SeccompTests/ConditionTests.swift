import Testing

@testable import Seccomp

@Suite struct ConditionTests {
    private static let tests: [Condition.Test] = (0...5).flatMap { (value: UInt64) -> [Condition.Test] in
        [
            .notEqual(value), .less(value), .lessOrEqual(value), .equal(value), .greaterOrEqual(value),
            .greater(value), .masked(mask: 3, bits: value), .masked(mask: 6, bits: value),
        ]
    }.filter { !$0.isImpossible }

    @Test func `two conditions that exclude each other never both hold`() {
        var excluding = 0
        for first in Self.tests {
            for second in Self.tests where first.excludes(second) {
                excluding += 1
                for value in UInt64(0)...16 {
                    #expect(
                        !(first.holds(for: value) && second.holds(for: value)), "\(first) \(second) \(value)")
                }
            }
        }
        #expect(excluding > 100)
    }

    @Test(
        arguments: [
            (Condition.Test.equal(3), .notEqual(3)), (.less(3), .greaterOrEqual(3)),
            (.masked(mask: 2, bits: 2), .masked(mask: 6, bits: 0)), (.equal(2), .masked(mask: 2, bits: 0)),
            (.lessOrEqual(7), .masked(mask: 8, bits: 8)),
        ] as [(Condition.Test, Condition.Test)])
    func `the usual pairs are known to exclude each other`(first: Condition.Test, second: Condition.Test) {
        #expect(first.excludes(second))
        #expect(second.excludes(first))
    }
}
