import API
import Client
import Glibc
import Sandbox
import Tables
import Trees
import Wire

/// `corral audit`: who did what, what was refused, and whether the records of it are as they were written.
enum AuditCommand {
    static let all: [Command] = [query, tail, verify, export]

    private static let since = Command.Option(
        "since", value: "TIME", help: "begin then: 10m ago, 2026-11-21T10:00:00Z, 2026-11-21")
    private static let filters: [Command.Option] = [
        .init("who", value: "UID|TOKEN", help: "of this user, or of whoever has the token of that name"),
        .init("action", value: "NAME", help: "such as session.create, or 'session.*' for all of them"),
        .init("object", value: "NAME", help: "to this: a session, session/process, a workspace, a tenant"),
        .init(
            "outcome", value: "WORD",
            help: "done, accepted, the code of a refusal, or refused for every refusal"),
    ]

    private static let query = Command(
        "audit query", summary: "Print who did what and what became of it.",
        options: [since, .init("until", value: "TIME", help: "end then")] + filters
            + Command.Option.listing + DaemonAccess.options,
        examples: [
            "corral audit query --since 1h --outcome refused",
            "corral audit query --action 'tenant.*' -o jsonl",
        ],
        details: """
            A change has a record of its own, and so has what was refused, a look included. One that was accepted and
            refused later has two. Of many refusals in one minute the last are counted in one record. Callers see the
            records of their own tenant's callers, operators everybody's.
            """
    ) { arguments in
        Failure.reported("audit query") { () throws(CommandError) in
            let now = WallTime.now
            let until = try arguments.time("until", now: now)
            var request = try AuditQuery(arguments, now: now)
            if let until { request.query.append(("until", until.rfc3339)) }
            let calls = try AuditCalls(arguments)
            let presentation = arguments.presentation(now: now)
            var found: [AuditRecord] = []
            try calls.each(request) { page in
                if presentation.format == .jsonl, !presentation.isQuiet {
                    for record in page { Terminal.print(record.json.description) }
                } else {
                    found += page
                }
            }
            if presentation.format != .jsonl || presentation.isQuiet {
                for line in listing.lines(found, presentation) { Terminal.print(line) }
            }
        }
    }

    private static let tail = Command(
        "audit tail", summary: "Print the last audit records, and those to come.",
        options: [
            .init("lines", short: "n", value: "N", help: "so many, at most 1000 (default: 10)"),
            .init("follow", short: "f", help: "go on until it is interrupted"),
        ] + filters
            + [
                .init(
                    "output", short: "o", value: "table|jsonl",
                    help: "table, the default, is a line for people; jsonl an object a line",
                    kind: .words(["table", "jsonl"]))
            ] + DaemonAccess.options,
        examples: ["corral audit tail -n 3", "corral audit tail -f --outcome refused"],
        details: "Looks at the last 10,000 records. With -f the daemon is asked each second."
    ) { arguments in
        Failure.reported("audit tail") { () throws(CommandError) in
            let count = try SessionOptions.whole(arguments, "lines", Quantity(.count, 1...1000)) ?? 10
            let isJSON = arguments.value("output") == "jsonl"
            let calls = try AuditCalls(arguments)
            var request = try AuditQuery(arguments)
            let show = { (record: AuditRecord) in
                Terminal.print(isJSON ? record.json.description : record.line)
            }
            // Before the records are asked for, so that none falls in between.
            let reached = arguments.has("follow") ? try calls.end() : 0
            var last: Int64 = 0
            for record in try calls.last(count, request) {
                show(record)
                last = record.number
            }
            guard arguments.has("follow") else { return }
            request.after = max(reached, last)
            while true {
                usleep(1_000_000)
                request.after = try calls.each(request) { page in page.forEach(show) }
            }
        }
    }

    private static let verify = Command(
        "audit verify", summary: "Check whether all audit records are as they were written.",
        operandsHelp: "[FILE...]", operands: 0...Int.max, operandKinds: [.file],
        options: [
            .init(
                "after", value: "NUMBER:DIGEST",
                help: "a mark that was kept elsewhere: the records have to follow that one")
        ] + ConfigCommand.options,
        examples: ["corral audit verify", "corral audit verify january.jsonl february.jsonl"],
        details: """
            Without a file the daemon's own records are checked, by an operator; with files, those that corral audit
            export wrote, without a daemon, each going on where the one before it ends. What is printed last is a
            mark: kept on another machine, it shows later that nobody has made a new chain. Exit code 0: all is as it
            was written; 1: it could not be checked; 3: something was changed or is missing, and each such place is
            printed with its file, line and record.
            """
    ) { arguments in
        do throws(CommandError) {
            return try AuditCheck(arguments).run(arguments.operands) ? ExitCode.success : ExitCode.broken
        } catch {
            Terminal.error("corral audit verify: \(error)")
            return ExitCode.failure
        }
    }

    private static let export = Command(
        "audit export",
        summary: "Print all audit records as JSON lines that can be checked without a daemon.",
        options: [
            since,
            .init("after", value: "NUMBER", help: "go on behind this record, the end of the last export"),
        ] + ConfigCommand.options,
        examples: ["corral audit export >all.jsonl", "corral audit export --after 1000 >more.jsonl"],
        details: """
            For operators, who see all of them. The last line says how far it got: without it the file was cut off. A
            later export with --after and the number there goes on, so that files can be kept for as long as need be
            while the daemon drops what is older than audit.retention.
            """
    ) { arguments in
        Failure.reported("audit export") { () throws(CommandError) in
            let after = try SessionOptions.whole(
                arguments, "after", Quantity(.count, 0...UInt64(AuditMark.mostNumber)))
            try AuditCalls(arguments).export(
                after: Int64(clamping: after ?? 0), since: try arguments.time("since"))
        }
    }

    private static var listing: Listing<AuditRecord> {
        Listing(
            columns: [
                .init("SEQ", isNumber: true) { record, _ in "\(record.number)" },
                .init("TIME") { record, shown in
                    shown.time(WallTime(milliseconds: record.entry.wall))
                },
                .init("WHO") { record, _ in SafeText.of(record.who) },
                .init("TENANT") { record, _ in SafeText.of(record.entry.tenant ?? "-") },
                .init("ACTION", least: 8) { record, _ in SafeText.of(record.entry.what) },
                .init("OBJECT", least: 12) { record, _ in SafeText.of(record.entry.object ?? "-") },
                .init("OUTCOME") { record, _ in SafeText.of(record.became) },
                .init("TRACE", isWide: true) { record, _ in SafeText.of(record.entry.trace ?? "-") },
            ],
            name: { record, _ in "\(record.number)" },
            json: { record in record.json })
    }
}

extension AuditRecord {
    fileprivate var who: String {
        entry.token.map { "token \($0)" } ?? entry.uid.map { "uid \($0)" } ?? "-"
    }

    fileprivate var became: String { entry.outcome + (entry.count.map { " x \($0)" } ?? "") }

    fileprivate var line: String {
        let words = [who, entry.tenant ?? "-", entry.what, entry.object ?? "-", became].map(SafeText.of)
        return "\(number) \(WallTime(milliseconds: entry.wall).local) \(words.joined(separator: " "))"
    }
}
