import API
import FailPoints
import Glibc
import TestSupport
import Testing

/// What kills at single steps have found, once each. Tests/ChurnTests kills at all of them.
@Suite(.serialized) struct FailPointTests {
    private let place: TemporaryDirectory
    private let sheet: FailPointSheet
    private var variables: [String: String] { ["CORRAL_TEST_FAIL_POINTS": place("points")] }

    init() throws {
        place = try TemporaryDirectory()
        sheet = try #require(FailPointSheet(path: place("points"), creating: true))
    }

    /// Without the network namespaces that a warden makes when it has nothing else to do.
    private func descriptors(of pid: pid_t) -> Int {
        File.names(in: "/proc/\(pid)/fd").filter { number in
            File.target(ofLink: "/proc/\(pid)/fd/\(number)")?.hasPrefix("net:[") != true
        }.count
    }

    @Test func `a daemon dies at the passing that it is told, and the next one lives`() throws {
        let daemon = try TestDaemon(environment: variables)
        sheet.arm(.daemonBeforeCommit, 1)
        _ = try Program.run(daemon.curl("POST", "/v1/sessions", "{}"))
        #expect(try daemon.endingSignal() == SIGKILL)
        #expect(sheet.armed(.daemonBeforeCommit) == 0)
        try daemon.startAgain()
        // Nothing was on record, so nothing was begun.
        #expect(try daemon.call("GET", "/v1/sessions?all=true")["sessions"]?.list.isEmpty == true)
        #expect(sheet.passed(.daemonBeforeCreate) == 0)
        _ = try daemon.session()
        #expect(sheet.passed(.daemonBeforeCreate) == 1)
    }

    @Test func `what ended on record is not kept by the warden because its daemon died`() throws {
        let daemon = try TestDaemon(environment: variables)
        let id = try daemon.session()
        let warden = try #require(daemon.warden)
        let before = descriptors(of: warden)
        sheet.arm(.daemonBeforeAcknowledge, 1)
        _ = try Program.run(daemon.curl("POST", "/v1/sessions/\(id)/exec", #"{"argv":["true"]}"#))
        #expect(try daemon.endingSignal() == SIGKILL)
        // The streams of the process are in custody.
        #expect(descriptors(of: warden) > before)
        try daemon.startAgain()
        #expect(eventually { descriptors(of: warden) <= before })
        let found = try daemon.call("GET", "/v1/sessions/\(id)/processes")["processes"]?.list.first
        #expect(found?["state"]?.text == "ended")
        #expect(found?["exit"]?.text == "0")
    }

    @Test func `when a session came up is known although the daemon died before it could record it`() throws {
        let daemon = try TestDaemon(environment: variables)
        sheet.arm(.daemonHearsReady, 1)
        _ = try Program.run(daemon.curl("POST", "/v1/sessions", #"{"name":"up"}"#))
        #expect(try daemon.endingSignal() == SIGKILL)
        // In seconds, as the next daemon's are later.
        let died = Int64(time(nil)) + 1
        #expect(eventually { Int64(time(nil)) > died })
        try daemon.startAgain()
        #expect(try eventually { try daemon.state("up") == "running" })
        let started = try daemon.call("GET", "/v1/sessions/up").text("started")
        #expect(try #require(APITime(started)).milliseconds <= died * 1000, "\(started)")
    }

    @Test func `a detached exec is answered for once the warden has it`() throws {
        let daemon = try TestDaemon(environment: variables)
        let id = try daemon.session()
        let warden = try #require(daemon.warden)
        #expect(kill(warden, SIGSTOP) == 0)
        defer { kill(warden, SIGCONT) }
        let body = #"{"shell":"echo on","detach":true}"#
        let client = try Program(daemon.curl("POST", "/v1/sessions/\(id)/exec", body)).start()
        // The control: the daemon itself answers, and has asked for the process.
        #expect(eventually { sheet.passed(.daemonAfterStart) == 1 })
        #expect(try daemon.call("GET", "/v1/health").status == 200)
        #expect(try !client.waitForText("process", within: 0.5))
        #expect(kill(warden, SIGCONT) == 0)
        #expect(try client.wait(timeout: 60).output.contains(#""process":"#))
    }

    @Test func `a stop that is on record is carried out by the next daemon`() throws {
        let daemon = try TestDaemon(["--set", "defaults.grace=500ms"], environment: variables)
        let id = try daemon.session()
        let body = #"{"name":"deaf","shell":"trap '' TERM; echo up; while :; do sleep 0.1; done"}"#
        let path = "/v1/sessions/\(id)/processes/deaf"
        try daemon.call("POST", "/v1/sessions/\(id)/processes", body)
        #expect(try eventually { try daemon.call("GET", "\(path)/logs").bytes == Array("up\n".utf8) })
        sheet.arm(.daemonBeforeSignal, 1)
        _ = try Program.run(daemon.curl("POST", "\(path)/stop", #"{"grace":100}"#))
        #expect(try daemon.endingSignal() == SIGKILL)
        try daemon.startAgain()
        #expect(try eventually { try daemon.call("GET", path).text("state") == "ended" })
        #expect(try daemon.call("GET", path).text("cause") == "operator")
        #expect(try daemon.state(id) == "running")
    }
}
