import Client
import Linux
import Sandbox
import Tables
import Wire

// What happens, as it happens: `corral session events`.

extension SessionCommand {
    private static let eventKeys: [Filters.Key] = [
        .init("session"), .init("type"), .init("process"),
        .init("cause", .words(Cause.allCases.map(\.rawValue))),
    ]

    static let events = Command(
        "session events", summary: "Print what happens to sessions and their processes, as it happens.",
        options: [
            .init(
                "since", value: "TIME",
                help: "begin with what was then: 10m ago, 2026-11-21T10:00:00Z, 2026-11-21"),
            .init("until", value: "TIME", help: "end then; with a time that is past, once all is printed"),
            DaemonAccess.allTenants, .filter(eventKeys),
            .init(
                "output", short: "o", value: "table|jsonl",
                help: "table, the default, is a line for people; jsonl an object a line",
                kind: .words(["table", "jsonl"])),
        ] + DaemonAccess.options,
        examples: [
            "corral session events --since 10m -o jsonl", "corral session events -f session=web",
            "corral session events --since 1h --until 0s -f type=session.ended",
        ],
        details: """
            Goes on until it is interrupted, or --until. A daemon that is started anew is waited for, and what
            happened meanwhile is printed then. The daemon remembers the last few thousand events, and those
            before its own start not at all.
            """
    ) { arguments in
        Failure.reported("session events") { () throws(CommandError) in
            let now = WallTime.now
            let filters = try arguments.filters(eventKeys)
            let since = try arguments.time("since", now: now)
            let until = try arguments.time("until", now: now)
            if let since, let until, until < since {
                throw CommandError("--until: \(until.local) is before --since, which is \(since.local)")
            }
            let calls = SessionCalls(try DaemonAccess.address(arguments))
            let names = filters.all.filter { $0.key.name == "session" }.map(\.value)
            let ids = try CommandError.asking { () throws(ClientError) in
                try names.map { (name) throws(ClientError) in try calls.inspect(name).id }
            }
            var follower = EventFollower(
                calls.client, sessions: ids, everybodys: arguments.has("all-tenants"), since: since,
                until: until,
                now: now)
            let isJSON = arguments.value("output") == "jsonl"
            try CommandError.asking { () throws(ClientError) in
                try follower.run { event in
                    let passes = filters.accept { filter in filter.passes(event, sessions: ids) }
                    guard passes else { return }
                    Terminal.print(isJSON ? JSONText.of(event.json).description : event.line)
                }
            }
        }
    }
}

extension Filters.Filter {
    fileprivate func passes(_ event: EventAnswer, sessions: [String]) -> Bool {
        switch key.name {
        case "session": sessions.contains(event.session)
        case "type": event.type == value
        case "process": event.process?.hasPrefix(value) ?? false
        case "cause": event.more.contains { $0.name == "cause" && $0.value == value }
        default: false
        }
    }
}

extension EventAnswer {
    /// As docker has it: when, what, whose, and in parentheses what more there is.
    fileprivate var line: String {
        let more = more.map { "\($0.name)=\(SafeText.of($0.value))" }.joined(separator: ", ")
        return "\(time.local) \(SafeText.of(type)) \(SafeText.of(session))"
            + (more.isEmpty ? "" : " (\(more))")
    }
}

/// Takes events from one daemon after another, each of them once.
private struct EventFollower {
    private let client: DaemonClient
    /// The only session of interest; nil where there are several, or all are.
    private let session: String?
    /// Those of all tenants.
    private let everybodys: Bool
    private let since: WallTime?
    private let until: WallTime?
    private let began: WallTime
    private let deadline: BootTime?
    /// The number of the last event that came.
    private var last: String?
    private var isConnected = false
    private var daemon = UntilAnswered("session events")

    init(
        _ client: DaemonClient, sessions: [String], everybodys: Bool, since: WallTime?, until: WallTime?,
        now: WallTime
    ) {
        self.client = client
        session = sessions.count == 1 ? sessions[0] : nil
        self.everybodys = everybodys
        self.since = since
        self.until = until
        began = now
        // One that is past is the daemon's to keep: it knows when all of them have been sent.
        deadline = until.flatMap { until in
            until > now ? Timer.now + UInt64(until.milliseconds - now.milliseconds) * 1_000_000 : nil
        }
    }

    /// Until there is nothing more to come.
    mutating func run(_ handle: (EventAnswer) -> Void) throws(ClientError) {
        while true {
            do throws(ClientError) {
                try follow(handle)
                if let until, WallTime.now >= until { return }
                // A daemon that ends in order ends its streams.
                daemon.wait(.closed)
            } catch {
                if let deadline, Timer.now >= deadline { return }
                guard isConnected, error.isAway else { throw error }
                daemon.wait(error)
            }
        }
    }

    private mutating func follow(_ handle: (EventAnswer) -> Void) throws(ClientError) {
        var (last, daemon, isConnected) = (last, daemon, isConnected)
        defer { (self.last, self.daemon, self.isConnected) = (last, daemon, isConnected) }
        try client.events(
            request, deadline: deadline,
            opened: {
                isConnected = true
                daemon.isBack()
            }
        ) { (event) throws(ClientError) in
            last = event.id
            let json: JSONTree
            do throws(JSONTreeError) {
                json = try JSONTree(parsing: Array(event.data.utf8))
            } catch {
                throw .unexpected("an event is not JSON: \(error)")
            }
            // What happens to workspaces is of no session.
            let told = try EventAnswer(json)
            if !told.session.isEmpty { handle(told) }
            return true
        }
    }

    private var request: HTTPRequest {
        var query: [(String, String)] = []
        if everybodys { query.append(("all_tenants", "true")) }
        if let session { query.append(("session", session)) }
        // Who began without it has missed, at another daemon, what was since then.
        if let since = since ?? (isConnected ? began : nil) { query.append(("since", since.rfc3339)) }
        if let until { query.append(("until", until.rfc3339)) }
        let request = HTTPRequest(.get, ["v1", "events"], query: query)
        return last.map { request.with("Last-Event-ID", $0) } ?? request
    }
}
