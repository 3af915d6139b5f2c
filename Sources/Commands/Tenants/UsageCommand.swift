import Client
import Sandbox
import Tables
import Wire

/// `corral usage`: what tenants used in a month.
enum UsageCommand {
    private static let formats = ["table", "csv", "json"]

    static let command = Command(
        "usage", summary: "Print what tenants used in a month: one's own, or others'.",
        options: [
            .init("month", value: "YYYY-MM", help: "of UTC (default: this one, up to now)"),
            DaemonAccess.allTenants,
            .init(
                "output", short: "o", value: formats.joined(separator: "|"),
                help: "table is the default; csv has a line for each day, json both", kind: .words(formats)),
        ] + DaemonAccess.options,
        examples: [
            "corral usage", "corral usage --tenant red --month 2026-11 -o csv", "corral usage -A -o json",
        ],
        details: """
            Session-hours are of sessions that run or have ended, execs those that were taken in, cpu seconds those of
            processes that have ended, and byte-hours those of volumes, by their limits. Days are those of UTC.
            """
    ) { arguments in
        Failure.reported("usage") { () throws(CommandError) in
            var query: [(String, String)] = []
            if let month = arguments.value("month") { query.append(("month", month)) }
            if arguments.has("all-tenants") { query.append(("all_tenants", "true")) }
            let client = try DaemonAccess.client(arguments)
            let format = arguments.value("output") ?? formats[0]
            let lines: [String] = try CommandError.asking { () throws(ClientError) in
                let json = try client.ask(HTTPRequest(.get, ["v1", "usage"], query: query)).json()
                let answer = try AnswerMembers(json)
                let tenants = try answer.list("tenants")
                switch format {
                case "json":
                    return [IndentedJSON.text(JSONText.of(json))]
                case "csv": return try csv(tenants)
                default: return try table(tenants, month: answer.need("month"))
                }
            }
            for line in lines { Terminal.print(line) }
        }
    }

    private static func csv(_ tenants: [JSONTree]) throws(ClientError) -> [String] {
        var lines = ["tenant,day,session_hours,execs,cpu_seconds,byte_hours"]
        for json in tenants {
            let tenant = try AnswerMembers(json)
            let name = try tenant.need("tenant")
            for day in try tenant.list("days") {
                let members = try AnswerMembers(day)
                let used = Used(members)
                lines.append(
                    "\(name),\(try members.need("day")),\(used.sessionHours),\(used.execs),\(used.cpuSeconds),"
                        + "\(used.byteHours)")
            }
        }
        return lines
    }

    private static func table(_ tenants: [JSONTree], month: String) throws(ClientError) -> [String] {
        var rows = [["TENANT", "MONTH", "SESSION-HOURS", "EXECS", "CPU-SECONDS", "BYTE-HOURS"]]
        for json in tenants {
            let members = try AnswerMembers(json)
            let used = Used(members)
            rows.append([
                try members.need("tenant"), month, used.sessionHours, "\(used.execs)", used.cpuSeconds,
                "\(used.byteHours)",
            ])
        }
        return Columns.lines(rows)
    }

    /// Of a month or a day.
    private struct Used {
        let sessionHours: String
        let execs: UInt64
        let cpuSeconds: String
        let byteHours: UInt64

        init(_ members: AnswerMembers) {
            sessionHours = decimal(members.whole("session_milliseconds") ?? 0, per: 3_600_000)
            execs = members.whole("execs") ?? 0
            cpuSeconds = decimal(members.whole("cpu_milliseconds") ?? 0, per: 1000)
            byteHours = members.whole("byte_hours") ?? 0
        }
    }

    /// With three decimals, cut and not rounded.
    static func decimal(_ value: UInt64, per unit: UInt64) -> String {
        let thousandths = String(1000 + value % unit * 1000 / unit).dropFirst()
        return "\(value / unit).\(thousandths)"
    }
}
