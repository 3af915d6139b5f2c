import Client
import Sandbox
import Tables
import Wire

/// `corral token`: by what those are known to a daemon who are no users of its machine.
enum TokenCommand {
    /// In the order that help shows.
    static let all: [Command] = [
        create, list("list", isHidden: false), list("ls", isHidden: true), revoke,
    ]

    private static let roles = ["viewer", "client", "operator", "admin"]

    private static let create = Command(
        "token create", summary: "Make a token, and print it: this once, and nowhere else.",
        options: [
            .init(
                "role", value: roles.joined(separator: "|"),
                help: "what whoever has it may do: docs/access.md",
                kind: .words(roles)),
            .init("name", value: "NAME", help: "how lists and revoke call it (default: made of role and id)"),
            .init(
                "expires", value: "TIME",
                help: "in how long it expires, such as 12h or 30d, or none for never (default: 30d)"),
        ] + DaemonAccess.options,
        examples: [
            "corral token create --role client --tenant red --name ci --expires 30d >ci.token",
            "corral token create --role viewer --expires none",
        ],
        details: """
            A token is for the TCP socket (listen.tcp of corral.yaml), and good at the unix one as well. It is of one
            tenant; operators and administrators see what all have. Kept of it is a digest: who loses a token makes
            another. Use it by CORRAL_TOKEN or --token-file.
            """
    ) { arguments in
        Failure.reported("token create") { () throws(CommandError) in
            guard let role = arguments.value("role") else {
                throw CommandError("--role is missing; expected one of \(roles.joined(separator: ", "))")
            }
            guard roles.contains(role) else {
                let cure =
                    suggestion(for: role, in: roles) ?? "expected one of \(roles.joined(separator: ", "))"
                throw CommandError("--role: \(quoted(role)) is not a role; \(cure)")
            }
            let expires = try arguments.value("expires").map { (text) throws(CommandError) in
                try lifetime(text)
            }
            let request = JSONText.object { object in
                object.add("role", role)
                if let name = arguments.value("name") { object.add("name", name) }
                if let expires { object.add("lifetime", expires) }
            }
            Terminal.print(try TokenCalls(arguments).create(request))
        }
    }

    private static let revoke = Command(
        "token revoke", summary: "Have tokens refused from now on, and end what they began to follow.",
        operandsHelp: "TOKEN...", operands: 1...Int.max, options: DaemonAccess.place,
        examples: ["corral token revoke ci"],
        details: "TOKEN is its name, or its id as corral token list shows it; never the token itself."
    ) { arguments in
        Failure.reported("token revoke") { () throws(CommandError) in
            let calls = try TokenCalls(arguments)
            for name in arguments.operands {
                guard !name.hasPrefix("corral_") else {
                    throw CommandError(
                        "a token itself was given, and is in the history of this shell now; expected its name or id"
                    )
                }
                try calls.revoke(name)
                Terminal.print(name)
            }
        }
    }

    /// - Parameter isHidden: of docker's other name for it.
    private static func list(_ word: String, isHidden: Bool) -> Command {
        Command(
            "token \(word)", summary: "List tokens, without the tokens themselves.",
            options: Command.Option.listing + DaemonAccess.options,
            examples: ["corral token \(word)", "corral token \(word) --tenant red"], isHidden: isHidden
        ) { arguments in
            Failure.reported("token \(word)") { () throws(CommandError) in
                let found = try TokenCalls(arguments).list()
                for line in listing.lines(found, arguments.presentation()) { Terminal.print(line) }
            }
        }
    }

    private static var listing: Listing<TokenAnswer> {
        Listing(
            columns: [
                .init("ID") { token, _ in token.id },
                .init("NAME", least: 8) { token, _ in token.name },
                .init("ROLE") { token, _ in token.role },
                .init("TENANT", least: 8) { token, _ in token.tenant },
                .init("CREATED") { token, shown in token.created.map(shown.time) ?? "" },
                .init("EXPIRES") { token, shown in token.expires.map(shown.time) ?? "never" },
                .init("REVOKED") { token, shown in token.revoked.map(shown.time) ?? "" },
            ],
            name: { token, _ in token.name },
            json: { token in JSONText.of(token.json) })
    }

    /// The outer nil is for never; days are written here only.
    private static func lifetime(_ text: String) throws(CommandError) -> UInt64? {
        let most: UInt64 = 3650 * 86_400_000
        if text.hasSuffix("d"), let days = UInt64(text.dropLast()), (1...3650).contains(days) {
            return days * 86_400_000
        }
        let rule = Quantity(.duration, 1000...most, orNone: true)
        return try SessionOptions.named("expires") { () throws(ValueError) in try rule.readOrNone(text) }
    }
}

/// What commands ask a daemon about tokens.
private struct TokenCalls {
    let client: DaemonClient

    init(_ arguments: Arguments) throws(CommandError) { client = try DaemonAccess.client(arguments) }

    /// - Returns: its text.
    func create(_ request: JSONText) throws(CommandError) -> String {
        try CommandError.asking { () throws(ClientError) in
            let made = try client.ask(HTTPRequest(.post, ["v1", "tokens"]).with(json: request)).json()
            return try AnswerMembers(made).need("token")
        }
    }

    func list() throws(CommandError) -> [TokenAnswer] {
        try CommandError.asking { () throws(ClientError) in
            let answer = try AnswerMembers(try client.ask(HTTPRequest(.get, ["v1", "tokens"])).json())
            return try answer.list("tokens").map { (json) throws(ClientError) in try TokenAnswer(json) }
        }
    }

    func revoke(_ name: String) throws(CommandError) {
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")) else {
            throw CommandError("there is no token \(quoted(name))")
        }
        let request = HTTPRequest(.delete, ["v1", "tokens", name])
        _ = try CommandError.asking { () throws(ClientError) in try client.ask(request) }
    }
}

/// A token as the daemon tells of it.
private struct TokenAnswer {
    /// As it came, for JSON.
    let json: JSONTree
    let id: String
    let name: String
    let role: String
    let tenant: String
    let created: WallTime?
    let expires: WallTime?
    let revoked: WallTime?

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        id = try members.need("id")
        name = try members.need("name")
        role = try members.need("role")
        tenant = try members.need("tenant")
        created = members.time("created")
        expires = members.time("expires")
        revoked = members.time("revoked")
    }
}
