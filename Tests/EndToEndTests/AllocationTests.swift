import TestSupport
import Testing

/// That scanning a frame allocates nothing, counted in a program in which each call of malloc and its
/// kin is.
@Suite struct AllocationTests {
    @Test func `scanning a text allocates nothing once the scanner has seen one like it`() throws {
        let run = try Program.run([Product.path("Benchmarks"), "allocations"])
        try #require(run.status == 0, "\(run.errors)")
        var counts: [String: Int] = [:]
        for line in run.output.split(separator: "\n") {
            let parts = line.split(separator: ": ")
            if parts.count == 2 { counts[String(parts[0])] = Int(parts[1]) }
        }
        // Allocations are counted: a list is at least one.
        #expect((counts.removeValue(forKey: "a list of 100") ?? 0) > 0)
        // More keys than a scanner keeps memory for.
        let large = counts.filter { $0.key.contains("10,000") }
        #expect(large.count == 2 && large.values.allSatisfy { $0 > 0 }, "\(large)")
        let small = counts.filter { !$0.key.contains("10,000") }
        #expect(small.count == 9 && small.values.allSatisfy { $0 == 0 }, "\(small)")
    }
}
