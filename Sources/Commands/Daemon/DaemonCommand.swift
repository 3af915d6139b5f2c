import Client
import Glibc
import Linux
import Sandbox
import WardenProtocol
import Wire

/// `corral daemon`: the daemon of this machine, or of a state directory, as its operator sees it.
enum DaemonCommand {
    static let status = Command(
        "daemon status", summary: "Show whether the daemon runs, and what it is and has.",
        options: Command.Option.format("the same") + ConfigCommand.options,
        examples: ["corral daemon status", "corral daemon status -o json --state /srv/corral"],
        details: """
            Exit code 0: it runs and is well; 1: it serves, but not all of it, or does not answer; 3: it does
            not run. A warden that goes on without it is told, with its sessions, to root and to the user
            whose it is.
            """
    ) { arguments in
        var code = ExitCode.success
        let failed = Failure.reported("daemon status") { () throws(CommandError) in
            let status = try DaemonStatus.look(at: DaemonPlace(arguments))
            Terminal.print(
                arguments.wantsJSON ? status.json.description : status.lines.joined(separator: "\n"))
            code = status.exitCode
        }
        return failed == ExitCode.success ? code : failed
    }

    static let stop = Command(
        "daemon stop", summary: "End the daemon and wait until it is gone; sessions go on.",
        options: [
            .init("sessions", help: "end every session and the warden too; says before how many there are")
        ] + ConfigCommand.options,
        examples: ["corral daemon stop", "corral daemon stop --sessions"],
        details: """
            Sessions are the warden's and go on; the next corral daemon run finds them with their output. With
            --sessions the warden ends as well, and all of them with it, without a grace: the next daemon
            records them as ended by daemon-restart. That is how a new version of the warden is started.
            Where no daemon runs there is nothing to do, and that is no failure. Where the socket is set by
            itself and leads to another daemon than the directories do, --sessions is refused.
            """
    ) { arguments in
        Failure.reported("daemon stop") { () throws(CommandError) in
            try stop(DaemonPlace(arguments), withSessions: arguments.has("sessions"))
        }
    }

    static let reload = Command(
        "daemon reload", summary: "Have the daemon read its configuration again.",
        options: ConfigCommand.options,
        examples: ["corral daemon reload"],
        details: """
            Prints what has changed: what is in force now, what waits for the next start of the daemon, and
            what for a new warden. With a mistake in the files nothing changes; each is printed with its
            place, and the exit code is 1. Options and variables are those that the daemon was started with.
            """
    ) { arguments in
        Failure.reported("daemon reload") { () throws(CommandError) in
            try reload(DaemonPlace(arguments))
        }
    }

    // MARK: Stop

    /// How long either program may take to end, in milliseconds.
    private static let patience: CInt = 60_000

    private static func stop(_ place: DaemonPlace, withSessions: Bool) throws(CommandError) {
        let corrald = try place.corrald()
        let warden = try place.warden()
        let sessions = count(place, corrald)
        guard withSessions else {
            let rest = sessions.map { "\(sessionCount($0)) \($0 < 2 ? "goes" : "go") on" }
            if let corrald {
                try end(corrald, "corrald")
                Terminal.print("corrald (pid \(corrald.pid)) has ended; \(rest ?? "sessions go on")")
            } else {
                Terminal.print(
                    "corrald does not run" + (warden == nil ? "" : rest.map { "; \($0)" } ?? ""))
            }
            return
        }
        if corrald != nil, warden == nil, access(place.wardenSocket) {
            throw CommandError(
                "the warden is another user's: only root and that user may end it and its sessions")
        }
        try WardenOwner(
            place: place, hasDaemon: corrald != nil, info: corrald == nil ? nil : try? info(place),
            warden: warden?.pid, unserved: corrald == nil ? sessions : nil
        ).check()
        if let warden {
            let number = sessions.map(sessionCount) ?? "all sessions"
            Terminal.print("ending \(number) and the warden (pid \(warden.pid))")
        }
        // First the one that would start another warden, or take the end for an accident.
        if let corrald { try end(corrald, "corrald") }
        if let warden { try end(warden, "corral-warden") }
        Terminal.print(corrald == nil && warden == nil ? "nothing runs" : "all has ended")
    }

    private static func access(_ path: String) -> Bool { unsafe Glibc.access(path, F_OK) == 0 }

    /// Sessions that have not ended; nil where nobody tells.
    private static func count(_ place: DaemonPlace, _ corrald: PeerProcess?) -> UInt64? {
        guard corrald != nil else {
            return WardenVisit.status(at: place.wardenSocket).map { UInt64($0.sessions) }
        }
        return (try? info(place))?.text("sessions").flatMap(UInt64.init)
    }

    private static func end(_ process: PeerProcess, _ name: String) throws(CommandError) {
        try process.signal(SIGTERM, name)
        guard process.hasEnded(within: patience) else {
            throw CommandError(
                "\(name) (pid \(process.pid)) was told to end and is still there after \(patience / 1000) s; its "
                    + "log says what it waits for")
        }
    }

    // MARK: Reload

    private static func info(_ place: DaemonPlace) throws(CommandError) -> DaemonAnswer {
        try CommandError.asking { () throws(ClientError) in
            let client = DaemonClient(path: place.socket, patience: 10_000)
            return DaemonAnswer(try client.ask(HTTPRequest(.get, ["v1", "info"])).json())
        }
    }

    private static func reload(_ place: DaemonPlace) throws(CommandError) {
        guard let corrald = try place.corrald() else {
            throw CommandError("no daemon listens at \(shown(place.socket)); corral daemon run starts one")
        }
        let before = try info(place).object("reload")?.text("number")
        try corrald.signal(SIGHUP, "corrald")
        let deadline = Timer.now + 30_000_000_000
        while Timer.now < deadline {
            if let told = try info(place).object("reload"), told.text("number") != before {
                return try tell(told)
            }
            if corrald.hasEnded(within: 10) {
                throw CommandError("corrald (pid \(corrald.pid)) has ended; its log says why")
            }
        }
        throw CommandError("corrald (pid \(corrald.pid)) has not read its configuration within 30 s")
    }

    private static func tell(_ told: DaemonAnswer) throws(CommandError) {
        let (changes, problems) = (told.texts("changes"), told.texts("problems"))
        for problem in problems { Terminal.error(shownLine(problem)) }
        if !problems.isEmpty { throw CommandError("the configuration is not right; nothing has changed") }
        for change in changes { Terminal.print(shownLine(change)) }
        if changes.isEmpty { Terminal.print("nothing has changed") }
    }

    /// Of the daemon's own words; it may have taken some from a file.
    private static func shownLine(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}
