import Glibc
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct RestartTests {
    private func logs(_ daemon: TestDaemon, _ path: String) throws -> String {
        String(decoding: try daemon.call("GET", "\(path)/logs").bytes, as: UTF8.self)
    }

    @Test func `a killed daemon's sessions, output and exits are there for the next one`() throws {
        let daemon = try TestDaemon()
        let ids = try (0..<3).map { try daemon.session(#"{"name":"s\#($0)","ttl":600000}"#) }
        let done = try daemon.session(#"{"name":"done"}"#)
        try daemon.call("POST", "/v1/sessions/done/kill", #"{"grace":0}"#)
        var counters: [String] = []
        for id in ids {
            let body =
                #"{"shell":"i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; exit 4"}"#
            let answer = try daemon.call("POST", "/v1/sessions/\(id)/processes", body)
            counters.append("/v1/sessions/\(id)/processes/\(answer.text("id"))")
        }
        // Under load, and more than once.
        for _ in 0..<2 {
            #expect(try eventually { try logs(daemon, counters[0]).contains("line 3\n") })
            try daemon.kill()
            try daemon.startAgain()
        }
        for (id, path) in zip(ids, counters) {
            #expect(try daemon.state(id) == "running")
            #expect(try eventually(within: 60) { try daemon.call("GET", path).text("state") == "ended" })
            #expect(try daemon.call("GET", path).text("exit") == "4")
            // No byte is lost or there twice.
            #expect(try logs(daemon, path) == (0..<200).map { "line \($0)\n" }.joined())
            #expect(try daemon.exec(id, "echo alive").decoded("stdout") == "alive\n")
        }
        #expect(try daemon.call("GET", "/v1/sessions/\(done)").text("cause") == "operator")
        #expect(try daemon.call("GET", "/v1/sessions?all=true")["sessions"]?.list.count == 4)
    }

    @Test func `an exit that nobody heard of is told to the next daemon`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"idempotency_key":"once"}"#)
        let answer = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes",
            #"{"shell":"until [ -e /tmp/go ]; do sleep 0.05; done; echo late; exit 9"}"#)
        let path = "/v1/sessions/\(id)/processes/\(answer.text("id"))"
        #expect(try eventually { try daemon.call("GET", path).text("state") == "running" })
        try daemon.call("POST", "/v1/sessions/\(id)/processes", #"{"shell":"sleep 0.5; touch /tmp/go"}"#)
        try daemon.kill()
        usleep(1_500_000)
        try daemon.startAgain()
        #expect(try eventually { try daemon.call("GET", path).text("state") == "ended" })
        #expect(try daemon.call("GET", path).text("exit") == "9")
        #expect(try logs(daemon, path) == "late\n")
        // The request is known as well.
        let again = try daemon.call("POST", "/v1/sessions", #"{"idempotency_key":"once"}"#)
        #expect(again.text("id") == id)
    }

    @Test func `an orderly end leaves sessions to the next daemon`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.stop() == 0)
        try daemon.startAgain()
        #expect(try daemon.exec(id, "echo on").decoded("stdout") == "on\n")
    }

    @Test func `without its warden every session ends as daemon-restart, and nothing is left`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"lost"}"#)
        // Others may sleep as long beside this.
        let seconds = "86399.\(getpid())"
        try daemon.call("POST", "/v1/sessions/\(id)/processes", #"{"argv":["sleep","\#(seconds)"]}"#)
        let warden = try #require(daemon.warden)
        #expect(kill(warden, SIGKILL) == 0)
        if Host.isRoot {
            // It cannot start one without privileges, and ends to be started again.
            #expect(try daemon.exitStatus() == 75)
            try daemon.startAgain()
        }
        #expect(
            try eventually(within: 60) {
                try daemon.call("GET", "/v1/sessions/\(id)").text("state") == "ended"
            })
        #expect(try daemon.call("GET", "/v1/sessions/\(id)").text("cause") == "daemon-restart")
        #expect(eventually(within: 60) { !TestDaemon.isRunning(["sleep", seconds]) })
        #expect(try daemon.session(#"{"name":"lost"}"#) != id)
    }

    @Test func `a second daemon of a state directory does not start`() throws {
        let daemon = try TestDaemon()
        let second = try daemon.another()
        #expect(second.status == 1)
        #expect(second.errors.contains("another corrald has the state directory"))
        #expect(try daemon.call("GET", "/v1/health").status == 200)
    }
}
