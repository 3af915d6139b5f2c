import TestSupport
import Testing

/// The files below `directory` whose names end in one of `endings`.
private func sources(in directory: String, _ endings: [String]) -> [SourceFile] {
    File.names(in: Repository.path(directory)).flatMap { name -> [SourceFile] in
        let path = "\(directory)/\(name)"
        if endings.contains(where: { name.hasSuffix($0) }) {
            return File.text(Repository.path(path)).map { [SourceFile(path, $0)] } ?? []
        }
        return sources(in: path, endings)
    }
}

@Suite struct SourceTests {
    private let code = sources(in: "Sources", [".swift", ".c", ".h"])
    private let rest =
        sources(in: "Tests", [".swift"]) + sources(in: "scripts", [".sh"]) + sources(in: "examples", [".py"])

    @Test func `the source tree was read`() {
        #expect(code.contains { $0.path == "Sources/CLinux/start.c" })
        #expect(code.contains { $0.path == "Sources/Linux/Errno.swift" })
        #expect(rest.contains { $0.path == "examples/hostile/hostile.py" })
    }

    @Test func `no file has more than 600 lines`() {
        #expect((code + rest).flatMap { $0.tooLong() } == [])
    }

    @Test func `no function has more than 60 lines`() {
        #expect(code.flatMap { $0.longFunctions() } == [])
    }

    @Test func `no source contains what the project does without`() {
        #expect(code.flatMap { $0.forbiddenText() } == [])
    }

    @Test func `every source says what it is for`() {
        #expect(code.flatMap { $0.unexplained() } == [])
    }
}

/// The rules themselves, on files that they must and must not complain about.
@Suite struct SourceCheckTests {
    private func swift(_ text: String) -> SourceFile { SourceFile("A.swift", text) }

    private func body(_ count: Int, _ indent: String) -> String {
        String(repeating: "\(indent)x()\n", count: count)
    }

    @Test func `a long file is named with its length`() {
        let text = String(repeating: "x\n", count: 601)
        #expect(swift(text).tooLong() == ["A.swift has 601 lines, at most 600 are allowed"])
        #expect(swift(String(text.dropLast(2))).tooLong() == [])
    }

    @Test(arguments: ["func f() {", "func f(\n        a: Int\n    ) -> Int {", "init() {"])
    func `a long function is named with its place`(signature: String) {
        func type(_ count: Int) -> SourceFile {
            swift("struct A {\n    \(signature)\n\(body(count, "        "))    }\n}\n")
        }
        let rest = 60 - signature.split(separator: "\n").count
        let sentence = "A.swift:2: a function of 61 lines, at most 60 are allowed"
        #expect(type(rest).longFunctions() == [sentence])
        #expect(type(rest - 1).longFunctions() == [])
    }

    @Test func `a requirement of a protocol has no body to measure`() {
        let long = "struct A {\n\(body(90, "    "))}\n"
        #expect(swift("protocol P {\n    func f()\n}\n\(long)").longFunctions() == [])
    }

    @Test(arguments: ["int f(int a) {", "int f(\n    int a) {"])
    func `a long C function is named with its place`(signature: String) {
        let rest = 60 - signature.split(separator: "\n").count
        let text = "\(signature)\n\(body(rest, "    "))}\n"
        let sentence = "a.c:1: a function of 61 lines, at most 60 are allowed"
        #expect(SourceFile("a.c", text).longFunctions() == [sentence])
    }

    @Test(arguments: SourceFile.forbidden.map(\.text))
    func `forbidden text is named with its place`(text: String) {
        let found = swift("let a = 1\n  \(text) b\n").forbiddenText()
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("A.swift:2: \(text): ") == true)
    }

    @Test func `a file without a comment is named`() {
        let sentence = "A.swift does not say in its first 40 lines what it is for"
        #expect(swift("import Glibc\n//\nstruct A {}\n").unexplained() == [sentence])
        #expect(swift("import Glibc\nlet a = 1\n").unexplained() == [])
        #expect(swift("import Glibc\n\n/// What it is.\nstruct A {}\n").unexplained() == [])
    }
}
