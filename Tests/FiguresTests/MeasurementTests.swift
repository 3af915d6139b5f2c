import Testing
import Wire

@testable import Figures

@Suite struct MeasurementTests {
    private func measurement(_ name: String, _ values: [Measurement.Figure]) -> Measurement {
        Measurement(name: name, unit: "ms", samples: 3, values: values)
    }

    @Test func `a measurement is one line with its ratios beside its values`() {
        var own = measurement("launch/corral", [("p50", 6), ("p99", 9)])
        own.relate(to: measurement("launch/bwrap", [("p50", 4), ("p99", 6)]))
        #expect(
            own.json.description
                == #"{"name":"launch/corral","unit":"ms","samples":3,"values":{"p50":6.0,"p99":9.0},"#
                + #""ratios":{"p50":1.5,"p99":1.5},"relativeTo":"launch/bwrap"}"#)
    }

    @Test func `what cannot be a ratio is none`() {
        var own = measurement("a", [("p50", 6), ("zero", 1), ("alone", 2)])
        own.relate(to: measurement("b", [("p50", 3), ("zero", 0)]))
        #expect(own.ratios.map(\.name) == ["p50"])
        #expect(own.ratios.map(\.value) == [2])
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `what is not finite is null`(value: Double) {
        #expect(measurement("a", [("x", value)]).json.description.contains(#""values":{"x":null}"#))
    }

    @Test func `what was left out says why`() {
        #expect(
            leftOut("runc", #"it says "no""#).description
                == #"{"leftOut":"runc","reason":"it says \"no\""}"#)
    }
}

@Suite struct MemoryTests {
    private static let rollup = Array(
        "5595-7ffe ---p 00:00 0    [rollup]\nRss:  1688 kB\nPss:\t  248 kB\n".utf8)

    @Test(
        arguments: [("Rss", 1688), ("Pss", 248), ("P", nil), ("Pss_Anon", nil), ("", nil)] as [(String, Int?)]
    )
    func `a line is found by its whole name`(name: String, expected: Int?) {
        #expect(MemoryText.kibibytes(name, in: Self.rollup) == expected)
    }

    private func meminfo(_ slab: Int, _ reclaimable: Int, _ rest: Int) -> [UInt8] {
        Array(
            """
            MemTotal: 100 kB
            Slab: 99999 kB
            SReclaimable: \(reclaimable) kB
            SUnreclaim: \(slab) kB
            KernelStack: \(rest) kB
            PageTables: \(rest) kB
            Percpu: \(rest) kB

            """.utf8)
    }

    @Test func `each gets its share of what the kernel grew by`() throws {
        let before = try #require(KernelMemory(meminfo: meminfo(1000, 500, 10)))
        let after = try #require(KernelMemory(meminfo: meminfo(1400, 460, 20)))
        let figures = after.figures(since: before, each: 4)
        #expect(figures.map(\.name) == ["slab", "stacks", "page tables", "percpu", "kernel", "reclaimable"])
        #expect(figures.map(\.value) == [100, 2.5, 2.5, 2.5, 107.5, -10])
    }

    @Test func `a kernel that tells less is not guessed at`() {
        #expect(KernelMemory(meminfo: Array("SUnreclaim: 5 kB\n".utf8)) == nil)
    }
}
