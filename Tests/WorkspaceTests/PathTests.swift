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
        #expect(path.isRoot == (normal == "."))
    }

    @Test(arguments: [
        ("", WorkspaceError.PathProblem.empty), ("/", .absolute), ("/etc/passwd", .absolute),
        ("//a", .absolute), ("..", .parent), ("a/../b", .parent), ("../../etc/passwd", .parent),
        ("a/..", .parent),
        ("./..", .parent), ("a\0b", .nul), ("\0", .nul), (String(repeating: "n", count: 256), .nameTooLong),
        ("a/\(String(repeating: "ä", count: 128))/b", .nameTooLong),
        (String(repeating: "a/", count: 2500), .tooLong),
    ])
    func `each other text has an error of its own`(text: String, problem: WorkspaceError.PathProblem) {
        let error = #expect(throws: WorkspaceError.self) { try WorkspacePath(text) }
        #expect(error?.code == .path(problem))
        #expect(error?.problem.contains("path") == true)
        // Fit for one line of a log, however long the path was.
        let line = error?.description ?? ""
        #expect(line.utf8.count < 2500 && !line.utf8.contains(10) && !line.utf8.contains(0))
    }

    @Test func `the bounds themselves are within`() throws {
        #expect(try WorkspacePath(String(repeating: "n", count: 255)).names.count == 1)
        #expect(try WorkspacePath(String(repeating: "a/", count: 2047) + "b").names.count == 2048)
        #expect(throws: WorkspaceError.self) { try WorkspacePath(String(repeating: "a/", count: 2048)) }
    }

    @Test(
        arguments: [[0xFF], [0x61, 0x2F, 0xC3], [0xC0, 0xAE, 0xC0, 0xAE], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        let error = #expect(throws: WorkspaceError.self) { try WorkspacePath(bytes) }
        #expect(error?.code == .path(.notUTF8))
    }

    @Test(arguments: ["", "0", "6", "zz", "61g1", "6A", String(repeating: "61", count: 256)])
    func `a cursor that no listing gave is refused`(text: String) {
        let error = #expect(throws: WorkspaceError.self) { try ListCursor(text) }
        #expect(error?.code == .invalid)
    }
}
