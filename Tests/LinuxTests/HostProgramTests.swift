import CLinux
import Glibc
import Testing

@testable import Linux

@Suite struct HostProgramTests {
    private static func shell(_ script: String) -> HostProgram {
        HostProgram(path: "/bin/sh", words: ["sh", "-c", script], environment: ["NAME=value"])
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
        let program = HostProgram(path: "/nonexistent", words: ["x"], environment: [])
        #expect(throws: SystemError("posix_spawn", "/nonexistent", .noSuchFileOrDirectory)) {
            try program.run(timeout: 1000)
        }
    }

    @Test func `what leads a session is in none of ours, and what leads a group is in our session`() throws {
        for (leads, isOurs) in [(HostProgram.Leads.session, false), (.group, true)] {
            var program = Self.shell("ps -o pid=,pgid=,sid= -p $$ >&3")
            program.environment = ["PATH=/usr/bin:/bin"]
            program.leads = leads
            let file = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("ids", 0) })
            let pid = try program.start([file.number, file.number, file.number, file.number])
            var status: CInt = 0
            #expect(unsafe waitpid(pid, &status, 0) == pid && status == 0)
            _ = lseek(file.number, 0, SEEK_SET)
            let text = String(decoding: try file.readAll(limit: 1000), as: UTF8.self)
            let ids = text.split { $0 == " " || $0 == "\n" }.compactMap { Int32($0) }
            #expect(ids == [pid, pid, isOurs ? getsid(0) : pid], "\(text)")
        }
    }

    @Test func `it works where it is told to, and takes sixteen descriptors at most`() throws {
        var program = Self.shell("pwd")
        program.directory = "/usr"
        #expect(try program.run(timeout: 60_000).output == "/usr\n")
        #expect(throws: SystemError("posix_spawn", "/bin/sh", .invalidArgument)) {
            _ = try program.start(Array(repeating: 0, count: 17))
        }
    }
}
