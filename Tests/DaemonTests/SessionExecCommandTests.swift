import Glibc
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct SessionExecCommandTests {
    @Test func `output and errors arrive apart and at once, and the exit code is the program's`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        let ended = try daemon.corral("exec", "b", "--", "sh", "-c", "printf out; printf err >&2; exit 7")
        #expect(ended.status == 7 && ended.output == "out" && ended.errors == "err")
        // The beginning of an id is enough, and the middle of a character is no end.
        let prefix = String(id.prefix(8))
        #expect(try daemon.corral("exec", prefix, "printf", #"\303"#).stdout == [0xC3])
        let live = try daemon.begin(
            "exec", "b", "sh", "-c", "echo one; until [ -e /tmp/go ]; do sleep 0.05; done; echo two")
        #expect(try live.waitForText("one\n", within: 60))
        try daemon.exec(id, "touch /tmp/go")
        #expect(try live.wait(timeout: 60).output == "one\ntwo\n")
    }

    private static let refusals: [(words: [String], code: CInt, says: String)] = [
        (["b", "sh", "-c", "kill -9 $$"], 137, ""), (["b", "sh", "-c", "kill -TERM $$"], 143, ""),
        (["--timeout", "300ms", "b", "sleep", "600"], 124, "ended by its time limit"),
        (["b", "/no/such"], 127, "could not be started"),
        (["b", "/etc/passwd"], 126, "could not be started"),
        (["-w", "/no/such", "b", "true"], 125, "cwd"), (["nobody", "true"], 125, "nobody"),
        (["", "true"], 125, "SESSION is empty"), (["b"], 125, "COMMAND is missing"),
        (["--shell", "true", "b", "true"], 125, "--shell"), (["--script", "/no/such", "b"], 125, "/no/such"),
        (["--timeout", "soon", "b", "true"], 125, "--timeout: \"soon\""),
        (["-e", "=x", "b", "true"], 125, "--env"), (["--detach-keys", "ctrl", "b", "true"], 125, "no key"),
        (["-di", "b", "true"], 125, "--detach"), (["-it", "b", "true"], 125, "not a TTY"),
        (["--frobnicate", "b"], 125, "unknown option"),
    ]

    @Test func `an end that is not the program's own has its exit code and one line`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        for (words, code, says) in SessionExecCommandTests.refusals {
            let ended = try Program.run(
                daemon.words(["exec"] + words), environment: daemon.environment, timeout: 60)
            #expect(ended.status == code, "\(words): \(ended.errors)")
            #expect(ended.errors.contains(says) || says.isEmpty, "\(words): \(ended.errors)")
            #expect(
                ended.errors.split(separator: "\n").count { !$0.hasPrefix("hint: ") }
                    == (says.isEmpty ? 0 : 1), "\(ended.errors)")
            #expect(ended.output == "")
        }
    }

    @Test func `a session that has ended, and a daemon that is not there, are told`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        try daemon.call("POST", "/v1/sessions/\(id)/kill", "{}")
        let ended = try daemon.corral("exec", id, "true")
        #expect(ended.status == 125 && ended.errors.contains("has ended"), "\(ended.errors)")
        try daemon.kill()
        let alone = try daemon.corral("exec", id, "true")
        #expect(alone.status == 125 && alone.errors.contains(daemon.socket), "\(alone.errors)")
        #expect(alone.errors.contains("corral daemon run"), "\(alone.errors)")
        // For the end of the test, which waits for it.
        try daemon.startAgain()
    }

    @Test func `input goes in as it is read, and its end as well`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let copied = try daemon.corral("exec", "-i", "b", "cat", stdin: bytes)
        #expect(copied.status == 0 && copied.stdout == bytes)
        // Without -i there is nothing to read.
        #expect(try daemon.corral("exec", "b", "cat", stdin: bytes).stdout == [])
        // What nobody reads holds nothing up.
        #expect(try daemon.corral("exec", "-i", "b", "echo", "x", stdin: bytes).output == "x\n")
        let script = "echo script; cat; exit 3"
        let ended = try daemon.corral("exec", "-i", "--shell", script, "b", stdin: Array("in".utf8))
        #expect(ended.status == 3 && ended.output == "script\nin")
        let piped = try daemon.corral("exec", "--script", "-", "b", stdin: Array("exit 4".utf8))
        #expect(piped.status == 4)
        let set = try daemon.corral(
            "exec", "-e", "A=1", "-e", "A=2", "-w", "/tmp", "--shell", "echo $A; pwd", "b")
        #expect(set.output == "2\n/tmp\n")
    }

    @Test func `a hundred megabytes are the same at the other end, however slow the reader`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let own = try daemon.pipeline("seq 1 12800000 | sha256sum")
        #expect(try daemon.pipeline("$corral exec b seq 1 12800000 | sha256sum").output == own.output)
        let slow = "{ head -c 1000; sleep 2; cat; } | sha256sum"
        let some = try daemon.pipeline("seq 1 4000000 | \(slow)")
        #expect(try daemon.pipeline("$corral exec b seq 1 4000000 | \(slow)").output == some.output)
        // What is kept of it is no more than what is kept of others.
        let limited = try daemon.pipeline(
            "$corral exec --output-limit 64KiB b seq 1 1000000 | sha256sum; seq 1 1000000 | sha256sum")
        let sums = limited.output.split(separator: "\n")
        #expect(sums.count == 2 && sums.first == sums.last, "\(limited)")
        let last = try #require(try daemon.processes("b").last)
        let logs = try daemon.call("GET", "/v1/sessions/b/processes/\(last.text("id"))/logs")
        #expect(logs.bytes.count == 64 << 10)
    }

    @Test func `a reader that leaves ends the client as a pipe does, and the program with it`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let ended = try daemon.pipeline("$corral exec b yes | head -n 1; echo ${PIPESTATUS[0]}")
        #expect(ended.output == "y\n141\n", "\(ended.errors)")
        #expect(try eventually { try daemon.processes("b").allSatisfy { $0.text("state") == "ended" } })
        #expect(try daemon.processes("b").last?.text("cause") == "operator")
    }

    @Test func `a client that is killed takes its program with it, and one that detached does not`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let client = try daemon.begin("exec", "b", "sh", "-c", "echo up; sleep 600")
        #expect(try client.waitForText("up", within: 60))
        try client.signal(SIGKILL)
        #expect(try client.wait(timeout: 60).signal == SIGKILL)
        #expect(try eventually { try daemon.processes("b").first?.text("state") == "ended" })
        #expect(try daemon.processes("b").first?.text("cause") == "operator")
        let detached = try daemon.corral("exec", "-d", "b", "sleep", "600")
        let process = detached.output.split(separator: "\n").joined()
        #expect(detached.status == 0 && process.utf8.count == 16)
        let path = "/v1/sessions/b/processes/\(process)"
        #expect(try eventually { try daemon.call("GET", path).text("state") == "running" })
    }

    @Test func `signals go to the program, and who insists ends the client`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let trap = "trap 'echo got; exit 9' INT; echo up; while :; do sleep 0.05; done"
        let polite = try daemon.begin("exec", "b", "sh", "-c", trap)
        #expect(try polite.waitForText("up", within: 60))
        try polite.signal(SIGINT)
        let ended = try polite.wait(timeout: 60)
        #expect(ended.status == 9 && ended.output == "up\ngot\n")
        let deaf = "trap 'echo one' TERM; echo up; while :; do sleep 0.05; done"
        let insisting = try daemon.begin("exec", "b", "sh", "-c", deaf)
        #expect(try insisting.waitForText("up", within: 60))
        try insisting.signal(SIGTERM)
        #expect(try insisting.waitForText("one", within: 60))
        try insisting.signal(SIGTERM)
        #expect(try insisting.waitForText("one\none", within: 60))
        try insisting.signal(SIGTERM)
        #expect(try insisting.wait(timeout: 60).status == 143)
        #expect(try eventually { try daemon.processes("b").allSatisfy { $0.text("state") == "ended" } })
    }

    @Test func `a daemon that is killed and started again keeps the program and its client`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        let client = try daemon.begin(
            "exec", "b", "sh", "-c", "echo one; until [ -e /tmp/go ]; do sleep 0.05; done; echo two; exit 5")
        #expect(try client.waitForText("one\n", within: 60))
        try daemon.kill()
        #expect(try client.waitForText("the daemon is gone", within: 60))
        try daemon.startAgain()
        #expect(try client.waitForText("the daemon is back", within: 60))
        try daemon.exec(id, "touch /tmp/go")
        let ended = try client.wait(timeout: 60)
        #expect(ended.status == 5 && ended.output == "one\ntwo\n", "\(ended)")
        // It still ends with its client.
        let other = try daemon.begin("exec", "b", "sh", "-c", "echo up; sleep 600")
        #expect(try other.waitForText("up", within: 60))
        try daemon.kill()
        try daemon.startAgain()
        #expect(try other.waitForText("the daemon is back", within: 60))
        try other.signal(SIGKILL)
        #expect(try eventually { try daemon.processes("b").allSatisfy { $0.text("state") == "ended" } })
    }
}
