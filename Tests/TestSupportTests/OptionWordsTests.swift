import Testing

@testable import TestSupport

/// The command lines of the programs that the tests start.
@Suite struct OptionWordsTests {
    @Test func `options come with their values, one after the other`() throws {
        var words = OptionWords(["--count", "3", "--fast", "yes"])
        let count = try words.next()
        #expect(count?.name == "--count")
        #expect(try count?.number() == 3)
        #expect(try words.next()?.flag() == true)
        #expect(try words.next()?.name == nil)
    }

    @Test func `what is wrong with a value is told with its option`() throws {
        var words = OptionWords(["--count", "many", "--fast", "perhaps", "--last"])
        let count = try words.next()
        let problem = #expect(throws: OptionWords.Problem.self) {
            let _: Int = try count?.number() ?? 0
        }
        #expect(problem?.description == "--count: many is no number")
        let fast = try words.next()
        #expect(throws: OptionWords.Problem.self) { try fast?.flag() }
        #expect(fast?.unknown.description == "unknown option --fast")
        #expect(throws: OptionWords.Problem.self) { try words.next() }
    }

    @Test func `the same seed gives the same numbers`() {
        var (one, same, other) = (Seeded(7), Seeded(7), Seeded(8))
        let numbers = (0..<20).map { _ in one.next() }
        #expect(numbers == (0..<20).map { _ in same.next() })
        #expect(numbers != (0..<20).map { _ in other.next() })
    }
}
