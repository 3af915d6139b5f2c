import API
import TestSupport
import Testing

/// What the next daemon goes on with exactly where the last one was killed.
@Suite(.serialized) struct ResumeTests {
    @Test func `what is left of a stop's grace is kept, and the process may end by itself`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let made = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes",
            #"{"shell":"trap 'echo asked' TERM; echo up; until read line; do :; done; exit 7","stdin":true}"#)
        let path = "/v1/sessions/\(id)/processes/\(made.text("id"))"
        func logs() throws -> String {
            String(decoding: try daemon.call("GET", "\(path)/logs").bytes, as: UTF8.self)
        }
        #expect(try eventually { try logs() == "up\n" })
        let stop = try Program(
            daemon.curl("POST", "/v1/sessions/\(id)/kill", #"{"grace":600000,"reason":"enough"}"#)
        ).start()
        #expect(try eventually { try logs().contains("asked") })
        try daemon.kill()
        _ = try stop.wait(timeout: 60)
        try daemon.startAgain()
        #expect(try daemon.state(id) == "stopping")
        #expect(try daemon.call("POST", "\(path)/stdin", #"{"data":"Z28K"}"#).status == 204)
        let ended = try daemon.waitForEnd(id)
        #expect(ended.text("cause") == "operator" && ended.text("message") == "enough")
        // A kill would have been a signal.
        #expect(try daemon.call("GET", path).text("exit") == "7")
    }

    @Test func `a renewal's length is kept, and so are failures of a process that is restarted`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"ttl":86400000}"#)
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/renew", #"{"ttl":3600000}"#).status == 200)
        let made = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes", #"{"shell":"exit 3","restart":"on-failure"}"#)
        let process = made.text("id")
        func record(_ column: String) throws -> Int {
            let database = "\(daemon.state)/daemon/corral.db"
            let outcome = try Program.run(
                ["sqlite3", "-readonly", database, "SELECT \(column) FROM processes WHERE id = '\(process)'"])
            return Int(outcome.output.split(separator: "\n").first ?? "") ?? 0
        }
        #expect(try eventually(within: 60) { try record("failures") >= 3 })
        try daemon.kill()
        let (failures, restarts) = (try record("failures"), try record("restarts"))
        #expect(try record("next_at") > 0 || restarts < failures)
        try daemon.startAgain()
        #expect(try eventually(within: 60) { try record("restarts") > restarts })
        #expect(try eventually(within: 60) { try record("failures") > failures })
        // Begins the last length again: an hour, and not the day that the request said.
        let renewed = try daemon.call("POST", "/v1/sessions/\(id)/renew", "{}")
        let expires = try #require(APITime(renewed.text("expires"))).milliseconds
        let created = try #require(APITime(renewed.text("created"))).milliseconds
        #expect(expires - created >= 3_600_000 && expires - created < 7_200_000)
    }
}
