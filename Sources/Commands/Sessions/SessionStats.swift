import Client
import Glibc
import Linux
import Tables
import Wire

/// What one session uses, with what was known of it before.
struct SessionUsage {
    let session: SessionAnswer
    let statistics: StatisticsAnswer
    /// CLOCK_BOOTTIME, when the daemon was asked.
    let at: BootTime
    /// Of one processor in percent since the time before; nil where there was none.
    var processor: Double?

    init(_ session: SessionAnswer, _ statistics: StatisticsAnswer, before: SessionUsage?) {
        self.session = session
        self.statistics = statistics
        at = Timer.now
        if let before, let now = statistics.cpuTime, let then = before.statistics.cpuTime, now >= then,
            at > before.at
        {
            processor = Double(now - then) * 1_000_000 / Double(at - before.at) * 100
        }
    }

    /// The session's id and name beside what the daemon said.
    var json: JSONText {
        .object { object in
            object.add("id", session.id)
            if let name = session.name { object.add("name", name) }
            object.add("state", session.state)
            if let processor { object.add("cpu_percent", (processor * 100).rounded() / 100) }
            if let limit = session.memoryLimit { object.add("memory_limit", limit) }
            if let limit = session.pidsLimit { object.add("pids_limit", limit) }
            guard case .object(let members) = statistics.json.value else { return }
            for member in members { object.add(member.key, member.value) }
        }
    }

    static var listing: Listing<SessionUsage> {
        Listing(
            columns: [
                .init("SESSION ID") { $1.id($0.session.id) },
                .init("NAME", least: 8) { usage, _ in usage.session.name ?? "" },
                .init("STATE", tint: { SessionListing.tint($0.session) }) { usage, _ in usage.session.state },
                .init("CPU %", isNumber: true) { usage, _ in percent(usage.processor) },
                .init("CPU TIME", isNumber: true) { usage, _ in
                    usage.statistics.cpuTime.map { DurationText.of(milliseconds: $0) } ?? "-"
                },
                .init("MEMORY / LIMIT", isNumber: true) { usage, _ in
                    usage.statistics.memory.map { SizeText.of($0, limit: usage.session.memoryLimit) } ?? "-"
                },
                .init("MOST", isNumber: true) { usage, _ in
                    usage.statistics.memoryPeak.map { SizeText.of($0) } ?? "-"
                },
                .init("PIDS / LIMIT", isNumber: true) { usage, _ in
                    let limit = usage.session.pidsLimit.map { "\($0)" } ?? "-"
                    return usage.statistics.pids.map { "\($0) / \(limit)" } ?? "-"
                },
                .init("KILLED FOR MEMORY", isNumber: true, isWide: true) { usage, _ in
                    usage.statistics.outOfMemoryKills.map { "\($0)" } ?? "-"
                },
                .init("FORKS REFUSED", isNumber: true, isWide: true) { usage, _ in
                    usage.statistics.pidsLimitHits.map { "\($0)" } ?? "-"
                },
            ],
            name: { $1.id($0.session.id) }, json: \.json)
    }

    private static func percent(_ value: Double?) -> String {
        guard let value else { return "-" }
        let tenths = UInt64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension SessionCommand {
    static let stats = Command(
        "session stats", summary: "Show what sessions use: memory, cpu time, processes.",
        operandsHelp: "[SESSION...]", operands: 0...Int.max, operandKinds: [.session],
        options: [
            .init("watch", short: "w", help: "show it again and again, until it is interrupted"),
            .init(
                "interval", value: "TIME", help: "between two times with --watch, such as 5s (default: 1s)"),
            .init("no-stream", help: "accepted for docker's sake: without --watch it is shown once"),
        ] + Command.Option.listing + DaemonAccess.options,
        examples: [
            "corral session stats", "corral session stats --watch web", "corral session stats -o jsonl",
        ],
        details: """
            Without SESSION those are shown that have not ended. CPU % is of one processor and between two times,
            so it takes --watch, which ends by itself once every SESSION that was named has ended, and goes on
            when a daemon is started anew.
            """
    ) { arguments in
        Failure.reported("session stats") { () throws(CommandError) in
            let interval = try SessionOptions.whole(arguments, "interval", SessionOptions.interval) ?? 1000
            let calls = SessionCalls(try DaemonAccess.address(arguments))
            var watch = StatsWatch(calls, arguments.operands)
            guard arguments.has("watch") else {
                let (usages, failures) = try CommandError.asking { () throws(ClientError) in
                    try watch.look()
                }
                let lines = SessionUsage.listing.lines(usages, arguments.presentation())
                for line in lines { Terminal.print(line) }
                return try tellFailures(failures, "session stats")
            }
            try watch.run(arguments, every: interval)
        }
    }

    static let top = Command(
        "session top", summary: "Show the processes that run in a session, and what it uses.",
        operandsHelp: "SESSION", operands: 1...1, operandKinds: [.session],
        options: Command.Option.listing + DaemonAccess.options, examples: ["corral session top web"],
        details: """
            Processes that were started by execs and as managed processes; what those have started in turn is
            in the session's sums, which stand above the table. PID is what the sandbox sees. JSON has the
            processes alone; corral session stats has the sums.
            """
    ) { arguments in
        Failure.reported("session top") { () throws(CommandError) in
            let calls = SessionCalls(try DaemonAccess.address(arguments))
            let presentation = arguments.presentation()
            let isTable = !presentation.isQuiet && [.table, .wide].contains(presentation.format)
            let (sums, processes) = try CommandError.asking { () throws(ClientError) in
                let session = try calls.inspect(arguments.operands[0])
                let sums = try isTable && session.isUp ? calls.statistics(session.id) : nil
                return (sums, try calls.processesForTop(session.id).filter { $0.state != "ended" })
            }
            if let sums { Terminal.print(sums.line) }
            for line in TopListing.processes.lines(processes, presentation) { Terminal.print(line) }
        }
    }
}

extension StatisticsAnswer {
    /// All that is known, in one line.
    fileprivate var line: String {
        var parts: [String] = []
        if let memory {
            let most = memoryPeak.map { " (at most \(SizeText.of($0)))" } ?? ""
            parts.append("memory \(SizeText.of(memory))\(most)")
        }
        if let cpuTime { parts.append("cpu time \(DurationText.of(milliseconds: cpuTime))") }
        if let pids { parts.append("\(pids) \(pids == 1 ? "process" : "processes and threads")") }
        return parts.joined(separator: ", ")
    }
}

/// How the processes of one session are shown by `top`.
enum TopListing {
    static var processes: Listing<RunningProcessAnswer> {
        Listing(
            columns: [
                .init("PID", isNumber: true) { process, _ in process.pid.map { "\($0)" } ?? "-" },
                .init("PROCESS ID") { $1.id($0.id) },
                .init("NAME", least: 8) { process, _ in process.name ?? "" },
                .init("KIND") { process, _ in process.kind },
                .init("STATE") { process, _ in process.state },
                .init("STARTED") { process, shown in process.started.map(shown.time) ?? "" },
                .init("WRITTEN", isNumber: true) { process, _ in SizeText.of(process.written) },
                .init("RESTARTS", isNumber: true, isWide: true) { process, _ in "\(process.restarts)" },
                .init("COMMAND", least: 12) { process, _ in process.argv.joined(separator: " ") },
            ],
            name: { $1.id($0.id) }, json: { JSONText.of($0.json) })
    }
}

/// Looks at sessions again and again.
struct StatsWatch {
    private let calls: SessionCalls
    private let words: [String]
    /// By id, of the time before.
    private var before: [String: SessionUsage] = [:]

    /// - Parameter words: those to look at; none for all.
    init(_ calls: SessionCalls, _ words: [String]) {
        self.calls = calls
        self.words = words
    }

    /// - Returns: what was found, and why not for those that were named and of which nothing was.
    mutating func look() throws(ClientError) -> (usages: [SessionUsage], failures: [CommandError]) {
        var usages: [SessionUsage] = []
        var failures: [CommandError] = []
        let names = words.isEmpty ? try calls.list().filter(\.isUp).map(\.id) : words
        for name in names {
            do throws(ClientError) {
                let session = try calls.inspect(name)
                guard session.isUp else {
                    let why = session.cause.map { " (\($0))" } ?? ""
                    failures.append(
                        CommandError("session \(name) does not run: it is \(session.state)\(why)"))
                    continue
                }
                let statistics = try calls.statistics(session.id)
                usages.append(SessionUsage(session, statistics, before: before[session.id]))
            } catch {
                guard error.isOfOne else { throw error }
                // Of all sessions, one that has ended in between is no failure.
                if !words.isEmpty { failures.append(CommandError(asking: error)) }
            }
        }
        before = Dictionary(usages.map { ($0.session.id, $0) }) { $1 }
        return (usages, failures)
    }

    /// Until every one that was named has ended.
    mutating func run(_ arguments: Arguments, every interval: UInt64) throws(CommandError) {
        var daemon = UntilAnswered("session stats")
        var isFirst = true
        while true {
            let (usages, failures) = try CommandError.asking { () throws(ClientError) in
                // Who asks a daemon that is not there is told so, and does not wait for it.
                try isFirst ? look() : daemon.ask { () throws(ClientError) in try look() }
            }
            if !words.isEmpty, usages.isEmpty {
                if isFirst { try SessionCommand.tellFailures(failures, "session stats") }
                return
            }
            if isFirst {
                for failure in failures { Terminal.error("corral session stats: \(failure)") }
            }
            show(SessionUsage.listing.lines(usages, arguments.presentation()), isFirst: isFirst)
            isFirst = false
            usleep(UInt32(clamping: interval * 1000))
        }
    }

    /// On a terminal in the place of what was shown before, as far as there are lines; else below it.
    private func show(_ lines: [String], isFirst: Bool) {
        guard isatty(1) == 1 else { return Terminal.print(lines.joined(separator: "\n")) }
        let height = Terminal.height(1) ?? 25
        var shown = lines
        if lines.count >= height {
            shown = lines.prefix(max(1, height - 2)) + ["... and \(lines.count - height + 2) more"]
        }
        // To the first place, each line and then the rest of the screen emptied behind (ECMA-48: CUP, EL, ED).
        let text = shown.map { "\($0)\u{1B}[K\n" }.joined()
        Terminal.write((isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H\(text)\u{1B}[J", to: 1)
    }
}
