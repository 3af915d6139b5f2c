/// A comparison of one argument, as 64-bit unsigned numbers.
package struct Condition: Hashable, Sendable {
    package enum Test: Hashable, Sendable {
        case notEqual(UInt64)
        case less(UInt64)
        case lessOrEqual(UInt64)
        case equal(UInt64)
        case greaterOrEqual(UInt64)
        case greater(UInt64)
        /// The bits of `mask` have the values they have in `bits`.
        case masked(mask: UInt64, bits: UInt64)
    }

    /// Which argument, from 0 to 5.
    package let argument: UInt32
    package let test: Test
}

extension Condition.Test {
    /// Whether a value passes.
    package func holds(for value: UInt64) -> Bool {
        switch self {
        case .notEqual(let other): value != other
        case .less(let bound): value < bound
        case .lessOrEqual(let bound): value <= bound
        case .equal(let other): value == other
        case .greaterOrEqual(let bound): value >= bound
        case .greater(let bound): value > bound
        case .masked(let mask, let bits): value & mask == bits
        }
    }

    /// Whether no value passes.
    var isImpossible: Bool {
        switch self {
        case .less(let bound): bound == 0
        case .greater(let bound): bound == .max
        case .masked(let mask, let bits): bits & ~mask != 0
        case .notEqual, .lessOrEqual, .equal, .greaterOrEqual: false
        }
    }

    /// Whether it is certain that no value passes both. False may mean that it is only not certain.
    func excludes(_ other: Self) -> Bool {
        if !range.overlaps(other.range) { return true }
        let (mine, theirs) = (knownBits, other.knownBits)
        if mine.mask & theirs.mask & (mine.bits ^ theirs.bits) != 0 { return true }
        return switch (self, other) {
        case (.equal(let a), .notEqual(let b)), (.notEqual(let a), .equal(let b)): a == b
        default: false
        }
    }

    /// A range that holds every value that passes, none being impossible.
    private var range: ClosedRange<UInt64> {
        switch self {
        case .notEqual: 0...UInt64.max
        case .less(let bound): 0...(bound &- 1)
        case .lessOrEqual(let bound): 0...bound
        case .equal(let value): value...value
        case .greaterOrEqual(let bound): bound...UInt64.max
        case .greater(let bound): (bound == .max ? bound : bound + 1)...UInt64.max
        case .masked(let mask, let bits): bits...(bits | ~mask)
        }
    }

    private var knownBits: (mask: UInt64, bits: UInt64) {
        switch self {
        case .equal(let value): (.max, value)
        case .masked(let mask, let bits): (mask, bits)
        default: (0, 0)
        }
    }
}
