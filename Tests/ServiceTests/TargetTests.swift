import Testing

@testable import Service

@Suite struct TargetTests {
    @Test func `a target is split`() throws {
        #expect(try Target(parsing: Array("/a/b".utf8)).segments == ["a", "b"])
    }
}
