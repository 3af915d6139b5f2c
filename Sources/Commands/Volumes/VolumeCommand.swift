import API
import Client
import Sandbox
import Tables
import Wire

/// `corral volume`: directories of the host that are volumes, so that what sessions have of them has limits.
enum VolumeCommand {
    /// In the order that help shows.
    static let all: [Command] = [
        create, list("list", isHidden: false), list("ls", isHidden: true), inspect, resize, remove,
    ]

    private static let create = Command(
        "volume create",
        summary: "Make an empty directory of the host a volume, and print its path.", operandsHelp: "PATH",
        operands: 1...1, operandKinds: [.directory],
        options: [
            .init(
                "size", value: "SIZE", help: "how large it is, which is set aside at once: 256MiB at least",
                group: .limits),
            .init("adopt", help: "mount again what is on record of PATH, as it is"),
        ] + ConfigCommand.options,
        examples: [
            "corral volume create --size 20GiB /srv/langbot", "corral volume create --adopt /srv/langbot",
        ],
        details: """
            Programs of the host go on using PATH. A session that has a directory below it (corral session create
            --workspace PATH/NAME) has that one with a limit of its own, which the kernel keeps (--disk). PATH has
            to be one of the setting mounts, or below one. The volume is mounted again when the daemon starts;
            --adopt is for one that was removed with --data keep, or that somebody has unmounted.
            """
    ) { arguments in
        Failure.reported("volume create") { () throws(CommandError) in
            let size = try SessionOptions.whole(arguments, "size", Quantity(.size, 1...UInt64.max))
            let adopts = arguments.has("adopt")
            if adopts == (size != nil) {
                throw CommandError(adopts ? "--adopt goes without --size" : "--size is missing")
            }
            let request = JSONText.object { object in
                object.add("path", path(arguments.operands[0]))
                if let size { object.add("bytes", size) }
                if adopts { object.add("adopt", true) }
            }
            let calls = try VolumeCalls(arguments)
            Terminal.print(try calls.create(request).path)
        }
    }

    private static let resize = Command(
        "volume resize", summary: "Give a volume of the host another size, and print its path.",
        operandsHelp: "PATH", operands: 1...1, operandKinds: [.directory],
        options: [
            .init("size", value: "SIZE", help: "how large it is to be: 256MiB at least", group: .limits)
        ] + ConfigCommand.options,
        examples: ["corral volume resize --size 40GiB /srv/langbot"],
        details: """
            What is added is set aside at once. A size below what is used is refused. Sessions and programs of the
            host go on using the volume meanwhile; to make it smaller takes as long as it takes to move what is in
            the way.
            """
    ) { arguments in
        Failure.reported("volume resize") { () throws(CommandError) in
            guard let size = try SessionOptions.whole(arguments, "size", Quantity(.size, 1...UInt64.max))
            else {
                throw CommandError("--size is missing")
            }
            let request = JSONText.object { object in
                object.add("path", path(arguments.operands[0]))
                object.add("bytes", size)
            }
            Terminal.print(try VolumeCalls(arguments).resize(request).path)
        }
    }

    private static let remove = Command(
        "volume rm", summary: "Unmount volumes that neither sessions nor programs of the host use.",
        operandsHelp: "PATH...", operands: 1...Int.max, operandKinds: [.directory],
        options: [
            .init(
                "data", value: "delete|keep",
                help: "what becomes of the files in them; without it there must be none",
                kind: .words(["delete", "keep"]))
        ] + ConfigCommand.options,
        examples: ["corral volume rm /srv/langbot", "corral volume rm --data keep /srv/langbot"],
        details: """
            The directory is there then, empty, as it was before. What is kept stays in the daemon's state directory
            and on its disk, until it is taken up again (corral volume create --adopt) or removed with --data delete.
            """
    ) { arguments in
        Failure.reported("volume rm") { () throws(CommandError) in
            let calls = try VolumeCalls(arguments)
            for word in arguments.operands {
                try calls.remove(path(word), data: arguments.value("data"))
                Terminal.print(path(word))
            }
        }
    }

    private static let inspect = Command(
        "volume inspect", summary: "Print all there is to know about volumes of the host, as JSON.",
        operandsHelp: "PATH...", operands: 1...Int.max, operandKinds: [.directory],
        options: ConfigCommand.options,
        examples: ["corral volume inspect /srv/langbot | jq '.[].used_bytes'"],
        details:
            "One array with an object for each, of the members that docs/openapi.json describes as HostVolume."
    ) { arguments in
        Failure.reported("volume inspect") { () throws(CommandError) in
            let all = try VolumeCalls(arguments).list()
            var found: [VolumeAnswer] = []
            for word in arguments.operands {
                guard let volume = all.first(where: { $0.path == path(word) }) else {
                    throw CommandError("\(quoted(word)) is no volume")
                }
                found.append(volume)
            }
            Terminal.print(
                IndentedJSON.text(JSONText.array { list in for volume in found { list.add(volume.json) } }))
        }
    }

    /// - Parameter isHidden: of docker's other name for it.
    private static func list(_ word: String, isHidden: Bool) -> Command {
        Command(
            "volume \(word)", summary: "List directories of the host that are volumes.",
            options: Command.Option.listing + ConfigCommand.options, examples: ["corral volume \(word)"],
            isHidden: isHidden
        ) { arguments in
            Failure.reported("volume \(word)") { () throws(CommandError) in
                let found = try VolumeCalls(arguments).list()
                for line in listing.lines(found, arguments.presentation()) { Terminal.print(line) }
            }
        }
    }

    /// Without the slash that a shell puts behind a directory.
    private static func path(_ word: String) -> String {
        word.utf8.count > 1 && word.hasSuffix("/") ? String(word.dropLast()) : word
    }

    private static var listing: Listing<VolumeAnswer> {
        Listing(
            columns: [
                .init("PATH", least: 8) { volume, _ in volume.path },
                .init("STATE", tint: { $0.state == "mounted" ? .good : .doubtful }) { volume, _ in
                    volume.state
                },
                .init("SIZE", isNumber: true) { volume, _ in SizeText.of(volume.bytes) },
                .init("USED", isNumber: true) { volume, _ in volume.used.map(SizeText.of) ?? "-" },
                .init("SESSIONS", isNumber: true) { volume, _ in "\(volume.sessions)" },
                .init("CREATED") { volume, shown in volume.created.map(shown.time) ?? "" },
                .init("PROBLEM") { volume, _ in volume.problem },
            ],
            name: { volume, _ in volume.path },
            json: { volume in JSONText.of(volume.json) })
    }
}

/// What commands ask a daemon about volumes of the host, a function for each operation.
private struct VolumeCalls {
    let client: DaemonClient

    init(_ arguments: Arguments) throws(CommandError) {
        client = DaemonClient(path: try DaemonAccess.socket(arguments))
    }

    func create(_ request: JSONText) throws(CommandError) -> VolumeAnswer {
        try CommandError.asking { () throws(ClientError) in
            try VolumeAnswer(
                try client.ask(HTTPRequest(.post, ["v1", "volumes"]).with(json: request)).json())
        }
    }

    func resize(_ request: JSONText) throws(CommandError) -> VolumeAnswer {
        try CommandError.asking { () throws(ClientError) in
            try VolumeAnswer(
                try client.ask(HTTPRequest(.post, ["v1", "volumes", "resize"]).with(json: request)).json())
        }
    }

    func list() throws(CommandError) -> [VolumeAnswer] {
        try CommandError.asking { () throws(ClientError) in
            let answer = try AnswerMembers(try client.ask(HTTPRequest(.get, ["v1", "volumes"])).json())
            return try answer.list("volumes").map { (json) throws(ClientError) in try VolumeAnswer(json) }
        }
    }

    func remove(_ path: String, data: String?) throws(CommandError) {
        let query = [("path", path)] + (data.map { [("data", $0)] } ?? [])
        _ = try CommandError.asking { () throws(ClientError) in
            try client.ask(HTTPRequest(.delete, ["v1", "volumes"], query: query))
        }
    }
}

/// A volume of the host as the daemon tells of it.
private struct VolumeAnswer {
    /// As it came, for JSON.
    let json: JSONTree
    let path: String
    let state: String
    let problem: String
    let bytes: UInt64
    let used: UInt64?
    let sessions: UInt64
    let created: WallTime?

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        path = try members.need("path")
        state = try members.need("state")
        problem = members.text("problem") ?? ""
        bytes = members.whole("bytes") ?? 0
        used = members.whole("used_bytes")
        sessions = members.whole("sessions") ?? 0
        created = members.time("created")
    }
}
