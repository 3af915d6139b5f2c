import API
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct SessionStatsCommandTests {
    private func busy(_ daemon: TestDaemon, _ name: String) throws {
        _ = try daemon.session(#"{"name":"\#(name)"}"#)
        try daemon.call(
            "POST", "/v1/sessions/\(name)/processes",
            #"{"name":"worker","shell":"echo 开始; while :; do :; done"}"#)
        let path = "/v1/sessions/\(name)/processes/worker"
        #expect(try eventually { try daemon.call("GET", path).text("stdout_bytes") == "7" })
    }

    @Test func `what sessions use is shown once`() throws {
        let daemon = try TestDaemon()
        try busy(daemon, "web")
        let other = try daemon.session()
        let table = try daemon.lines(["stats"])
        #expect(table.count == 3 && table[0].hasPrefix("SESSION ID     NAME   STATE     CPU %"), "\(table)")
        #expect(table[1].contains("web") && table[1].contains("running"), "\(table)")
        #expect(try daemon.lines(["stats", "-q", "--no-trunc", other]) == [other])
        for line in try daemon.lines(["stats", "-o", "jsonl", "--no-stream"]) {
            let usage = try JSONTree(parsing: Array(line.utf8))
            #expect(usage["id"] != nil && usage["state"]?.text == "running" && usage["cpu_percent"] == nil)
            // What a host without these controllers cannot tell is not there.
            if let memory = usage["memory"]?.text { #expect(UInt64(memory) ?? 0 > 0) }
        }
        _ = try daemon.lines(["kill", "--grace", "0s", other])
        #expect(try daemon.lines(["stats"]).count == 2)
        let mixed = try daemon.operate(["stats", "-q", other, "web", "nothing"])
        #expect(mixed.status == 1 && mixed.output.split(separator: "\n").count == 1)
        #expect(mixed.errors.contains("does not run: it is ended (operator)"), "\(mixed.errors)")
        #expect(mixed.errors.contains("there is no session \"nothing\""), "\(mixed.errors)")
        try daemon.refuses(["stats", "--watch", "nothing"], "there is no session \"nothing\"")
        for text in ["x", "1ms", "none"] {
            try daemon.refuses(["stats", "--watch", "--interval", text], "--interval: ")
        }
    }

    @Test func `it is shown again and again until the session ends, over the end of the daemon too`() throws {
        let daemon = try TestDaemon()
        try busy(daemon, "web")
        let watch = try daemon.begin(["stats", "--watch", "--interval", "100ms", "-o", "jsonl", "web"])
        let isMeasured = try daemon.operate(["stats", "-o", "json"]).output.contains("cpu_time")
        // The second number is of the time between two, and of a program that does nothing else above zero.
        func shares() throws -> [Double] {
            try watch.outputSoFar.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .compactMap {
                    try JSONTree(parsing: Array($0.utf8))["cpu_percent"]?.text.flatMap(Double.init)
                }
        }
        if isMeasured {
            let isBusy = try eventually(within: 60) {
                _ = try watch.waitForText("\u{0}", within: 0.1)
                return try shares().contains { $0 > 0 }
            }
            #expect(isBusy, "\(watch.outputSoFar)")
        }
        try daemon.kill()
        #expect(try watch.waitForText("waiting for a daemon to answer", within: 60))
        try daemon.startAgain()
        #expect(try watch.waitForText("a daemon answers again", within: 60))
        _ = try daemon.lines(["kill", "--grace", "0s", "web"])
        let outcome = try watch.wait(timeout: 60)
        #expect(outcome.status == 0, "\(outcome.errors)")
        if !isMeasured { Host.skip("no cgroup of this host counts cpu time") }
    }

    @Test func `on a terminal the table stays in its place`() throws {
        let daemon = try TestDaemon()
        for _ in 0..<8 { _ = try daemon.session() }
        let words = TestDaemon.words(["stats", "--watch", "--interval", "100ms"])
        let terminal = try UserTerminal(words, environment: daemon.asking, rows: 8, columns: 120)
        #expect(try terminal.waitForText("\u{1B}[2J\u{1B}[HSESSION ID"), "\(terminal.screen)")
        #expect(try terminal.waitForText("\u{1B}[J\u{1B}[HSESSION ID"), "\(terminal.screen)")
        // What it has no lines for is counted.
        #expect(try terminal.waitForText("... and 3 more"), "\(terminal.screen)")
        try terminal.type("\u{3}")
        #expect(try terminal.waitForEnd() == 130)
    }

    @Test func `the processes of a session are shown with its sums`() throws {
        let daemon = try TestDaemon()
        try busy(daemon, "web")
        try daemon.exec("web", "echo over")
        let lines = try daemon.lines(["top", "web"])
        let table = lines.drop { !$0.hasPrefix("PID") }
        #expect(table.count == 2, "the exec is over: \(lines)")
        let row = table.last ?? ""
        for part in ["worker", "managed", "running", " ago", "7 B", "sh -c echo 开始"] {
            #expect(row.contains(part), "\(row)")
        }
        let processes = try daemon.lines(["top", "-o", "jsonl", "web"])
        for line in processes {
            #expect(try APIReader(Array(line.utf8), as: .process).text("name") == "worker")
        }
        #expect(processes.count == 1)
        _ = try daemon.lines(["kill", "--grace", "0s", "web"])
        #expect(try daemon.lines(["top", "-q", "web"]).isEmpty)
        #expect(try daemon.lines(["top", "web"]).count == 1)
        try daemon.refuses(["top", "nothing"], "there is no session \"nothing\"")
        try daemon.refuses(["top"], code: 2, "an operand is missing; expected SESSION")
    }
}
