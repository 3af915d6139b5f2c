import Client
import Sandbox
import Wire

/// `corral session attach`: our standard streams on a process that runs already.
enum AttachCommand {
    static let command = Command(
        "session attach", summary: "Show what a process writes, and write to it.",
        operandsHelp: "SESSION PROCESS", operands: 2...2,
        options: [
            .init("no-stdin", help: "only show; standard input is not read"),
            .init(
                "from", value: "OFFSET[,OFFSET]",
                help: "begin with this byte of standard output, and of standard error"),
            .init("tail", short: "n", value: "N|all", help: "begin so many lines before the end"),
            .init(
                "detach-keys", value: "KEYS",
                help: "keys of a terminal that leave the process (default: ctrl-p,ctrl-q; empty for none)"),
        ] + DaemonAccess.options,
        examples: [
            "corral session attach build server", "corral session attach --no-stdin --tail 20 build server",
        ],
        details: """
            Begins with what is written from now on; of a process that has ended everything that is kept is
            shown. A process with a terminal gets every key, and the detach keys leave it; else Ctrl-C does.
            The end of our standard input does not end that of the process: corral session input --close does.
            The exit code is that of the process once it ends, as corral session exec has it.
            """,
        usageCode: ExitCode.ours
    ) { arguments in
        do throws(CommandError) {
            return try run(arguments)
        } catch {
            Terminal.error("corral session attach: \(error)")
            return error.code
        }
    }

    static func keys(_ arguments: Arguments) throws(CommandError) -> DetachKeys {
        do throws(ValueError) {
            return try DetachKeys(arguments.value("detach-keys") ?? DetachKeys.usual)
        } catch {
            throw CommandError("--detach-keys: \(error.problem)")
        }
    }

    private static func run(_ arguments: Arguments) throws(CommandError) -> Int32 {
        let place = try ProcessPlace(arguments.operands)
        let keys = try keys(arguments)
        let socket = try DaemonAccess.address(arguments)
        let client = DaemonClient(socket)
        let process = try CommandError.asking { () throws(ClientError) in
            try ProcessAnswer.ask(client, place)
        }
        let start = try start(arguments, process, place, client)
        var options = AttachLoop.Options()
        options.takesInput = !arguments.has("no-stdin") && !process.hasEnded
        options.hasTerminal = process.hasTerminal && options.takesInput
        options.keys = keys
        let loop = try AttachLoop(
            "session attach", options, screen: options.hasTerminal ? try UserScreen() : nil)
        loop.offsets = start
        // By its id: a name may come to mean another one.
        let fixed = ProcessPlace(session: place.session, process: process.id)
        let follower = AttachFollower(loop: loop, place: fixed, socket: socket, leads: false)
        return follower.finish(try follower.follow())
    }

    private static func start(
        _ arguments: Arguments, _ process: ProcessAnswer, _ place: ProcessPlace, _ client: DaemonClient
    ) throws(CommandError) -> [UInt64] {
        if let text = arguments.value("from") {
            guard arguments.value("tail") == nil else {
                throw CommandError("--from beside --tail; expected one of them")
            }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let numbers = parts.compactMap { UInt64($0) }
            guard parts.count == numbers.count, (1...2).contains(numbers.count) else {
                throw CommandError("--from: \(quoted(text)) is no offset; expected such as 0 or 4096,0")
            }
            for (number, written) in zip(numbers, process.written) where number > written {
                throw CommandError("--from: \(number) is beyond the \(written) bytes that were written")
            }
            return [numbers[0], numbers.count > 1 ? numbers[1] : process.written[1]]
        }
        guard process.hasEnded || arguments.value("tail") != nil else { return process.written }
        let tail = try arguments.tail()
        return try CommandError.asking { () throws(ClientError) in
            try StreamPlaces.ask(client, place, tail.map { ("tail", "\($0)") }).offsets
        }
    }
}

/// Where in the streams of a process something begins.
struct StreamPlaces {
    let offsets: [UInt64]
    /// Where the streams ended at that moment.
    let ends: [UInt64]
    /// Whether it is known when bytes came.
    let isTimed: Bool

    /// - Parameter query: `tail` or `since`; nil for the oldest that is kept.
    static func ask(
        _ client: DaemonClient, _ place: ProcessPlace, _ query: (String, String)?
    ) throws(ClientError) -> StreamPlaces {
        let request = HTTPRequest(.get, place.path("offsets"), query: query.map { [$0] } ?? [])
        let members = try AnswerMembers(try client.ask(request).json())
        return StreamPlaces(
            offsets: ["stdout", "stderr"].map { members.whole($0) ?? 0 },
            ends: ["stdout_end", "stderr_end"].map { members.whole($0) ?? 0 },
            isTimed: members.flag("timed"))
    }
}
