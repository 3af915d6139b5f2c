import Client
import Figures
import Glibc
import Linux
import Wire

/// How long a quiet tenant's commands take alone, and beside a tenant with many busy sessions that asks for more
/// and more. The ratio of the 99th percentiles is what one tenant notices of another.
func measureTenants(_ corrald: String, _ options: Options, _ results: Results) throws {
    let daemon = try MeasuredDaemon(corrald)
    for name in ["quiet", "flood"] {
        let request = HTTPRequest(.post, ["v1", "tenants"]).with(json: .object { $0.add("name", name) })
        _ = try daemon.client.ask(request)
    }
    let id = try daemon.client.id(of: SessionCall.create(of: "quiet"))
    func measure(_ rounds: Int) throws -> [UInt64] {
        try (0..<rounds).map { _ in
            usleep(5000)
            return try daemon.client.timed(SessionCall.exec(id, ["/usr/bin/true"])).time
        }
    }
    _ = try measure(options.warmup)
    let rounds = max(100, options.rounds)
    let alone = try measure(rounds)
    let null = try openNull()
    let flood = try Child(
        ["/proc/self/exe", "session-role", "flood", daemon.socket, "flood"],
        [null.number, null.number, null.number], pin: nil)
    defer {
        kill(flood.pid, SIGKILL)
        _ = try? flood.end()
    }
    // Until its busy sessions are there.
    let deadline = monotonicTime() + 120_000_000_000
    while try daemon.inits().count <= floodSessions {
        guard monotonicTime() < deadline else { throw Options.Problem("the flood does not begin") }
        usleep(50_000)
    }
    let beside = try measure(rounds)
    let rows = [("alone", alone), ("beside a flood", beside)].compactMap { Row(name: $0, times: $1) }
    print("a quiet tenant's exec")
    try results.add(rows, under: "tenants", options)
    guard let first = rows.first?.times.percentile(99), let last = rows.last?.times.percentile(99) else {
        return
    }
    try add(
        "tenants/exec/ratio", "ratio", [("p99 beside a flood to alone", Double(last) / Double(first))],
        samples: rounds, results)
}

/// That are as busy as they can be.
private let floodSessions = 6

/// The flood of ``measureTenants(_:_:_:)``: goes on until it is killed, or nobody answers.
func floodSessionsForever(at socket: String, of tenant: String) throws {
    let client = DaemonClient(path: socket)
    for _ in 0..<floodSessions {
        let id = try client.id(of: SessionCall.create(of: tenant))
        for _ in 0..<2 { _ = try client.ask(SessionCall.start(id, shell: "while :; do :; done")) }
    }
    while true {
        let id = try client.id(of: SessionCall.create(of: tenant))
        _ = try client.ask(SessionCall.remove(id))
    }
}
