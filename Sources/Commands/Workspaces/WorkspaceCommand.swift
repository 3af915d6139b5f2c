import Client
import Sandbox
import Tables
import Wire

/// `corral workspace`: directories with limits that outlive sessions.
enum WorkspaceCommand {
    /// In the order that help shows.
    static let all: [Command] = [
        create, list("list", isHidden: false), list("ls", isHidden: true), inspect, remove, resize, snapshot,
        snapshots, restore, fork, difference, export, importing, FilesCommand.ofWorkspaces,
    ]

    static let quota: [Command.Option] = [
        .init("disk", value: "SIZE", help: "the most bytes that it may hold, such as 1GiB", group: .limits),
        .init("inodes", value: "NUMBER", help: "the most files, directories and links", group: .limits),
    ]
    static let soft = Command.Option(
        "allow-soft-quota", help: "take limits that nothing here enforces for wishes, and show them as such",
        group: .limits)
    static let key = Command.Option(
        "idempotency-key", value: "KEY", help: "what makes a repeated request the same one")

    static let create = Command(
        "workspace create", summary: "Make a workspace that outlives sessions, and print its name.",
        operandsHelp: "NAME", operands: 1...1,
        options: quota + [
            soft, .init("adopt", help: "make a record of a volume that has none, as it is"), key,
        ]
            + DaemonAccess.options,
        examples: [
            "corral workspace create --disk 1GiB data",
            "corral workspace create --disk 1GiB --inodes 100000 data",
        ],
        details: """
            A session gets it with corral session create --workspace NAME. A limit that the driver here does not
            enforce is refused, but with --allow-soft-quota; corral daemon status names the driver. --adopt is
            for a workspace whose state is unrecorded: its limits are those that its volume has.
            """
    ) { arguments in
        Failure.reported("workspace create") { () throws(CommandError) in
            let quota = try quotaMembers(arguments)
            let request = JSONText.object { object in
                object.add("name", arguments.operands[0])
                add(quota, to: &object)
                if arguments.has("allow-soft-quota") { object.add("soft", true) }
                if arguments.has("adopt") { object.add("adopt", true) }
                if let key = arguments.value("idempotency-key") { object.add("idempotency_key", key) }
            }
            let calls = WorkspaceCalls(try DaemonAccess.address(arguments))
            let made = try CommandError.asking { () throws(ClientError) in try calls.create(request) }
            Terminal.print(made.name)
        }
    }

    static let resize = Command(
        "workspace resize", summary: "Change the limits of a workspace, in use or not.",
        operandsHelp: "WORKSPACE", operands: 1...1, operandKinds: [.workspace],
        options: quota + DaemonAccess.options,
        examples: ["corral workspace resize --disk 2GiB data"],
        details: "Not to less than it holds: corral workspace inspect says how much that is."
    ) { arguments in
        Failure.reported("workspace resize") { () throws(CommandError) in
            let name = try WorkspacePlace.whole(arguments.operands[0])
            let quota = try quotaMembers(arguments)
            if quota.isEmpty { throw CommandError("--disk or --inodes is missing") }
            try act(arguments, name, "resize", .object { add(quota, to: &$0) })
            Terminal.print(name)
        }
    }

    static let snapshot = Command(
        "workspace snapshot", summary: "Keep what a workspace holds now, in use or not.",
        operandsHelp: "WORKSPACE@SNAPSHOT", operands: 1...1, operandKinds: [.workspace],
        options: DaemonAccess.options, examples: ["corral workspace snapshot data@before"],
        details: "It is read-only, of one point in time, and shares with the workspace what stays the same."
    ) { arguments in
        Failure.reported("workspace snapshot") { () throws(CommandError) in
            let place = try WorkspacePlace.snapshot(arguments.operands[0])
            try act(arguments, place.workspace, "snapshots", .object { $0.add("name", place.name) })
            Terminal.print("\(place.workspace)@\(place.name)")
        }
    }

    static let restore = Command(
        "workspace restore", summary: "Put back into a workspace what a snapshot of it kept.",
        operandsHelp: "WORKSPACE@SNAPSHOT", operands: 1...1, operandKinds: [.workspace],
        options: DaemonAccess.options, examples: ["corral workspace restore data@before"],
        details: "What it holds now is gone then. No session may have it meanwhile."
    ) { arguments in
        Failure.reported("workspace restore") { () throws(CommandError) in
            let place = try WorkspacePlace.snapshot(arguments.operands[0])
            try act(arguments, place.workspace, "restore", .object { $0.add("snapshot", place.name) })
            Terminal.print(place.workspace)
        }
    }

    static let fork = Command(
        "workspace fork",
        summary: "Make a workspace that begins with what another one, or a snapshot, holds.",
        operandsHelp: "WORKSPACE[@SNAPSHOT] NAME", operands: 2...2, operandKinds: [.workspace, .text],
        options: quota + [soft, key] + DaemonAccess.options,
        examples: ["corral workspace fork data copy", "corral workspace fork --disk 4GiB data@before copy"],
        details: "Limits that are not given are the other one's. Sessions may have that one meanwhile."
    ) { arguments in
        Failure.reported("workspace fork") { () throws(CommandError) in
            let place = WorkspacePlace(arguments.operands[0])
            let quota = try quotaMembers(arguments)
            let request = JSONText.object { object in
                object.add("name", arguments.operands[1])
                if let snapshot = place.snapshot { object.add("snapshot", snapshot) }
                add(quota, to: &object)
                if arguments.has("allow-soft-quota") { object.add("soft", true) }
                if let key = arguments.value("idempotency-key") { object.add("idempotency_key", key) }
            }
            try act(arguments, place.workspace, "fork", request)
            Terminal.print(arguments.operands[1])
        }
    }

    static let remove = Command(
        "workspace rm", summary: "Remove workspaces that no session has, or snapshots.",
        operandsHelp: "WORKSPACE[@SNAPSHOT]...", operands: 1...Int.max, operandKinds: [.workspace],
        options: [.init("snapshots", help: "and every snapshot of each")] + DaemonAccess.options,
        examples: ["corral workspace rm data@before", "corral workspace rm --snapshots data"]
    ) { arguments in
        do throws(CommandError) {
            let socket = try DaemonAccess.address(arguments)
            let withSnapshots = arguments.has("snapshots")
            return EachSession.run("workspace rm", arguments.operands) { (word) throws(ClientError) in
                try WorkspaceCalls(socket).remove(WorkspacePlace(word), withSnapshots: withSnapshots)
                return word
            }
        } catch {
            Terminal.error("corral workspace rm: \(error)")
            return ExitCode.failure
        }
    }

    // MARK: Requests

    private static func act(
        _ arguments: Arguments, _ name: String, _ verb: String, _ request: JSONText
    ) throws(CommandError) {
        let calls = WorkspaceCalls(try DaemonAccess.address(arguments))
        try CommandError.asking { () throws(ClientError) in try calls.act(name, verb, request) }
    }

    /// What `--disk` and `--inodes` come to, by the members of requests.
    static func quotaMembers(_ arguments: Arguments) throws(CommandError) -> [(String, UInt64)] {
        var members: [(String, UInt64)] = []
        for (option, member, rule) in [
            ("disk", "bytes", Quantity(.size, 1...UInt64.max)),
            ("inodes", "inodes", Quantity(.count, 1...UInt64.max)),
        ] {
            if let value = try SessionOptions.whole(arguments, option, rule) {
                members.append((member, value))
            }
        }
        return members
    }

    static func add(_ members: [(String, UInt64)], to object: inout JSONObjectWriter) {
        for (name, value) in members { object.add(name, value) }
    }
}
