import Testing

@testable import Figures

@Suite struct DistributionTests {
    @Test(
        arguments: [
            (1...1, 0, 1), (1...1, 50, 1), (1...1, 100, 1),
            (1...2, 50, 1), (1...2, 51, 2), (1...2, 99, 2),
            (1...100, 0, 1), (1...100, 1, 1), (1...100, 50, 50), (1...100, 99, 99), (1...100, 100, 100),
            (1...101, 50, 51), (1...101, 99, 100), (1...300, 99, 297),
        ] as [(ClosedRange<UInt64>, Int, UInt64)])
    func `a percentile is the smallest value that that share does not exceed`(
        values: ClosedRange<UInt64>, percent: Int, expected: UInt64
    ) throws {
        let distribution = try #require(Distribution(values.shuffled()))
        #expect(distribution.percentile(percent) == expected)
        #expect(distribution.count == values.count)
    }

    @Test func `nothing has no figures`() {
        #expect(Distribution([]) == nil)
        #expect(median([]) == nil)
    }

    @Test(arguments: [([3], 3), ([3, 1], 3), ([5, 1, 3], 3), ([4, 1, 3, 2], 3)] as [([Double], Double)])
    func `the median is the middle one`(values: [Double], expected: Double) {
        #expect(median(values) == expected)
    }

    @Test func `figures are in the unit asked for`() throws {
        let figures = try #require(Distribution([1_000_000, 2_500_000])).figures(per: 1e6)
        #expect(figures.map(\.name) == ["min", "p50", "p90", "p99"])
        #expect(figures.map(\.value) == [1, 1, 2.5, 2.5])
    }
}
