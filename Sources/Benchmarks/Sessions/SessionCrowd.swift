import API
import Client
import Figures
import Glibc
import Linux

/// How many clients make sessions at a time.
private let clients = 4

/// Has `count` sessions made by four clients, each a process that makes one after the other.
/// - Returns: nanoseconds, the clients' start included.
func makeSessions(
    _ count: Int, _ daemon: MeasuredDaemon, ttl: Int = 0, running program: String = ""
) throws -> UInt64 {
    let null = try openNull()
    let begin = monotonicTime()
    let children = try (0..<clients).map { index in
        let share = count / clients + (index < count % clients ? 1 : 0)
        return try Child(
            ["/proc/self/exe", "session-role", "create", daemon.socket, "\(share)", "\(ttl)", program],
            [null.number, null.number, 2], pin: nil)
    }
    // All are waited for, whatever becomes of one.
    let problems = try children.compactMap { try $0.end() }
    if let problem = problems.first { throw Options.Problem(problem) }
    return monotonicTime() - begin
}

/// One client of ``makeSessions(_:_:ttl:running:)``.
func createSessions(_ count: Int, at socket: String, ttl: Int?, running program: String) throws {
    let client = DaemonClient(path: socket)
    for _ in 0..<count {
        let id = try client.id(of: SessionCall.create(ttl: ttl))
        if !program.isEmpty { _ = try client.ask(SessionCall.start(id, shell: program)) }
    }
}

/// How many sessions a second come into being, and when each is gone after its time to live.
func measureThousand(_ corrald: String, _ options: Options, _ results: Results) throws {
    let count = options.counts.first ?? 1000
    let daemon = try MeasuredDaemon(corrald)
    // Longer than it takes to make them.
    let ttl = max(2000, 15 * count)
    let time = try makeSessions(count, daemon, ttl: ttl)
    let rate = Double(count) * 1e9 / Double(time)
    try add("sessions/rate", "sessions a second", [("all", rate)], samples: count, results)
    let deadline = monotonicTime() + 120_000_000_000
    while try !daemon.client.ask(SessionCall.list(limit: 1)).json().sessions.isEmpty {
        guard monotonicTime() < deadline else { throw Options.Problem("sessions outlive their time to live") }
        usleep(250_000)
    }
    if let left = try? daemon.inits(), !left.isEmpty {
        throw Options.Problem("\(left.count) sandboxes outlive their sessions")
    }
    let late = try daemon.client.ask(SessionCall.list(all: true)).json().sessions.map { session in
        guard let created = session["created"]?.text.flatMap({ APITime($0) }),
            let ended = session["ended"]?.text.flatMap({ APITime($0) }), session["cause"]?.text == "ttl"
        else { throw Options.Problem("a session did not end by its time to live") }
        return Double(ended.milliseconds - created.milliseconds - Int64(ttl)) / 1000
    }
    guard late.count == count, let middle = median(late), let last = late.max() else {
        throw Options.Problem("\(late.count) of \(count) sessions are known to have ended")
    }
    try add("sessions/reaped", "s", [("p50", middle), ("last", last)], samples: count, results)
}

/// What sessions cost that nobody uses: memory, wake-ups, and the time that a list of them takes.
func measureIdle(_ corrald: String, _ options: Options, _ results: Results) throws {
    let count = options.counts.first ?? 1000
    let daemon = try MeasuredDaemon(corrald)
    // What the first session brings about, a cache perhaps, is no session's own.
    let first = try daemon.client.id(of: SessionCall.create())
    _ = try daemon.client.ask(SessionCall.remove(first))
    let before = try IdleMemory(daemon)
    _ = try makeSessions(count, daemon)
    let after = try IdleMemory(daemon)
    try add("sessions/memory", "KiB", after.figures(since: before, each: count), samples: count, results)
    let own = [
        ("alone", before.daemonResident), ("with sessions", after.daemonResident),
        ("each", (after.daemonResident - before.daemonResident) / Double(count)),
    ]
    try add("sessions/corrald", "KiB", own, samples: count, results)
    let switches = try wakeUps(of: daemon, seconds: min(options.seconds, 60))
    try add("sessions/wake-ups", "count", switches, samples: count, results)
    var times: [UInt64] = []
    for _ in 0..<max(10, min(options.rounds, 100)) {
        let (time, answer) = try daemon.client.timed(SessionCall.list())
        times.append(time)
        guard times.count == 1 else { continue }
        let listed = try answer.json().sessions.count
        guard listed == min(count, 1000) else { throw Options.Problem("\(listed) of \(count) are listed") }
    }
    if let list = Row(name: "list", times: times) {
        try add("sessions/list", "ms", list.figures, samples: times.count, results)
    }
}

/// Memory of sessions that idle, in KiB.
private struct IdleMemory {
    /// Proportional shares (proc(5), `Pss`).
    let inits: Double
    let warden: Double
    let daemon: Double
    /// Everything of corrald's that is resident.
    let daemonResident: Double
    let kernel: KernelMemory

    init(_ daemon: MeasuredDaemon) throws {
        kernel = try settledKernelMemory()
        inits = try daemon.inits().reduce(0) { try $0 + share(of: $1) }
        warden = try share(of: daemon.warden)
        self.daemon = try share(of: daemon.pid)
        daemonResident = try value("VmRSS", in: "/proc/\(daemon.pid)/status")
    }

    func figures(since before: IdleMemory, each count: Int) -> [Measurement.Figure] {
        let parts = [
            ("init", (inits - before.inits) / Double(count)),
            ("warden", (warden - before.warden) / Double(count)),
            ("corrald", (daemon - before.daemon) / Double(count)),
        ]
        let rest = kernel.figures(since: before.kernel, each: count)
        let own = rest.first { $0.name == "kernel" }?.value ?? 0
        return [("all", parts.reduce(own) { $0 + $1.1 })] + parts + rest
    }
}

private func share(of pid: pid_t) throws -> Double { try value("Pss", in: "/proc/\(pid)/smaps_rollup") }

/// The number behind a name, be it one of KiB or not.
private func value(_ name: String, in path: String) throws -> Double {
    let text = try FileDescriptor.open(path, O_RDONLY).readAll(limit: 65536)
    guard let value = MemoryText.kibibytes(name, in: text) else {
        throw Options.Problem("\(path) does not tell \(name)")
    }
    return Double(value)
}

/// How often the kernel gave a processor to each part while nobody asked for anything.
private func wakeUps(of daemon: MeasuredDaemon, seconds: Int) throws -> [Measurement.Figure] {
    let inits = try daemon.inits()
    let parts = [inits, [daemon.warden], [daemon.pid]]
    func count() throws -> [Double] {
        try parts.map { pids in try pids.reduce(0) { sum, pid in try sum + switches(of: pid) } }
    }
    // What was asked for last is over by then.
    sleep(2)
    let before = try count()
    sleep(UInt32(seconds))
    let grown = zip(try count(), before).map { $0 - $1 }
    return [("seconds", Double(seconds)), ("inits", grown[0]), ("warden", grown[1]), ("corrald", grown[2])]
}

/// Context switches of all threads.
private func switches(of pid: pid_t) throws -> Double {
    try FileDescriptor.open("/proc/\(pid)/task", O_RDONLY | O_DIRECTORY).entries().reduce(0) { sum, task in
        let path = "/proc/\(pid)/task/\(task.name)/status"
        return try sum + value("voluntary_ctxt_switches", in: path)
            + value("nonvoluntary_ctxt_switches", in: path)
    }
}
