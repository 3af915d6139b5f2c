import Glibc
import Linux
import Testing

@testable import TestSupport

@Suite struct ProgramTests {
    @Test func `status and output of a program are its own`() throws {
        let outcome = try Program.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
        #expect(outcome.status == 7)
        #expect(outcome.signal == nil)
        #expect(outcome.output == "out\n")
        #expect(outcome.errors == "err\n")
        #expect(!outcome.timedOut && !outcome.outputHeldOpen)
    }

    @Test func `the signal that ended a program is told from an exit`() throws {
        let outcome = try Program.run(["sh", "-c", "kill -KILL $$"])
        #expect(outcome.status == nil)
        #expect(outcome.signal == 9)
    }

    @Test func `more input and output than a pipe holds goes through`() throws {
        let bytes = [UInt8](repeating: 0x61, count: 3_000_000)
        let outcome = try Program.run(["cat"], stdin: bytes)
        #expect(outcome.stdout == bytes)
    }

    @Test func `a program that does not read its input ends all the same`() throws {
        let outcome = try Program.run(["true"], stdin: [UInt8](repeating: 0x61, count: 1_000_000))
        #expect(outcome.status == 0)
    }

    @Test func `a program without input reads the end of it at once`() throws {
        #expect(try Program.run(["wc", "-c"]).output == "0\n")
    }

    @Test func `a program that takes too long is killed with what it started`() throws {
        let outcome = try Program.run(["sh", "-c", "sleep 1000 & echo $!; sleep 1000"], timeout: 3)
        #expect(outcome.timedOut)
        #expect(outcome.signal == 9)
        #expect(outcome.elapsed < 60 * Host.patience)
        let left = outcome.output.dropLast()
        #expect(eventually { !File.exists("/proc/\(left)") })
    }

    @Test func `a daemon that keeps the output open does not hold the caller up`() throws {
        let outcome = try Program.run(["sh", "-c", "sleep 1000 & echo $!"], timeout: 300)
        defer { if let left = pid_t(outcome.output.dropLast()) { kill(left, SIGKILL) } }
        #expect(outcome.status == 0)
        #expect(outcome.outputHeldOpen)
        #expect(outcome.elapsed < 60 * Host.patience)
    }

    @Test func `a missing program is an error that names it`() {
        let error = #expect(throws: SystemError.self) { try Program.run(["/nonexistent/program"]) }
        #expect(error?.subject == "/nonexistent/program")
        #expect(error?.errno == .noSuchFileOrDirectory)
    }

    @Test func `nothing but the descriptors given is inherited`() throws {
        let pipe = try Pipe.make()
        let listing = ["sh", "-c", "ls /proc/$$/fd"]
        #expect(try Program.run(listing).output == "0\n1\n2\n")
        #expect(try Program.run(listing, descriptors: [pipe.writing.number]).output == "0\n1\n2\n3\n")
    }

    @Test func `environment and directory are the ones given`() throws {
        let environment = ["PATH": "/usr/bin:/bin", "A": "b=c"]
        let program = ["sh", "-c", "echo \"$A,$LANG,$HOME\"; pwd"]
        let outcome = try Program.run(program, environment: environment, directory: "/usr")
        #expect(outcome.output == "b=c,,\n/usr\n")
    }

    @Test(.enabled(if: Host.isRoot, "only root can become another user"))
    func `a program can run as another user without groups`() throws {
        let outcome = try Program.run(["sh", "-c", "id -u; id -g; id -G"], uid: Host.ordinaryUser)
        #expect(outcome.output == "65534\n65534\n65534\n")
    }

    @Test func `a running program is watched, signalled and waited for`() throws {
        let program = try Program([
            "sh", "-c", "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done",
        ])
        .start()
        #expect(try program.waitForText("ready"))
        #expect(try !program.waitForText("never", within: 0.05))
        try program.signal(15)
        let outcome = try program.wait()
        #expect(outcome.status == 3)
        #expect(outcome.output == "ready\nbye\n")
    }

    @Test func `a running program dies with its last reference`() throws {
        var program: RunningProgram? = try Program(["sleep", "1000"]).start()
        let pid = try #require(program?.pid)
        #expect(File.exists("/proc/\(pid)"))
        program = nil
        #expect(!File.exists("/proc/\(pid)"))
    }
}
