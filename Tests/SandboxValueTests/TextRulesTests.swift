import Testing

@testable import Sandbox

@Suite struct TextRulesTests {
    @Test(arguments: [
        "/a", "/usr/bin", "/a.b/..c/...", "/\u{301}x", "/" + String(repeating: "a", count: 255),
    ])
    func `a path in normal form passes`(path: String) throws { try checkPath(path) }

    @Test(arguments: [
        ("", "is not an absolute path"), ("a", "is not an absolute path"), ("/", "is the root"),
        ("//a", "not in normal form"), ("/a/", "not in normal form"), ("/a//b", "not in normal form"),
        ("/a/./b", "not in normal form"), ("/a/..", "not in normal form"), ("/a\0b", "control character"),
        ("/a\r\nb", "control character"), ("/" + String(repeating: "a", count: 256), "a part of 256 bytes"),
        (String(repeating: "/abcdefgh", count: 456), "is 4104 bytes long; expected at most 4095"),
    ])
    func `any other path is refused with the reason`(path: String, reason: String) {
        let error = #expect(throws: ValueError.self) { try checkPath(path) }
        #expect(error?.problem.contains(reason) == true)
        // Whatever was given, the message stays short and on one line.
        #expect((error?.problem.utf8.count ?? 0) < 600)
        #expect(error?.problem.utf8.contains { $0 < 0x20 } == false)
    }

    @Test func `below means a longer path, part by part and byte by byte`() {
        #expect(isBelow("/usr/bin", "/usr"))
        #expect(!isBelow("/usr", "/usr"))
        #expect(!isBelow("/usrx", "/usr"))
        // To Swift's characters the slash before an accent is another one.
        #expect(isBelow("/usr/\u{301}x", "/usr"))
    }

    @Test func `an assignment is split at its first equals sign`() throws {
        #expect(try EnvironmentVariable(assignment: "A=b=c") == EnvironmentVariable(name: "A", value: "b=c"))
        #expect(try EnvironmentVariable(assignment: "_1=") == EnvironmentVariable(name: "_1", value: ""))
        #expect(throws: ValueError("\"A\" has no =; expected NAME=value")) {
            try EnvironmentVariable(assignment: "A")
        }
        for text in ["=b", "1A=b", "A B=c", "É=c", "A=\0"] {
            #expect(throws: ValueError.self, "\(text)") { try EnvironmentVariable(assignment: text) }
        }
        // An accent after the sign makes it another character to Swift, not to execve(2).
        #expect(try EnvironmentVariable(assignment: "A=\u{301}").value == "\u{301}")
    }

    @Test(arguments: ["", "A", "a/b", "a.b", "..", String(repeating: "a", count: 65), "é"])
    func `a bad name is refused`(name: String) {
        #expect(throws: ValueError.self) { try checkSimpleName(name) }
    }

    @Test func `quoted text has no control characters and an end`() {
        #expect(quoted("a\"b\\c\n\u{202e}") == #""a\"b\\c\u{a}\u{202e}""#)
        #expect(
            quoted(String(repeating: "x", count: 100)) == "\"" + String(repeating: "x", count: 80) + "\"...")
    }
}

@Suite struct NearestMatchTests {
    private let names = ["memory", "swap", "pids", "cpus", "open_files", "file_size", "stack", "timeout"]

    @Test(arguments: [
        ("memroy", "memory"), ("Memory", "memory"), ("pid", "pids"), ("cpu", "cpus"), ("timeuot", "timeout"),
        ("openfiles", "open_files"), ("mem", "memory"), ("filesize", "file_size"),
    ])
    func `a slip leads to the name that was meant`(word: String, expected: String) {
        #expect(nearestMatch(to: word, in: names) == expected)
    }

    @Test(arguments: ["", "x", "network", "zzzz", "s", String(repeating: "memory", count: 20)])
    func `a word that is near nothing leads nowhere`(word: String) {
        #expect(nearestMatch(to: word, in: names) == nil)
    }

    @Test func `a beginning of two names leads to neither`() {
        #expect(nearestMatch(to: "cgroup", in: ["memory", "swap"]) == nil)
    }

    @Test func `of two equally near names the first is taken`() {
        #expect(nearestMatch(to: "bat", in: ["cat", "hat"]) == "cat")
    }
}
