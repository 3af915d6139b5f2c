import Testing
import Workspace

/// What is a path of a workspace's, and what each other text is refused for.
@Suite struct PathTests {
    @Test(arguments: [
        ("a", "a", false), ("a/b", "a/b", false), ("./a", "a", false), ("a//b", "a/b", false),
        ("a/", "a", true), ("a/.", "a", true), (".", ".", true), ("./", ".", true), ("a/./b", "a/b", false),
        ("...", "...", false), ("a/..b", "a/..b", false), ("a\nb", "a\nb", false), ("ä", "ä", false),
        (".a", ".a", false), ("a.", "a.", false),
    ])
    func `what means the same is the same path`(text: String, normal: String, isDirectory: Bool) throws {
        let path = try WorkspacePath(text)
        #expect(path.description == normal)
        #expect(path.isDirectory == isDirectory)
    }
}
