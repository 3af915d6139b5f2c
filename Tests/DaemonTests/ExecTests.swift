import Glibc
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct ExecTests {
    @Test func `input, variables, directory and a large program arrive`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let result = try daemon.exec(
            id, "cat; echo $B; pwd", #""stdin":"aGVsbG8K","env":{"B":"two"},"cwd":"/tmp""#)
        #expect(result.decoded("stdout") == "hello\ntwo\n/tmp\n")
        let large = "true '" + String(repeating: "x", count: 1 << 20) + "'; echo $?"
        #expect(try daemon.exec(id, large).decoded("stdout") == "0\n")
        let argv = try daemon.call("POST", "/v1/sessions/\(id)/exec", #"{"argv":["echo","a b","c"]}"#)
        #expect(argv.decoded("stdout") == "a b c\n")
    }

    @Test func `a timeout ends an exec, and a limit of output cuts its middle`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let late = try daemon.exec(id, "trap '' TERM; sleep 600 & wait", #""timeout":700"#)
        #expect(late.text("cause") == "timeout")
        let long = try daemon.exec(id, "yes abcdefg | head -c 400000", #""output_limit":200000"#)
        #expect(long.decoded("stdout").utf8.count <= 200_000)
        #expect(try daemon.exec(id, "true", #""output_limit":999999999999"#).field == "output_limit")
        #expect(Int(long.text("stdout_cut")) == 400_000 - long.decoded("stdout").utf8.count)
    }

    @Test func `execs run beside each other, and one that wants to be alone does not`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        func begin(_ body: String) throws -> RunningProgram {
            try Program(daemon.curl("POST", "/v1/sessions/\(id)/exec", body)).start()
        }
        // Each waits for what the other one does.
        let first = try begin(#"{"shell":"mkfifo /tmp/f; cat /tmp/f"}"#)
        let second = try daemon.exec(id, "until [ -p /tmp/f ]; do sleep 0.05; done; echo met > /tmp/f")
        #expect(second.text("exit") == "0")
        #expect(try first.wait(timeout: 60).output.contains("bWV0Cg=="))
        let holder = try begin(
            #"{"shell":"mkdir /tmp/busy; until [ -e /tmp/go ]; do sleep 0.05; done; rmdir /tmp/busy"}"#)
        #expect(try eventually { try daemon.exec(id, "test -d /tmp/busy").text("exit") == "0" })
        let alone = try begin(#"{"shell":"test ! -d /tmp/busy && echo alone","alone":true}"#)
        try daemon.call("POST", "/v1/sessions/\(id)/processes", #"{"argv":["touch","/tmp/go"]}"#)
        #expect(try alone.wait(timeout: 60).output.contains("YWxvbmUK"))
        _ = try holder.wait(timeout: 60)
    }

    @Test func `an exec whose client dies is killed`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let body = #"{"shell":"echo $$ > /tmp/pid; sleep 600"}"#
        let client = try Program(daemon.curl("POST", "/v1/sessions/\(id)/exec", body)).start()
        #expect(try eventually { try daemon.exec(id, "test -s /tmp/pid").text("exit") == "0" })
        try client.signal(SIGKILL)
        _ = try client.wait()
        #expect(try eventually { try daemon.exec(id, "kill -0 $(cat /tmp/pid)").text("exit") != "0" })
    }

    @Test func `a program that is not there is a mistake of the request`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let answer = try daemon.call("POST", "/v1/sessions/\(id)/exec", #"{"argv":["/no/such"]}"#)
        #expect(answer.status == 400)
        #expect(answer.field == "argv")
    }
}
