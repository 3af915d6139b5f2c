import Preparation
import TestSupport
import Testing

@testable import Commands

/// What `profile path` prints.
@Suite struct ProfilePathsTests {
    @Test func `directories that are not there are said so`() throws {
        let place = try TemporaryDirectory()
        let directories = ProfileDirectories(
            ProfileDirectory.Owner.allCases.map { ProfileDirectory(owner: $0, path: place($0.rawValue)) })
        try place.write("shipped/x.yaml", "")
        let lines = try ProfilePaths(directories).lines
        #expect(lines.filter { $0.hasSuffix("(not there)") }.count == 2)
        #expect(lines.last == "    x")
    }
}
