import Glibc
import Testing

@testable import Linux

@Suite struct ShortProgramTests {
    private static func shell(_ script: String) -> ShortProgram {
        ShortProgram(path: "/bin/sh", words: ["sh", "-c", script], environment: ["NAME=value"])
    }

    @Test func `status, output and errors are the program's own`() throws {
        let outcome = try Self.shell("echo $NAME; echo wrong >&2; cat; exit 3").run(timeout: 60_000)
        #expect(outcome == .init(status: 3, output: "value\n", errors: "wrong\n"))
        #expect(try Self.shell("kill -9 $$").run(timeout: 60_000).status == 137)
    }

    @Test func `the descriptors that are passed are 3 and so on, and no other is open`() throws {
        let pipe = try Pipe.make()
        try pipe.writing.writeAll(Array("passed\n".utf8))
        let script = "read line <&3; echo $line; true 2>/dev/null >&4 || echo none"
        let outcome = try Self.shell(script).run(timeout: 60_000, descriptors: [pipe.reading.number])
        #expect(outcome.output == "passed\nnone\n", "\(outcome.errors)")
    }

    @Test func `one that takes too long is killed with what it started`() throws {
        #expect(throws: SystemError("run", "/bin/sh", Errno(rawValue: ETIMEDOUT))) {
            try Self.shell("sleep 1000 & sleep 1000; wait").run(timeout: 100)
        }
    }

    @Test func `a program that is not there is an error`() {
        let program = ShortProgram(path: "/nonexistent", words: ["x"], environment: [])
        #expect(throws: SystemError("posix_spawn", "/nonexistent", .noSuchFileOrDirectory)) {
            try program.run(timeout: 1000)
        }
    }
}
