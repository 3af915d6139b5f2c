import TestSupport
import Testing
import Wire

@Suite(.serialized) struct ManagedTests {
    private func start(_ daemon: TestDaemon, _ id: String, _ body: String) throws -> String {
        let answer = try daemon.call("POST", "/v1/sessions/\(id)/processes", body)
        try #require(answer.status == 201)
        return "/v1/sessions/\(id)/processes/\(answer.text("id"))"
    }

    private func logs(_ daemon: TestDaemon, _ path: String, _ query: String = "") throws -> String {
        String(decoding: try daemon.call("GET", "\(path)/logs\(query)").bytes, as: UTF8.self)
    }

    @Test func `a managed process takes input, tells what it writes, and is stopped`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let cat = try start(daemon, id, #"{"name":"cat","argv":["cat"],"stdin":true}"#)
        #expect(try eventually { try daemon.call("GET", cat).text("state") == "running" })
        #expect(try daemon.call("POST", "\(cat)/stdin", #"{"data":"b25lCg=="}"#).status == 204)
        #expect(try daemon.call("POST", "\(cat)/stdin", #"{"data":"dHdvCg=="}"#).status == 204)
        #expect(try eventually { try logs(daemon, cat) == "one\ntwo\n" })
        #expect(try logs(daemon, cat, "?tail=1") == "two\n")
        #expect(try logs(daemon, cat, "?stream=stdout&offset=4") == "two\n")
        #expect(try logs(daemon, cat, "?stream=stderr") == "")
        #expect(try daemon.call("GET", "\(cat)/logs?offset=4").status == 400)
        let follower = try Program(daemon.curl("GET", "\(cat)/logs?follow=true", nil, ["-N"])).start()
        #expect(try follower.waitForText("two", within: 30))
        #expect(try daemon.call("POST", "\(cat)/stdin", #"{"data":"dGhyZWUK","close":true}"#).status == 204)
        #expect(try follower.wait(timeout: 60).output == "one\ntwo\nthree\n")
        #expect(try eventually { try daemon.call("GET", cat).text("state") == "ended" })
        #expect(try daemon.call("GET", cat).text("exit") == "0")
        // What it wrote is there after its end.
        #expect(try logs(daemon, cat, "?tail=1") == "three\n")

        let sleeper = try start(daemon, id, #"{"name":"s","argv":["sleep","600"]}"#)
        #expect(try eventually { try daemon.call("GET", sleeper).text("state") == "running" })
        let stopped = try daemon.call("POST", "\(sleeper)/stop", #"{"grace":5000}"#)
        #expect(stopped.text("cause") == "operator")
        #expect(try daemon.call("GET", "/v1/sessions/\(id)/processes")["processes"]?.list.count == 2)
        #expect(try daemon.call("POST", "\(sleeper)/signal", #"{"signal":"TERM"}"#).status == 410)
    }

    @Test func `what fails is started again, as often as it may`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let path = try start(
            daemon, id, #"{"shell":"echo run; exit 1","restart":"on-failure","restarts":2}"#)
        #expect(try eventually(within: 60) { try daemon.call("GET", path).text("state") == "ended" })
        #expect(try daemon.call("GET", path).text("restarts") == "2")
        let steady = try start(daemon, id, #"{"shell":"exit 0","restart":"on-failure"}"#)
        #expect(try eventually { try daemon.call("GET", steady).text("state") == "ended" })
    }

    @Test func `processes of a session that a limit ends have its cause and not the operator's`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"limits":{"cpu_time":300}}"#)
        let idle = try start(daemon, id, #"{"argv":["sleep","600"]}"#)
        let busy = try start(daemon, id, #"{"shell":"echo on; while :; do :; done","restart":"always"}"#)
        #expect(try daemon.waitForEnd(id).text("cause") == "cpu")
        for path in [idle, busy] {
            let process = try daemon.call("GET", path)
            #expect(process.text("state") == "ended" && process.text("cause") == "cpu", "\(process)")
        }
        #expect(try logs(daemon, busy) == "on\n")
    }

    @Test func `a signal arrives, and a terminal has the size it is given`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let path = try start(
            daemon, id, #"{"shell":"trap 'echo got; exit 7' USR1; echo up; while :; do sleep 0.1; done"}"#)
        #expect(try eventually { try logs(daemon, path) == "up\n" })
        #expect(try daemon.call("POST", "\(path)/signal", #"{"signal":"SIGUSR1"}"#).status == 204)
        #expect(try eventually { try daemon.call("GET", path).text("exit") == "7" })
        #expect(try logs(daemon, path) == "up\ngot\n")
        let terminal = try start(
            daemon, id,
            #"{"shell":"trap 'stty size' WINCH; stty size; while :; do sleep 0.1; done","tty":true,"columns":91,"rows":33}"#
        )
        #expect(try eventually { try logs(daemon, terminal).contains("33 91") })
        #expect(try daemon.call("POST", "\(terminal)/resize", #"{"columns":120,"rows":40}"#).status == 204)
        #expect(try eventually { try logs(daemon, terminal).contains("40 120") })
    }
}
