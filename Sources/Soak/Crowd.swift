import CLinux
import Glibc
import Linux
import TestSupport

/// Runs `corral run` again and again, some at a time, and kills most of them at random moments.
struct Crowd {
    let corral: String
    let width: Int
    /// Whether the times of the runs that are left alone are kept.
    let timed: Bool
    /// Where mixed runs have a workspace; nil where all runs are the same but for how they end.
    let workspace: String?

    /// Runs one sandbox to its end, which also removes the cgroups of those that were killed before.
    static func sweep(_ corral: String) throws {
        let outcome = try Program.run([corral, "run", "--", "/usr/bin/true"], timeout: 60)
        guard outcome.status == 0 else {
            throw Options.Problem(description: "corral run does not work here: \(outcome.errors)")
        }
    }

    func run(_ count: Int, from first: Int, into phase: inout Phase, _ random: inout Seeded) throws {
        var running: [CrowdRun] = []
        var started = 0
        // Kills fall between the start and a good while after it, however long it takes here and now.
        var reach = 0.02
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        while started < count || !running.isEmpty {
            while running.count < width, started < count {
                let order = random.pick(Order.all)
                let manner = workspace.map { Manner.any($0, &random) } ?? .plain
                let delay = Double.random(in: 0...1.5, using: &random) * reach
                running.append(
                    try CrowdRun(
                        corral, order, manner, cycle: first + started, after: delay, null: null))
                started += 1
            }
            try wait(running)
            for run in running { try run.strikeIfDue() }
            for run in running where try run.hasEnded() {
                let (outcome, expected) = run.outcome
                phase.count(outcome, isExpected: expected, run.details)
                guard run.order.isLeftAlone else { continue }
                reach += (run.elapsed - reach) / 8
                if timed { phase.starts.append((run.cycle, UInt64(run.elapsed * 1e9))) }
            }
            running.removeAll(where: \.isOver)
        }
    }

    /// Until a run ends or one is due to be killed.
    private func wait(_ running: [CrowdRun]) throws {
        var ends = running.map { pollfd(fd: $0.pidfd.number, events: Int16(POLLIN), revents: 0) }
        let due = running.compactMap(\.due).min() ?? Host.now + 1
        let microseconds = max(0, due - Host.now) * 1e6
        // poll(2) counts milliseconds.
        if microseconds < 1000 { usleep(UInt32(microseconds)) }
        _ = try call("poll") { unsafe poll(&ends, nfds_t(ends.count), CInt(microseconds / 1000)) }
    }
}

/// What is done to a run, and how it may end then.
struct Order: Sendable {
    enum Target: String, Sendable {
        case corral, sandboxInit = "init", program
    }

    /// Nil for one that is left alone.
    let target: Target?
    let signal: CInt
    /// Exit codes, and signals as their negative numbers.
    let ends: Set<CInt>

    var isLeftAlone: Bool { target == nil }

    /// corral dies of a signal that it had no time to take over. Who loses its init before the program
    /// runs has not launched (125). A program that is killed between its clone and its exec as well.
    static let all: [Order] = [
        Order(target: nil, signal: 0, ends: [0]),
        Order(target: .corral, signal: SIGKILL, ends: [-SIGKILL]),
        Order(target: .corral, signal: SIGTERM, ends: [143, -SIGTERM]),
        Order(target: .corral, signal: SIGINT, ends: [130, -SIGINT]),
        Order(target: .sandboxInit, signal: SIGKILL, ends: [137, 125]),
        Order(target: .program, signal: SIGKILL, ends: [137]),
        Order(target: .program, signal: SIGTERM, ends: [143]),
    ]

    var name: String {
        guard let target else { return "left alone" }
        let names = [SIGKILL: "SIGKILL", SIGTERM: "SIGTERM", SIGINT: "SIGINT"]
        return "\(names[signal] ?? "signal \(signal)") to \(target.rawValue)"
    }
}
