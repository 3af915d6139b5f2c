import Glibc
import Linux
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct CrashTests {
    /// Repeats a request until somebody answers, as a client with an idempotency key may.
    private func insist(_ daemon: TestDaemon, _ method: String, _ path: String, _ body: String?) -> Program {
        let words = daemon.curl(
            method, path, body, ["--retry", "60", "--retry-all-errors", "--retry-delay", "1"])
        return Program(words)
    }

    @Test func `a daemon that is killed at random while sessions are made loses none and makes none twice`()
        throws
    {
        let daemon = try TestDaemon()
        let kills = Effort.isFull ? 50 : 6
        for round in 0..<kills {
            let clients = try (0..<3).map { index in
                try insist(
                    daemon, "POST", "/v1/sessions",
                    #"{"idempotency_key":"\#(round)-\#(index)","name":"s\#(round)-\#(index)"}"#
                ).start()
            }
            usleep(.random(in: 0...250_000))
            try daemon.kill()
            try daemon.startAgain()
            for client in clients {
                let outcome = try client.wait(timeout: 120)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output.contains(#""state":"running""#), "\(outcome.output)")
            }
        }
        let all = try daemon.call("GET", "/v1/sessions?all=true")["sessions"]?.list ?? []
        #expect(all.count == kills * 3)
        #expect(Set(all.compactMap { $0["name"]?.text }).count == kills * 3)
        #expect(all.allSatisfy { $0["state"]?.text == "running" })
        // The warden has no others.
        for session in all {
            let id = session["id"]?.text ?? ""
            #expect(try daemon.call("DELETE", "/v1/sessions/\(id)?force=true").status == 204)
        }
        #expect(try daemon.call("GET", "/v1/sessions?all=true")["sessions"]?.list.isEmpty == true)
        let warden = try #require(daemon.warden)
        // What it started is dead and reaped; only threads of its own would be left.
        #expect(eventually { (File.text("/proc/\(warden)/task/\(warden)/children") ?? "").isEmpty })
    }
}
