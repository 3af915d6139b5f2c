import Client
import Sandbox
import Tables
import Wire

/// `corral tenant`: the parties that share a daemon, which know nothing of each other's sessions and workspaces.
enum TenantCommand {
    /// In the order that help shows.
    static let all: [Command] = [
        create, list("list", isHidden: false), list("ls", isHidden: true), inspect, set, remove,
    ]

    private static let description = Command.Option(
        "description", value: "TEXT", help: "say who that is", group: .report)

    private static let plan = Command.Option(
        "plan", value: "PLAN",
        help: "which profiles it has, what requests may not change, quotas: corral plan list")

    /// - Parameter other: a word that is taken as well; nil for none.
    private static func weight(_ other: String?) -> Command.Option {
        .init(
            "weight", value: other.map { "NUMBER|\($0)" } ?? "NUMBER",
            help: "of its sessions together beside those of others, 1 to 10000; 100 is usual")
    }

    private static func weight(of arguments: Arguments) throws(CommandError) -> UInt64? {
        try SessionOptions.whole(arguments, "weight", Quantity(.count, 1...10_000))
    }

    static let create = Command(
        "tenant create", summary: "Make a tenant, and print its name.", operandsHelp: "NAME", operands: 1...1,
        options: [description, plan, weight(nil)] + DaemonAccess.place,
        examples: [
            "corral tenant create red", "corral tenant create --description 'the red team' --plan free red",
        ],
        details: """
            Users of this machine are of a tenant by tenants.uids of corral.yaml, such as [1000=red], and others of
            the tenant default. Root, and whoever runs a daemon of their own, is the administrator of all of them.
            """
    ) { arguments in
        Failure.reported("tenant create") { () throws(CommandError) in
            let weight = try weight(of: arguments)
            let request = JSONText.object { object in
                object.add("name", arguments.operands[0])
                if let text = arguments.value("description") { object.add("description", text) }
                if let plan = arguments.value("plan") { object.add("plan", plan) }
                if let weight { object.add("weight", weight) }
            }
            let made = try TenantCalls(arguments).create(request)
            Terminal.print(made.name)
        }
    }

    static let set = Command(
        "tenant set", summary: "Change what is noted of a tenant.", operandsHelp: "TENANT", operands: 1...1,
        options: [
            description,
            .init("plan", value: "PLAN|none", help: "another plan, from the next session on"),
            weight("none"),
            .init(
                "if-version", value: "NUMBER",
                help: "only if nobody has changed it since corral tenant inspect showed this version"),
        ] + DaemonAccess.place,
        examples: [
            "corral tenant set --description 'the red team' --if-version 1 red",
            "corral tenant set --plan pro red", "corral tenant set --weight 300 red",
        ],
        details: """
            Sessions that there are keep what they began with, but for the weight, which holds at once: none is what
            the plan says. corral tenant inspect tells whether the kernel goes by it.
            """
    ) { arguments in
        Failure.reported("tenant set") { () throws(CommandError) in
            let version = try SessionOptions.whole(
                arguments, "if-version", Quantity(.count, 1...UInt64.max))
            let isUnweighed = arguments.value("weight") == "none"
            let weight = isUnweighed ? nil : try weight(of: arguments)
            let request = JSONText.object { object in
                if let text = arguments.value("description") { object.add("description", text) }
                if let plan = arguments.value("plan") { object.add("plan", plan == "none" ? nil : plan) }
                if isUnweighed || weight != nil { object.add("weight", weight) }
                if let version { object.add("version", version) }
            }
            let changed = try TenantCalls(arguments).set(arguments.operands[0], request)
            Terminal.print(changed.name)
        }
    }

    static let remove = Command(
        "tenant rm", summary: "Remove tenants that have no workspaces and no sessions but ended ones.",
        operandsHelp: "TENANT...", operands: 1...Int.max, options: DaemonAccess.place,
        examples: ["corral tenant rm red"],
        details: "The records of its sessions go with it; those in the audit stay."
    ) { arguments in
        Failure.reported("tenant rm") { () throws(CommandError) in
            let calls = try TenantCalls(arguments)
            for name in arguments.operands {
                try calls.remove(name)
                Terminal.print(name)
            }
        }
    }

    static let inspect = Command(
        "tenant inspect", summary: "Print all there is to know about tenants, as JSON.",
        operandsHelp: "TENANT...", operands: 1...Int.max, options: DaemonAccess.place,
        examples: ["corral tenant inspect red | jq '.[].sessions'"],
        details:
            "One array with an object for each, of the members that docs/openapi.json describes as Tenant."
    ) { arguments in
        Failure.reported("tenant inspect") { () throws(CommandError) in
            let calls = try TenantCalls(arguments)
            let found = try arguments.operands.map { (name) throws(CommandError) in try calls.inspect(name) }
            Terminal.print(
                IndentedJSON.text(JSONText.array { list in for tenant in found { list.add(tenant.json) } }))
        }
    }

    /// - Parameter isHidden: of docker's other name for it.
    private static func list(_ word: String, isHidden: Bool) -> Command {
        Command(
            "tenant \(word)", summary: "List tenants: all of them for administrators, or one's own.",
            options: Command.Option.listing + DaemonAccess.place, examples: ["corral tenant \(word)"],
            isHidden: isHidden
        ) { arguments in
            Failure.reported("tenant \(word)") { () throws(CommandError) in
                let found = try TenantCalls(arguments).list()
                for line in listing.lines(found, arguments.presentation()) { Terminal.print(line) }
            }
        }
    }

    private static var listing: Listing<TenantAnswer> {
        Listing(
            columns: [
                .init("NAME", least: 8) { tenant, _ in tenant.name },
                .init("SESSIONS", isNumber: true) { tenant, _ in "\(tenant.sessions)" },
                .init("WORKSPACES", isNumber: true) { tenant, _ in "\(tenant.workspaces)" },
                .init("PLAN") { tenant, _ in tenant.plan ?? "" },
                .init("USERS") { tenant, _ in tenant.uids.joined(separator: ",") },
                .init("CREATED") { tenant, shown in tenant.created.map(shown.time) ?? "" },
                .init("DESCRIPTION") { tenant, _ in tenant.description },
            ],
            name: { tenant, _ in tenant.name },
            json: { tenant in JSONText.of(tenant.json) })
    }
}

/// What commands ask a daemon about tenants, a function for each operation.
struct TenantCalls {
    let client: DaemonClient

    init(_ arguments: Arguments) throws(CommandError) {
        client = try DaemonAccess.client(arguments)
    }

    func create(_ request: JSONText) throws(CommandError) -> TenantAnswer {
        try answer(HTTPRequest(.post, ["v1", "tenants"]).with(json: request))
    }

    func inspect(_ name: String) throws(CommandError) -> TenantAnswer {
        try answer(HTTPRequest(.get, ["v1", "tenants", try Self.part(name)]))
    }

    func set(_ name: String, _ request: JSONText) throws(CommandError) -> TenantAnswer {
        try answer(HTTPRequest(.post, ["v1", "tenants", try Self.part(name), "set"]).with(json: request))
    }

    func remove(_ name: String) throws(CommandError) {
        let request = HTTPRequest(.delete, ["v1", "tenants", try Self.part(name)])
        _ = try CommandError.asking { () throws(ClientError) in try client.ask(request) }
    }

    func list() throws(CommandError) -> [TenantAnswer] {
        try CommandError.asking { () throws(ClientError) in
            let answer = try AnswerMembers(try client.ask(HTTPRequest(.get, ["v1", "tenants"])).json())
            return try answer.list("tenants").map { (json) throws(ClientError) in try TenantAnswer(json) }
        }
    }

    private func answer(_ request: HTTPRequest) throws(CommandError) -> TenantAnswer {
        try CommandError.asking { () throws(ClientError) in try TenantAnswer(try client.ask(request).json()) }
    }

    /// Some names no path can say: the daemon would take the empty one for the list.
    static func part(_ name: String) throws(CommandError) -> String {
        if name.isEmpty || name.utf8.contains(UInt8(ascii: "/")) || [".", ".."].contains(name) {
            throw CommandError("there is no tenant \(quoted(name))")
        }
        return name
    }
}

/// A tenant as the daemon tells of it.
struct TenantAnswer {
    /// As it came, for JSON.
    let json: JSONTree
    let name: String
    let description: String
    let created: WallTime?
    let sessions: UInt64
    let workspaces: UInt64
    let uids: [String]
    let plan: String?

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        name = try members.need("name")
        description = members.text("description") ?? ""
        created = members.time("created")
        sessions = members.whole("sessions") ?? 0
        workspaces = members.whole("workspaces") ?? 0
        uids = members.words("uids")
        plan = members.text("plan")
    }
}
