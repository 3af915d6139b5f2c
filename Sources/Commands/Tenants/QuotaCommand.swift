import API
import Client
import Glibc
import Quotas
import Sandbox
import Tables
import Wire

/// `corral quota`: what tenants may have, have and have spent.
enum QuotaCommand {
    static let all: [Command] = [show, set, reset]

    private static let show = Command(
        "quota show", summary: "Print what tenants may have, have and have spent: one's own, or others'.",
        options: [
            .init("watch", short: "w", help: "print it again each second, until it is interrupted"),
            DaemonAccess.allTenants,
        ] + Command.Option.listing + DaemonAccess.options,
        examples: ["corral quota show --tenant red", "corral quota show -A"],
        details: """
            What is not in force is counted by nothing yet, and cannot be set, or it is a limit of disk that
            nothing enforces here: -o wide and -o json say why. More may be in use than a limit that was set
            since: nothing is ended for it, and nothing more begins. To operators who name no tenant (node) is
            what all tenants have together.
            """
    ) { arguments in
        Failure.reported("quota show") { () throws(CommandError) in
            let calls = try QuotaCalls(arguments)
            repeat {
                let rows = try calls.list(everybodys: arguments.has("all-tenants"))
                for line in listing.lines(rows, arguments.presentation()) { Terminal.print(line) }
                guard arguments.has("watch") else { return }
                usleep(1_000_000)
            } while true
        }
    }

    private static let set = Command(
        "quota set", summary: "Change what a tenant may have.", operandsHelp: "TENANT QUOTA=LIMIT...",
        operands: 2...Int.max,
        options: [
            .init(
                "if-version", value: "NUMBER",
                help: "only if nobody has changed the tenant since corral tenant inspect showed this version")
        ] + DaemonAccess.place,
        examples: [
            "corral quota set red sessions=10 memory=4GiB cpus=2 disk=20GiB",
            "corral quota set red execs_per_day=none creations_per_minute=60 cpu_time_per_day=8h",
        ],
        details: """
            Quotas are sessions, processes, memory, cpus, disk (what volumes may hold together), execs_per_day and
            cpu_time_per_day (UTC days) and creations_per_minute; none is no limit. A limit below what is in use is
            taken: nothing is ended, and nothing more begins.
            """
    ) { arguments in
        Failure.reported("quota set") { () throws(CommandError) in
            let version = try SessionOptions.whole(arguments, "if-version", Quantity(.count, 1...UInt64.max))
            let limits = try arguments.operands.dropFirst().map { (word) throws(CommandError) in
                try limit(word)
            }
            let request = JSONText.object { object in
                object.object("limits") { members in
                    for (quota, value) in limits {
                        members.add(quota.rawValue, value)
                    }
                }
                if let version { object.add("version", version) }
            }
            try QuotaCalls(arguments).change(arguments.operands[0], ["quotas"], request)
            Terminal.print(arguments.operands[0])
        }
    }

    private static let reset = Command(
        "quota reset", summary: "Forget what a tenant has spent of a quota, or what was set of it.",
        operandsHelp: "TENANT [QUOTA]", operands: 1...2,
        options: [
            .init(
                "to-plan",
                help: "what was set of the quota, or of all, is forgotten: the tenant's plan says what holds")
        ] + DaemonAccess.place,
        examples: ["corral quota reset red execs_per_day", "corral quota reset --to-plan red"],
        details:
            "Without --to-plan: what was spent of execs_per_day, cpu_time_per_day or creations_per_minute so far."
    ) { arguments in
        Failure.reported("quota reset") { () throws(CommandError) in
            let isToPlan = arguments.has("to-plan")
            let words = arguments.operands.dropFirst()
            let named = try words.map { (text) throws(CommandError) in try quota(text) }.first
            guard named != nil || isToPlan else {
                throw CommandError(
                    "which quota? expected execs_per_day, cpu_time_per_day or creations_per_minute")
            }
            let request = JSONText.object { object in
                if let named { object.add("quota", named.rawValue) }
                if isToPlan { object.add("to_plan", true) }
            }
            try QuotaCalls(arguments).change(arguments.operands[0], ["quotas", "reset"], request)
            Terminal.print(arguments.operands[0])
        }
    }

    /// Of `QUOTA=LIMIT`.
    private static func limit(_ word: String) throws(CommandError) -> (Quota, UInt64?) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw CommandError("\(quoted(word)) is no QUOTA=LIMIT") }
        let quota = try quota(String(parts[0]))
        do throws(ValueError) {
            return (quota, try quota.rule.readOrNone(String(parts[1])))
        } catch {
            throw CommandError("\(quota.rawValue): \(error.problem)")
        }
    }

    private static func quota(_ text: String) throws(CommandError) -> Quota {
        let quota: Quota
        do throws(ValueError) {
            quota = try Quota(named: text)
        } catch {
            throw CommandError(error.problem)
        }
        guard APIObject.enforcedQuotas.contains(text) else {
            throw CommandError("\(text) cannot be set: nothing counts it yet")
        }
        return quota
    }

    private static var listing: Listing<QuotaRow> {
        Listing(
            columns: [
                .init("TENANT", least: 8) { row, _ in row.tenant },
                .init("QUOTA") { row, _ in row.quota },
                .init("USED", isNumber: true) { row, _ in row.text(row.used) },
                .init("LIMIT", isNumber: true) { row, _ in row.text(row.limit) },
                .init("STATE") { row, _ in row.state },
                .init("BY") { row, _ in row.origin ?? "" },
                .init("WHY", isWide: true) { row, _ in row.reason },
                .init("RESETS") { row, shown in row.resets.map(shown.time) ?? "" },
            ],
            name: { row, _ in "\(row.tenant)/\(row.quota)" },
            json: { row in JSONText.of(row.json) })
    }
}

private struct QuotaCalls {
    let client: DaemonClient

    init(_ arguments: Arguments) throws(CommandError) { client = try DaemonAccess.client(arguments) }

    func list(everybodys: Bool) throws(CommandError) -> [QuotaRow] {
        let query = everybodys ? [("all_tenants", "true")] : []
        return try CommandError.asking { () throws(ClientError) in
            let answer = try client.ask(HTTPRequest(.get, ["v1", "quotas"], query: query)).json()
            var rows: [QuotaRow] = []
            for table in try AnswerMembers(answer).list("tenants") {
                let members = try AnswerMembers(table)
                let tenant = try members.need("tenant")
                for json in try members.list("quotas") { rows.append(try QuotaRow(json, of: tenant)) }
            }
            if let node = try AnswerMembers(answer).object("node") {
                // No tenant is called so.
                for json in try node.list("quotas") {
                    rows.append(try QuotaRow(json, of: "(node)"))
                }
            }
            return rows
        }
    }

    func change(_ tenant: String, _ words: [String], _ request: JSONText) throws(CommandError) {
        let path = ["v1", "tenants", try TenantCalls.part(tenant)] + words
        try CommandError.asking { () throws(ClientError) in
            _ = try client.ask(HTTPRequest(.post, path).with(json: request))
        }
    }
}

/// One quota of one tenant, as the daemon tells of it.
private struct QuotaRow {
    /// As it came, for JSON.
    let json: JSONTree
    let tenant: String
    let quota: String
    let state: String
    let origin: String?
    let reason: String
    let limit: UInt64?
    let used: UInt64?
    let resets: WallTime?

    init(_ json: JSONTree, of tenant: String) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        self.tenant = tenant
        quota = try members.need("quota")
        state = try members.need("state")
        origin = members.text("origin")
        reason = members.text("reason") ?? ""
        limit = members.whole("limit")
        used = members.whole("used")
        resets = members.time("resets")
    }

    /// As the quota's values are written.
    func text(_ value: UInt64?) -> String {
        guard let value else { return "-" }
        return Quota(rawValue: quota)?.rule.write(value) ?? "\(value)"
    }
}
