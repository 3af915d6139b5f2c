import FailPoints
import Glibc
import TestSupport
import Testing

/// What answers wait for, seen from outside: strace(1) counts the waits for the device, or has the device fail.
@Suite(.serialized) struct DurabilityTests {
    private static let waits = "fdatasync,fsync"

    /// Attaches strace to the daemon, all of its threads.
    /// - Returns: nil where there is none.
    private func strace(_ daemon: TestDaemon, _ options: [String]) throws -> RunningProgram? {
        guard Host.isRoot, File.exists("/usr/bin/strace") else {
            Host.skip("this takes root and strace")
            return nil
        }
        let pid = try #require(daemon.pid)
        let program = try Program(
            ["/usr/bin/strace", "-f", "-p", "\(pid)", "-e", "trace=\(DurabilityTests.waits)"] + options
        ).start()
        try #require(try program.waitForText("attached", within: 20), "\(program.errorsSoFar)")
        return program
    }

    private func end(_ program: RunningProgram) throws {
        try program.signal(SIGINT)
        _ = try program.wait()
    }

    @Test func `nobody is answered before what was asked for is on the device`() throws {
        let daemon = try TestDaemon()
        // The control: the same on a device that works.
        let id = try daemon.session()
        #expect(try daemon.exec(id, "echo on").decoded("stdout") == "on\n")
        let failing = ["-e", "inject=\(DurabilityTests.waits):error=EIO"]
        guard let device = try strace(daemon, failing) else { return }
        #expect(try daemon.call("POST", "/v1/sessions", #"{"name":"untold"}"#).status == 507)
        #expect(try daemon.exec(id, "true").status == 507)
        // That it was looked at is no reason to believe it.
        #expect(try daemon.call("GET", "/v1/sessions/untold").status == 507)
        #expect(try daemon.call("GET", "/v1/health").text("status") == "degraded")
        try end(device)
        // From here on it is told again, with all that came before.
        #expect(try eventually { try daemon.exec(id, "echo on").decoded("stdout") == "on\n" })
        #expect(try daemon.call("GET", "/v1/sessions/untold").text("state") == "running")
        #expect(try daemon.call("GET", "/v1/health").text("status") == "ok")
    }

    @Test func `a session of create, exec and remove waits for the device three times`() throws {
        let daemon = try TestDaemon()
        // The log's first use waits as well.
        _ = try daemon.session()
        guard let counting = try strace(daemon, []) else { return }
        var found: [Int] = []
        func waits() -> Int { counting.errorsSoFar.split(separator: "\n").count { $0.contains("sync(") } }
        // Old records are looked for now and then, which waits too: not in each of three rounds.
        for _ in 0..<3 where found.last != 3 {
            _ = try counting.waitForText("no such text", within: 0.2)
            let before = waits()
            let id = try daemon.session()
            #expect(try daemon.exec(id, "true").text("cause") == "exited")
            #expect(try daemon.call("DELETE", "/v1/sessions/\(id)?force=true").status == 204)
            _ = try counting.waitForText("no such text", within: 0.5)
            found.append(waits() - before)
        }
        try end(counting)
        #expect(found.last == 3, "\(found) waits")
    }

    @Test func `a slow device holds up those who wait for it, and no order to the warden`() throws {
        let place = try TemporaryDirectory()
        let sheet = try #require(FailPointSheet(path: place("points"), creating: true))
        let daemon = try TestDaemon(environment: ["CORRAL_TEST_FAIL_POINTS": place("points")])
        let id = try daemon.session()
        _ = try daemon.exec(id, "true")
        let slow = ["-e", "inject=\(DurabilityTests.waits):delay_enter=600000000"]
        guard let device = try strace(daemon, slow) else { return }
        let (readies, exits) = (sheet.passed(.daemonHearsReady), sheet.passed(.daemonHearsExit))
        let making = try Program(daemon.curl("POST", "/v1/sessions", #"{"name":"second"}"#)).start()
        // The daemon is not the one that waits: the sandbox comes up, a program is started in the other one and
        // ends, and all of that is heard.
        #expect(eventually { sheet.passed(.daemonHearsReady) > readies })
        let body = #"{"shell":"echo on"}"#
        let running = try Program(daemon.curl("POST", "/v1/sessions/\(id)/exec", body)).start()
        #expect(eventually { sheet.passed(.daemonHearsExit) > exits })
        #expect(try daemon.call("GET", "/v1/health").text("status") == "ok")
        // Who asked for these is told nothing yet, nor is anybody of what has changed.
        let looking = try Program(daemon.curl("GET", "/v1/sessions/second")).start()
        for client in [making, running, looking] {
            #expect(try !client.waitForText("{", within: 0.5))
        }
        try end(device)
        #expect(try making.wait(timeout: 60).output.contains("second"))
        #expect(try running.wait(timeout: 60).output.contains("exited"))
        #expect(try looking.wait(timeout: 60).output.contains("second"))
    }
}
