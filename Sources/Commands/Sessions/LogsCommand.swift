import Client
import Sandbox
import Tables

/// `corral session logs`: what a process wrote, and writes.
enum LogsCommand {
    static let command = Command(
        "session logs", summary: "Show what a process wrote.",
        operandsHelp: "SESSION PROCESS", operands: 2...2,
        options: [
            .init("follow", short: "f", help: "go on with what it writes, until it ends for good"),
            .init("timestamps", short: "t", help: "begin each line with the time at which it came, in UTC"),
        ] + Command.Option.logPart + [
            .init(
                "stream", value: "stdout|stderr|both", help: "which stream; both is the default",
                kind: .words(["stdout", "stderr", "both"]))
        ] + DaemonAccess.options,
        examples: [
            "corral session logs build server", "corral session logs -f --tail 20 build server",
            "corral session logs --since 10m --stream stderr build server",
            "corral session logs -t build server",
        ],
        details: """
            Standard output goes to standard output and standard error to standard error, as bytes. What is no
            longer kept is told on standard error. --follow goes on when the daemon is restarted, where it was,
            and when the process is. --tail counts in each stream. Times are known to about a millisecond, for
            as long as a process runs; of more than 255 moments in a stream those closest together count as
            one, the earlier. A line has the time of its first byte, and - where that is no longer known.
            """
    ) { arguments in
        do throws(CommandError) {
            return try run(arguments)
        } catch {
            Terminal.error("corral session logs: \(error)")
            return ExitCode.failure
        }
    }

    private static func run(_ arguments: Arguments) throws(CommandError) -> Int32 {
        let place = try ProcessPlace(arguments.operands)
        let tail = try arguments.tail()
        let since = try arguments.time("since")
        let until = try arguments.time("until")
        if arguments.value("tail") != nil, since != nil {
            throw CommandError("--tail beside --since; expected one of them")
        }
        let socket = try DaemonAccess.address(arguments)
        let client = DaemonClient(socket)
        let process = try CommandError.asking { () throws(ClientError) in
            try ProcessAnswer.ask(client, place)
        }
        var options = AttachLoop.Options()
        if let stream = arguments.value("stream"), stream != "both" {
            options.shown = [stream == "stdout", stream == "stderr"]
        }
        let isOver = until.map { $0 <= .now } ?? false
        let follows = arguments.has("follow") && !process.hasEnded && !isOver
        if follows { options.until = until }
        options.stamps = arguments.has("timestamps")
        let loop = try AttachLoop("session logs", options)
        if process.state == "waiting", !follows {
            // It has no streams until it is started again, and to wait for that is what -f is for.
            loop.notice("it waits to be started again; this is what its last run wrote")
            if since != nil || until != nil || options.stamps {
                loop.notice("it is no longer known when it wrote what; everything that is kept is shown")
            }
            try showLastRun(client, place, tail, options.shown)
            return ExitCode.success
        }
        let fixed = ProcessPlace(session: place.session, process: process.id)
        let query =
            since.map { ("since", $0.rfc3339) } ?? tail.map { ("tail", "\(min($0, 1_000_000))") }
        let begin = try places(client, fixed, query, loop)
        loop.offsets = begin.offsets
        if !follows {
            if isOver, let until {
                loop.stops = try stops(client, fixed, ("until", until.rfc3339), process, loop)
            } else {
                loop.stops = query == nil ? process.written : begin.ends
            }
        }
        let follower = AttachFollower(loop: loop, place: fixed, socket: socket, leads: false)
        return try show(follower, process, follows: follows)
    }

    private static func show(
        _ follower: AttachFollower, _ first: ProcessAnswer, follows: Bool
    ) throws(CommandError) -> Int32 {
        if !follows, first.written == [0, 0] { return ExitCode.success }
        while true {
            let outcome = try follower.follow()
            guard case .ended = outcome else { return follower.finish(outcome) }
            // Another run of it may follow, with streams of its own.
            let process = try CommandError.asking { () throws(ClientError) in
                try ProcessAnswer.ask(DaemonClient(follower.socket), follower.place)
            }
            if !follows || process.hasEnded { return ExitCode.success }
            follower.loop.offsets = [0, 0]
        }
    }

    /// One stream after the other: it is no longer known which wrote when.
    private static func showLastRun(
        _ client: DaemonClient, _ place: ProcessPlace, _ tail: UInt64?, _ shown: [Bool]
    ) throws(CommandError) {
        let part = tail.map { [("tail", "\(min($0, 1_000_000))")] } ?? []
        for (index, stream) in ["stdout", "stderr"].enumerated() where shown[index] {
            let request = HTTPRequest(.get, place.path("logs"), query: [("stream", stream)] + part)
            let bytes = try CommandError.asking { () throws(ClientError) in try client.ask(request).body }
            Terminal.write(bytes, to: CInt(index) + 1)
        }
    }

    private static func places(
        _ client: DaemonClient, _ place: ProcessPlace, _ query: (String, String)?, _ loop: AttachLoop
    ) throws(CommandError) -> StreamPlaces {
        let found = try CommandError.asking { () throws(ClientError) in
            try StreamPlaces.ask(client, place, query)
        }
        if query?.0 == "since", !found.isTimed {
            loop.notice("it is no longer known when it wrote what; everything that is kept is shown")
        }
        return found
    }

    /// Where to end; everything where times are not known.
    private static func stops(
        _ client: DaemonClient, _ place: ProcessPlace, _ query: (String, String), _ process: ProcessAnswer,
        _ loop: AttachLoop
    ) throws(CommandError) -> [UInt64] {
        let found = try CommandError.asking { () throws(ClientError) in
            try StreamPlaces.ask(client, place, query)
        }
        if found.isTimed { return found.offsets }
        loop.notice("it is no longer known when it wrote what; everything that is kept is shown")
        return process.written
    }
}
