import Access
import Testing

struct TokenFailuresTests {
    private let second: UInt64 = 1_000_000_000

    @Test func `of ten thousand wrong tokens in a second a few are recorded, and all are counted`() {
        var failures = TokenFailures()
        var recorded: UInt64 = 0
        for index in 0..<10_000 as Range<UInt64> {
            if case .recorded = failures.add(from: [127, 0, 0, 1], at: index * second / 10_000) {
                recorded += 1
            }
        }
        #expect(recorded == TokenFailures.burst)
        #expect(failures.total == 10_000)
        // The next one that is recorded tells of those before.
        #expect(
            failures.add(from: [127, 0, 0, 1], at: 3 * second)
                == .recorded(before: 10_000 - TokenFailures.burst))
        #expect(failures.add(from: [127, 0, 0, 1], at: 4 * second) == .recorded(before: 0))
    }

    @Test func `one address takes nothing from another`() {
        var failures = TokenFailures()
        for _ in 0..<100 { _ = failures.add(from: [10, 0, 0, 1], at: 0) }
        #expect(failures.add(from: [10, 0, 0, 1], at: 0) == .counted(wait: 1))
        #expect(failures.add(from: [10, 0, 0, 2], at: 0) == .recorded(before: 0))
    }

    @Test func `an address has all of it again when it was quiet for long enough`() {
        var failures = TokenFailures()
        for _ in 0..<100 { _ = failures.add(from: [1], at: 0) }
        let later = (TokenFailures.burst + 1) * second
        var recorded: UInt64 = 0
        for _ in 0..<100 { if case .recorded = failures.add(from: [1], at: later) { recorded += 1 } }
        #expect(recorded == TokenFailures.burst)
    }

    @Test func `many addresses take bounded memory, and share what is left`() {
        var failures = TokenFailures()
        var recorded = 0
        for index in 0..<100_000 {
            let origin = (0..<4).map { UInt8(truncatingIfNeeded: index >> ($0 * 8)) }
            if case .recorded = failures.add(from: origin, at: 0) { recorded += 1 }
        }
        #expect(recorded == TokenFailures.mostAddresses + Int(TokenFailures.burst))
        // Those that are quiet make room.
        #expect(failures.add(from: [9, 9, 9, 9, 9], at: 60 * second) == .recorded(before: 0))
    }
}
