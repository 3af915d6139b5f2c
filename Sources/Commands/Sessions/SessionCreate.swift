import Client
import Sandbox
import Wire

/// `corral session create`: under the words of `corral run`.
enum SessionCreate {
    static let command = Command(
        "session create", summary: "Create a session and print its id, once it runs.",
        options: sandbox + limits + lifetimes + about + DaemonAccess.options,
        examples: [
            "corral session create --name web --ttl 1h",
            "corral session create --workspace /srv/shared/alice",
            "corral session create --profile strict --memory 128MiB --label team=red --idle 10m",
        ],
        details: """
            TIME is a number with ms, s, m or h. Limits may be no higher than what the profile and the operator
            allow. A request that is repeated with the same --idempotency-key makes one session, however often it
            is sent, and prints its id each time. Without --workspace and --disk the files of a session are in
            memory, as large as its profile says, and go with it; with --disk they go with it as well.
            """,
        run: run)

    private static let sandbox: [Command.Option] = [
        .init(
            "profile", value: "NAME", help: "the rules of the sandbox (default: the daemon's)",
            group: .sandbox, kind: .profile),
        .init(
            "image", value: "NAME", help: "the root, in place of the profile's image", group: .sandbox,
            kind: .image),
        .init(
            "env", short: "e", value: "NAME=VALUE", repeats: true,
            help: "set a variable of every process; may be repeated", group: .sandbox),
        .init(
            "env-file", value: "FILE", repeats: true,
            help: "set the variables of a file, NAME=VALUE or NAME on each line; may be repeated",
            group: .sandbox),
        .init(
            "workspace", value: "NAME[:shared]|DIR",
            help:
                "a workspace that outlives the session, shared with others that say so as well; or a directory of the host, by its absolute path",
            group: .files, kind: .workspace),
        .init(
            "disk", value: "SIZE", help: "a volume of this size for its files, in place of memory",
            group: .files),
        .init("inodes", value: "NUMBER", help: "the most files and directories there", group: .files),
        .init(
            "allow-soft-quota", help: "take limits there that nothing enforces for wishes", group: .files),
        .init("persistent", help: "say that --workspace keeps its files", group: .files),
    ]

    private static let limits: [Command.Option] = [
        .init("memory", value: "SIZE", help: "the most memory, such as 256MiB", group: .limits),
        .init("cpus", value: "NUMBER", help: "the most processors, such as 0.5", group: .limits),
        .init("pids", value: "NUMBER", help: "the most processes and threads", group: .limits),
        .init("cpu-time", value: "TIME", help: "the most cpu time of all processes", group: .limits),
        .init(
            "output-limit", value: "SIZE", help: "the most output of one exec that is kept", group: .limits),
        .init(
            "ulimit", value: "NAME=NUMBER", repeats: true,
            help: "a limit of each process: nofile or fsize; may be repeated", group: .limits),
        .init("nofile", value: "NUMBER", help: "the same as --ulimit nofile=NUMBER", group: .limits),
    ]

    private static let lifetimes: [Command.Option] = [
        .init("ttl", value: "TIME", help: "end it so long after its creation or last renewal, or none"),
        .init("idle", value: "TIME", help: "end it so long after it was last used, or none"),
        .init("max", value: "TIME", help: "end it so long after its creation, renewed or not, or none"),
    ]

    private static let about: [Command.Option] = [
        .init("name", value: "NAME", help: "call it so"),
        .init("label", short: "l", value: "KEY=VALUE", repeats: true, help: "note that; may be repeated"),
        .init("idempotency-key", value: "KEY", help: "what makes a repeated request the same one"),
    ]

    private static func run(_ arguments: Arguments) -> Int32 {
        Failure.reported("session create") { () throws(CommandError) in
            let request = try request(arguments)
            let calls = SessionCalls(try DaemonAccess.address(arguments), patience: nil)
            let session = try CommandError.asking { () throws(ClientError) in try calls.create(request) }
            Terminal.print(session.id)
        }
    }

    /// The body that the options come to.
    static func request(_ arguments: Arguments) throws(CommandError) -> JSONText {
        let labels = arguments.all("label").map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
        }
        let variables = try variables(arguments)
        let limits = try limitMembers(arguments)
        let workspace = try arguments.value("workspace").map { (text) throws(CommandError) in
            try SessionWorkspaceOption(text)
        }
        let quota = try quota(arguments)
        var lifetimes: [(String, UInt64?)] = []
        for name in ["ttl", "idle", "max"] {
            if let time = try SessionOptions.read(arguments, name, SessionOptions.lifetime) {
                lifetimes.append((name, time))
            }
        }
        return .object { object in
            for name in ["name", "profile", "image", "tenant"] {
                if let text = arguments.value(name) { object.add(name, text) }
            }
            add("labels", lastOfEach(labels), to: &object)
            add("env", lastOfEach(variables), to: &object)
            if !limits.isEmpty {
                object.object("limits") { members in for (name, value) in limits { members.add(name, value) }
                }
            }
            for (name, time) in lifetimes { object.add(name, time) }
            workspace?.write(to: &object)
            if let quota { object.add("quota", quota) }
            if arguments.has("persistent") { object.add("persistent", true) }
            if let key = arguments.value("idempotency-key") { object.add("idempotency_key", key) }
        }
    }

    /// Nil for files in memory.
    private static func quota(_ arguments: Arguments) throws(CommandError) -> JSONText? {
        let members = try WorkspaceCommand.quotaMembers(arguments)
        let isSoft = arguments.has("allow-soft-quota")
        guard members.contains(where: { $0.0 == "bytes" }) else {
            if let option = members.isEmpty ? (isSoft ? "allow-soft-quota" : nil) : "inodes" {
                throw CommandError("--\(option) goes with --disk, which is missing")
            }
            return nil
        }
        return .object { object in
            WorkspaceCommand.add(members, to: &object)
            if isSoft { object.add("soft", true) }
        }
    }

    private static func add(
        _ name: String, _ texts: [(String, String)], to object: inout JSONObjectWriter
    ) {
        guard !texts.isEmpty else { return }
        object.object(name) { members in for (key, value) in texts { members.add(key, value) } }
    }

    /// Of a name that is given twice the last value counts, as docker has it.
    private static func lastOfEach(_ texts: [(String, String)]) -> [(String, String)] {
        texts.enumerated().filter { index, text in
            !texts[(index + 1)...].contains { $0.0.utf8.elementsEqual(text.0.utf8) }
        }.map(\.element)
    }

    private static func variables(_ arguments: Arguments) throws(CommandError) -> [(String, String)] {
        var variables: [EnvironmentVariable] = []
        do throws(ValueError) {
            for path in arguments.all("env-file") { variables += try EnvironmentFile.read(path).variables }
        } catch {
            throw CommandError(error.problem)
        }
        for text in arguments.all("env") {
            variables.append(
                try SessionOptions.named("env") { () throws(ValueError) in
                    try EnvironmentVariable(assignment: text)
                })
        }
        return variables.map { ($0.name, $0.value) }
    }

    /// Nil for one that is lifted.
    private static func limitMembers(_ arguments: Arguments) throws(CommandError) -> [(String, UInt64?)] {
        let rules: [(option: String, member: String, rule: Quantity)] = [
            ("memory", "memory", Limits.Rule.memory), ("pids", "pids", Limits.Rule.pids),
            ("cpus", "cpus", Limits.Rule.cpus), ("cpu-time", "cpu_time", Limits.Rule.cpuTime),
            ("output-limit", "output", OutputPolicy.Rule.limit),
        ]
        var members: [(String, UInt64?)] = []
        for (option, member, rule) in rules {
            if let value = try SessionOptions.read(arguments, option, rule) {
                members.append((member, value))
            }
        }
        do throws(ValueError) {
            let given = try Ulimits(arguments)
            guard given.soft.isEmpty else {
                throw ValueError("--ulimit: a session has no soft limits; expected NAME=NUMBER")
            }
            for override in given.overrides {
                switch override {
                case .openFiles(let count): members.append(("open_files", UInt64(count)))
                case .fileSize(let bytes): members.append(("file_size", bytes))
                default: throw ValueError("--ulimit: stack is the profile's; expected nofile or fsize")
                }
            }
        } catch {
            throw CommandError(error.problem)
        }
        return members
    }
}
