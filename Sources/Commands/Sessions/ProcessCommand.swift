import Client
import Sandbox
import Tables
import Wire

/// Processes of a session: which there are, what is known of one, signals and their end.
enum ProcessCommand {
    static let list = Command(
        "session processes", summary: "List the processes of a session, those that have ended as well.",
        operandsHelp: "SESSION", operands: 1...1, options: Command.Option.listing + DaemonAccess.options,
        examples: ["corral session processes build", "corral session processes -o json build"]
    ) { arguments in
        Failure.reported("session processes") { () throws(CommandError) in
            let client = try DaemonAccess.client(arguments)
            let session = arguments.operands[0]
            if session.isEmpty { throw CommandError("SESSION is empty; expected a name or an id") }
            var found: [ProcessAnswer] = []
            try CommandError.asking { () throws(ClientError) in
                let request = HTTPRequest(.get, ["v1", "sessions", session, "processes"])
                let answer = try AnswerMembers(try client.ask(request).json())
                for json in try answer.list("processes") { found.append(try ProcessAnswer(json)) }
            }
            for line in listing.lines(found, arguments.presentation()) { Terminal.print(line) }
        }
    }

    static let inspect = Command(
        "session process", summary: "Print everything about processes of a session, as a JSON array.",
        operandsHelp: "SESSION PROCESS...", operands: 2...Int.max, options: DaemonAccess.options,
        examples: ["corral session process build server"]
    ) { arguments in
        Failure.reported("session process") { () throws(CommandError) in
            let client = try DaemonAccess.client(arguments)
            let places = try places(arguments)
            var found: [ProcessAnswer] = []
            let failures = each(places) { (place) throws(CommandError) in
                let process = try CommandError.asking { () throws(ClientError) in
                    try ProcessAnswer.ask(client, place)
                }
                found.append(process)
            }
            Terminal.print(
                IndentedJSON.text(.array { list in for process in found { list.add(process.json) } }))
            try report(failures, "session process")
        }
    }

    static let signal = Command(
        "session signal", summary: "Send a signal to a process.",
        operandsHelp: "SESSION PROCESS SIGNAL", operands: 3...3, options: DaemonAccess.options,
        examples: ["corral session signal build server HUP"],
        details: """
            SIGNAL is a name such as TERM or SIGUSR1, or a number from 1 to 64. KILL goes to its whole group.
            """
    ) { arguments in
        Failure.reported("session signal") { () throws(CommandError) in
            let place = try ProcessPlace(arguments.operands)
            let name = arguments.operands[2].uppercased()
            let client = try DaemonAccess.client(arguments)
            let request = HTTPRequest(.post, place.path("signal")).with(
                json: .object { $0.add("signal", name) })
            _ = try CommandError.asking { () throws(ClientError) in try client.ask(request) }
        }
    }

    static let stop = Command(
        "session stop", summary: "End processes of a session: SIGTERM, and SIGKILL after a while.",
        operandsHelp: "SESSION PROCESS...", operands: 2...Int.max,
        options: [
            .init("grace", value: "TIME", help: "how long it may take by itself, such as 5s (default: 10s)")
        ] + DaemonAccess.options,
        examples: ["corral session stop --grace 30s build server"],
        details: "Answers when they have ended; they are not started again."
    ) { arguments in
        Failure.reported("session stop") { () throws(CommandError) in
            let grace = try ProgramOptions.quantity(
                arguments, "grace", Quantity(.duration, 0...600_000))
            let client = DaemonClient(try DaemonAccess.address(arguments), patience: nil)
            let body = JSONText.object { object in
                if let grace = grace ?? nil { object.add("grace", grace) }
            }
            let failures = each(try places(arguments)) { (place) throws(CommandError) in
                _ = try CommandError.asking { () throws(ClientError) in
                    try client.ask(HTTPRequest(.post, place.path("stop")).with(json: body))
                }
                Terminal.print(place.process)
            }
            try report(failures, "session stop")
        }
    }

    // MARK: Several of them

    private static func places(_ arguments: Arguments) throws(CommandError) -> [ProcessPlace] {
        var places: [ProcessPlace] = []
        for word in arguments.operands.dropFirst() {
            places.append(try ProcessPlace([arguments.operands[0], word]))
        }
        return places
    }

    /// Does it for each, whatever becomes of the others.
    private static func each(
        _ places: [ProcessPlace], _ body: (ProcessPlace) throws(CommandError) -> Void
    ) -> [CommandError] {
        var failures: [CommandError] = []
        for place in places {
            do throws(CommandError) {
                try body(place)
            } catch {
                failures.append(error)
            }
        }
        return failures
    }

    private static func report(_ failures: [CommandError], _ command: String) throws(CommandError) {
        for failure in failures.dropLast() { Terminal.error("corral \(command): \(failure)") }
        if let last = failures.last { throw last }
    }

    // MARK: The list

    private static var listing: Listing<ProcessAnswer> {
        Listing(
            columns: [
                .init("PROCESS") { $1.id($0.id) },
                .init("NAME", least: 8) { process, _ in process.name ?? "" },
                .init("KIND") { process, _ in process.kind },
                .init("COMMAND", least: 12) { process, presentation in command(process, presentation) },
                .init("STATE", tint: tint) { process, _ in state(process) },
                .init("STARTED") { time($0.started, $1) },
                .init("ENDED") { time($0.ended, $1) },
                .init("RESTARTS", isNumber: true) { process, _ in "\(process.restarts)" },
                .init("STDOUT", isNumber: true, isWide: true) { process, _ in SizeText.of(process.written[0])
                },
                .init("STDERR", isNumber: true, isWide: true) { process, _ in SizeText.of(process.written[1])
                },
            ],
            name: { $1.id($0.id) }, json: { $0.json })
    }

    private static func command(_ process: ProcessAnswer, _ presentation: Presentation) -> String {
        let text = process.command.joined(separator: " ")
        return presentation.isWhole || text.count <= 40 ? text : "\(text.prefix(39))…"
    }

    private static func state(_ process: ProcessAnswer) -> String {
        guard process.hasEnded else { return process.state }
        let how = process.exit.map { " \($0)" } ?? process.signal.map { " by signal \($0)" } ?? ""
        return (process.cause ?? "ended") + how
    }

    private static func tint(_ process: ProcessAnswer) -> Tint? {
        switch process.state {
        case "running": .good
        case "waiting", "stopping": .doubtful
        case "ended": process.exit == 0 ? .faint : .bad
        default: nil
        }
    }

    private static func time(_ text: String?, _ presentation: Presentation) -> String {
        guard let text, let time = try? WallTime.read(text, now: presentation.now) else { return "" }
        return presentation.time(time)
    }
}
