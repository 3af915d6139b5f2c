import API
import Client
import Sandbox
import Tables
import Wire

extension SessionCommand {
    static let listKeys: [Filters.Key] = [
        .init("label", .label), .init("state", .words(APIObject.sessionStates)), .init("name"), .init("id"),
        .init("profile"), .init("image"), .init("tenant"),
        .init("cause", .words(Cause.allCases.map(\.rawValue))),
    ]

    /// What docker, podman and everybody's fingers have for `session list`.
    static let ps = list("ps", details: "The same as corral session list.")

    /// - Parameters:
    ///   - name: the words that call it, which its examples and errors have as well.
    ///   - details: what is said of this name alone.
    ///   - isHidden: of docker's other names for it.
    static func list(_ name: String, details: String = "", isHidden: Bool = false) -> Command {
        Command(
            name, summary: "List the sessions that have not ended, the newest first.",
            options: [
                .init("all", short: "a", help: "list those that have ended as well"),
                DaemonAccess.allTenants, .filter(listKeys),
            ] + Command.Option.listing + DaemonAccess.options,
            examples: [
                "corral \(name)", "corral \(name) -a -f label=team=red -f state=ended",
                "corral \(name) -q --no-trunc",
            ],
            details: [details, "A filter for a state or a cause lists those that have ended as well."]
                .filter { !$0.isEmpty }.joined(separator: "\n"),
            isHidden: isHidden
        ) { arguments in
            Failure.reported(name) { () throws(CommandError) in
                let filters = try arguments.filters(listKeys)
                let calls = SessionCalls(try DaemonAccess.address(arguments))
                let sessions = try found(
                    filters, all: arguments.has("all"), everybodys: arguments.has("all-tenants"), calls)
                for line in SessionListing.sessions.lines(sessions.reversed(), arguments.presentation()) {
                    Terminal.print(line)
                }
            }
        }
    }

    /// What filters let pass, in the order of creation.
    static func found(
        _ filters: Filters, all: Bool, everybodys: Bool = false, _ calls: SessionCalls
    ) throws(CommandError) -> [SessionAnswer] {
        func only(_ key: String) -> String? {
            let values = filters.all.filter { $0.key.name == key }.map(\.value)
            return values.count == 1 ? values[0] : nil
        }
        let isAboutEnds = filters.all.contains { ["state", "cause"].contains($0.key.name) }
        // The daemon looks for one label and one state, which spares it the others.
        let sessions = try CommandError.asking { () throws(ClientError) in
            try calls.list(
                all: all || isAboutEnds, state: only("state"), label: only("label"), everybodys: everybodys)
        }
        return sessions.filter { session in filters.accept { $0.passes(session) } }
    }

    static let inspect = Command(
        "session inspect", summary: "Print all there is to know about sessions, as JSON.",
        operandsHelp: "SESSION...", operands: 1...Int.max, operandKinds: [.session],
        options: DaemonAccess.options,
        examples: ["corral session inspect web", "corral session inspect web 3f2a | jq '.[].limits'"],
        details: """
            One array with an object for each, of the members that docs/openapi.json describes as Session.
            Those that there are none of are told on standard error, behind the others; exit code 1 then.
            """
    ) { arguments in
        Failure.reported("session inspect") { () throws(CommandError) in
            let calls = SessionCalls(try DaemonAccess.address(arguments))
            var sessions: [SessionAnswer] = []
            var failures: [CommandError] = []
            for word in arguments.operands {
                do throws(ClientError) {
                    sessions.append(try calls.inspect(word))
                } catch {
                    let failure = CommandError(asking: error)
                    guard error.isOfOne else { throw failure }
                    failures.append(failure)
                }
            }
            let json = JSONText.array { list in for session in sessions { list.add(session.json) } }
            if sessions.isEmpty { Terminal.print("[]") } else { Terminal.print(IndentedJSON.text(json)) }
            try tellFailures(failures, "session inspect")
        }
    }

    /// All but the last at once; the last is thrown.
    static func tellFailures(_ failures: [CommandError], _ command: String) throws(CommandError) {
        var failures = failures
        guard let last = failures.popLast() else { return }
        for failure in failures { Terminal.error("corral \(command): \(failure)") }
        throw last
    }
}

extension Filters.Filter {
    fileprivate func passes(_ session: SessionAnswer) -> Bool {
        switch key.name {
        case "label":
            let labels = Dictionary(session.labels.map { ($0.name, $0.value) }) { $1 }
            return Filters.label(value, matches: labels)
        case "state": return session.state == value
        case "name": return session.name == value
        case "id": return session.id.hasPrefix(value)
        case "profile": return session.profile == value
        case "image": return session.image == value
        case "tenant": return session.tenant == value
        case "cause": return session.cause == value
        default: return false
        }
    }
}

/// How sessions are listed.
enum SessionListing {
    static var sessions: Listing<SessionAnswer> {
        Listing(
            columns: [
                .init("SESSION ID") { $1.id($0.id) },
                .init("NAME", least: 8) { session, _ in session.name ?? "" },
                .init("PROFILE", least: 7) { session, _ in session.profile },
                .init("IMAGE", least: 7) { session, _ in session.image },
                .init("STATE", tint: tint) { session, _ in state(session) },
                .init("CREATED") { session, shown in session.created.map(shown.time) ?? "" },
                .init("EXPIRES") { session, shown in expiry(session, shown) },
                .init("PROCESSES", isNumber: true, isWide: true) { session, _ in "\(session.processes)" },
                .init("LAST USED", isWide: true) { session, shown in session.lastUsed.map(shown.time) ?? "" },
                .init("ENDED", isWide: true) { session, shown in session.ended.map(shown.time) ?? "" },
                .init("WORKSPACE", isWide: true) { session, _ in session.workspace?.text ?? "" },
                .init("LABELS", isWide: true) { session, _ in
                    session.labels.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
                },
                .init("TENANT", isWide: true) { session, _ in session.tenant },
                .init("MESSAGE", isWide: true) { session, _ in session.message ?? "" },
            ],
            name: { $1.id($0.id) },
            json: { session in JSONText.of(session.json) })
    }

    private static func state(_ session: SessionAnswer) -> String {
        session.state + (session.cause.map { " (\($0))" } ?? "")
    }

    static func tint(_ session: SessionAnswer) -> Tint? {
        switch session.state {
        case "running": .good
        case "ended": .faint
        case "quarantined": .bad
        default: .doubtful
        }
    }

    private static func expiry(_ session: SessionAnswer, _ shown: Presentation) -> String {
        guard let time = session.expires else { return "" }
        return shown.time(time) + (session.expiresBy.map { " (\($0))" } ?? "")
    }
}

extension JSONText {
    /// What a daemon said, on one line.
    static func of(_ tree: JSONTree) -> JSONText {
        var bytes: [UInt8] = []
        tree.writeJSON(to: &bytes)
        return JSONText(alreadyJSON: bytes)
    }
}
