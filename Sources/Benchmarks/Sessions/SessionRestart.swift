import Client
import Figures
import Linux

/// From the SIGKILL of corrald to the next one's first answer, which has every session, each with a process.
func measureRestart(_ corrald: String, _ options: Options, _ results: Results) throws {
    let count = min(options.counts.first ?? 1000, 100)
    let daemon = try MeasuredDaemon(corrald)
    _ = try makeSessions(count, daemon, running: "exec sleep 3600")
    var times: [UInt64] = []
    for _ in 0..<max(3, min(options.rounds / 20, 11)) {
        let begin = monotonicTime()
        try daemon.kill()
        try daemon.start()
        let answer = try daemon.waitForAnswer()
        times.append(monotonicTime() - begin)
        let running = try answer.json().sessions.count { $0["state"]?.text == "running" }
        guard running == count else { throw Options.Problem("\(running) of \(count) sessions were found") }
    }
    guard let distribution = Distribution(times) else { return }
    let figures = [
        ("p50", Double(distribution.percentile(50)) / 1e9),
        ("max", Double(distribution.percentile(100)) / 1e9),
    ]
    try add("sessions/restart", "s", figures, samples: times.count, results)
}
