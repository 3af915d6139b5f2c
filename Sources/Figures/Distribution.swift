/// Durations of the same thing, and what is told of them.
///
/// Percentiles are by nearest rank: the smallest of the values that at least that share of all does
/// not exceed. So each figure is one that was measured, and p99 of fewer than 100 is the largest.
package struct Distribution: Hashable, Sendable {
    private let sorted: [UInt64]

    /// Nil for no values.
    package init?(_ values: [UInt64]) {
        if values.isEmpty { return nil }
        sorted = values.sorted()
    }

    package var count: Int { sorted.count }

    /// - Parameter percent: 0 for the smallest, 100 for the largest.
    package func percentile(_ percent: Int) -> UInt64 {
        precondition((0...100).contains(percent), "a percentile is a share of all")
        return sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
    }

    /// The figures that tables have, in units of `unit` values.
    package func figures(per unit: Double) -> [(name: String, value: Double)] {
        [("min", 0), ("p50", 50), ("p90", 90), ("p99", 99)].map { ($0, Double(percentile($1)) / unit) }
    }
}

/// The middle value; of an even number the upper of the two. Nil for none.
package func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
}
