import API
import Client
import Tables
import Wire

extension WorkspaceCommand {
    private static let listKeys: [Filters.Key] = [
        .init("state", .words(APIObject.workspaceStates)), .init("name"), .init("session"), .init("tenant"),
    ]

    /// - Parameter isHidden: of docker's other name for it.
    static func list(_ word: String, isHidden: Bool) -> Command {
        Command(
            "workspace \(word)", summary: "List workspaces that outlive sessions.",
            options: [DaemonAccess.allTenants, .filter(listKeys)] + Command.Option.listing
                + DaemonAccess.options,
            examples: ["corral workspace \(word)", "corral workspace \(word) -q -f state=ready"],
            details: """
                A limit that nothing enforces is marked. A workspace that is unrecorded has a volume and no record;
                one that is lost has a record and no volume.
                """,
            isHidden: isHidden
        ) { arguments in
            Failure.reported("workspace \(word)") { () throws(CommandError) in
                let filters = try arguments.filters(listKeys)
                let calls = WorkspaceCalls(try DaemonAccess.address(arguments))
                let all = try CommandError.asking { () throws(ClientError) in
                    try calls.list(everybodys: arguments.has("all-tenants"))
                }
                let found = all.filter { workspace in filters.accept { $0.passes(workspace) } }
                for line in listing.lines(found, arguments.presentation()) { Terminal.print(line) }
            }
        }
    }

    static let snapshots = Command(
        "workspace snapshots", summary: "List the snapshots of a workspace, the oldest first.",
        operandsHelp: "WORKSPACE", operands: 1...1, operandKinds: [.workspace],
        options: Command.Option.listing + DaemonAccess.options,
        examples: ["corral workspace snapshots data"]
    ) { arguments in
        Failure.reported("workspace snapshots") { () throws(CommandError) in
            let name = try WorkspacePlace.whole(arguments.operands[0])
            let calls = WorkspaceCalls(try DaemonAccess.address(arguments))
            let found = try CommandError.asking { () throws(ClientError) in try calls.snapshots(of: name) }
            for line in snapshotListing.lines(found, arguments.presentation()) { Terminal.print(line) }
        }
    }

    static let inspect = Command(
        "workspace inspect", summary: "Print all there is to know about workspaces, as JSON.",
        operandsHelp: "WORKSPACE...", operands: 1...Int.max, operandKinds: [.workspace],
        options: DaemonAccess.options, examples: ["corral workspace inspect data | jq '.[].used_bytes'"],
        details: """
            One array with an object for each, of the members that docs/openapi.json describes as Workspace.
            Those that there are none of are told on standard error, behind the others; exit code 1 then.
            """
    ) { arguments in
        Failure.reported("workspace inspect") { () throws(CommandError) in
            let calls = WorkspaceCalls(try DaemonAccess.address(arguments))
            var found: [WorkspaceAnswer] = []
            var failures: [CommandError] = []
            for word in arguments.operands {
                do throws(ClientError) {
                    found.append(try calls.inspect(word))
                } catch {
                    let failure = CommandError(asking: error)
                    guard error.isOfOne else { throw failure }
                    failures.append(failure)
                }
            }
            let json = JSONText.array { list in for workspace in found { list.add(workspace.json) } }
            if found.isEmpty { Terminal.print("[]") } else { Terminal.print(IndentedJSON.text(json)) }
            try SessionCommand.tellFailures(failures, "workspace inspect")
        }
    }

    // MARK: Columns

    private static var listing: Listing<WorkspaceAnswer> {
        Listing(
            columns: [
                .init("NAME", least: 8) { workspace, _ in workspace.name },
                .init("STATE", tint: tint) { workspace, _ in workspace.state },
                .init("DISK", isNumber: true) { workspace, _ in
                    limit(workspace.bytes.map(SizeText.of), workspace.bytesEnforced)
                },
                .init("INODES", isNumber: true) { workspace, _ in
                    limit(workspace.inodes.map { "\($0)" }, workspace.inodesEnforced)
                },
                .init("SESSIONS") { workspace, shown in
                    workspace.sessions.map(shown.id).joined(separator: ",")
                        + (workspace.isShared ? " (shared)" : "")
                },
                .init("SNAPSHOTS", isNumber: true) { workspace, _ in "\(workspace.snapshots)" },
                .init("CREATED") { workspace, shown in workspace.created.map(shown.time) ?? "" },
                .init("LAST USED", isWide: true) { workspace, shown in
                    workspace.lastUsed.map(shown.time) ?? ""
                },
                .init("DRIVER", isWide: true) { workspace, _ in workspace.driver ?? "" },
                .init("FORKED FROM", isWide: true) { workspace, _ in workspace.source ?? "" },
                .init("TENANT", isWide: true) { workspace, _ in workspace.tenant },
            ],
            name: { workspace, _ in workspace.name },
            json: { workspace in JSONText.of(workspace.json) })
    }

    private static var snapshotListing: Listing<SnapshotAnswer> {
        Listing(
            columns: [
                .init("NAME", least: 8) { snapshot, _ in snapshot.name },
                .init("STATE") { snapshot, _ in snapshot.state },
                .init("CREATED") { snapshot, shown in snapshot.created.map(shown.time) ?? "" },
            ],
            name: { snapshot, _ in "\(snapshot.workspace)@\(snapshot.name)" },
            json: { snapshot in JSONText.of(snapshot.json) })
    }

    /// Never a limit that looks as if it held.
    static func limit(_ text: String?, _ enforced: String) -> String {
        guard let text else { return "-" }
        if enforced == "enforced" || enforced == "counted as bytes" { return text }
        return "\(text) (\(enforced.hasPrefix("not enforced") ? "not enforced" : enforced))"
    }

    private static func tint(_ workspace: WorkspaceAnswer) -> Tint? {
        switch workspace.state {
        case "ready": .good
        case "lost", "unrecorded": .bad
        default: .doubtful
        }
    }
}

extension Filters.Filter {
    fileprivate func passes(_ workspace: WorkspaceAnswer) -> Bool {
        switch key.name {
        case "state": workspace.state == value
        case "name": workspace.name == value
        case "session": workspace.sessions.contains { $0.hasPrefix(value) }
        case "tenant": workspace.tenant == value
        default: false
        }
    }
}
