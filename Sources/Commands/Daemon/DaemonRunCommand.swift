import Client
import Configuration
import Glibc
import Linux
import Sandbox
import WardenProtocol

/// `corral daemon run`: becomes corrald, or starts it and waits until it serves.
enum DaemonRunCommand {
    static let command = Command(
        "daemon run", summary: "Run the daemon, in the foreground unless --detach says otherwise.",
        options: [
            .init("detach", short: "d", help: "start it in the background; returns when it serves"),
            .init(
                "log", value: "FILE",
                help: "with --detach: append the log to it (default: corrald.log in the state directory)"),
        ] + ConfigCommand.options,
        examples: [
            "corral daemon run", "corral daemon run --detach",
            "corral daemon run --state /srv/corral --set limits.sessions=50",
        ],
        details: """
            Started as root, corrald becomes the user of the setting user before it serves; started by an
            ordinary user it is that user. SIGTERM ends it and no session, SIGHUP has it read its configuration
            again. It logs to standard error: text on a terminal, else one JSON object a line. Exit code
            75: it lost its warden and wants to be started again.
            """
    ) { arguments in
        Failure.reported("daemon run") { () throws(CommandError) in
            // Mistakes are told here, before anything is started.
            let place = try ConfigCommand.load(arguments, isAboutIt: false).settings
            let program = try DaemonFile.find()
            let words = ["corrald"] + ConfigCommand.words(arguments)
            tellOfOtherWarden(place)
            guard arguments.has("detach") else {
                if arguments.value("log") != nil {
                    throw CommandError("--log is for --detach; in the foreground the log is standard error")
                }
                throw program.become(words)
            }
            try DetachedDaemon(place, program, words, log: arguments.value("log")).start()
        }
    }

    /// Said before it starts, since only the operator can decide it: a new warden takes the sessions' end.
    private static func tellOfOtherWarden(_ settings: Settings) {
        guard let warden = WardenVisit.status(at: "\(settings.text(.runtime))/warden.sock"),
            warden.build != CorralVersion.current
        else { return }
        Terminal.error(
            "corral daemon run: the warden that runs is of build \(shown(warden.build)) and this is "
                + "\(CorralVersion.current). Its \(sessionCount(UInt64(warden.sessions))) go on with it, if both speak one "
                + "protocol. corral daemon stop --sessions ends it and them (as daemon-restart); the next "
                + "corral daemon run then starts the new one.")
    }
}

/// The file of corrald, opened: what was found is what is executed.
struct DaemonFile: ~Copyable {
    private let file: FileDescriptor
    let path: String

    /// Beside this program, or where `make install` puts it.
    static func find() throws(CommandError) -> DaemonFile {
        let own = SelfPath.directory ?? "/usr/bin"
        let candidates = ["\(own)/corrald", "\(own)/../sbin/corrald"]
        for candidate in candidates {
            guard let file = try? FileDescriptor.open(candidate, O_RDONLY) else { continue }
            return DaemonFile(file: file, path: candidate)
        }
        throw CommandError(
            "corrald was not found; looked for \(candidates.joined(separator: ", ")). make install puts it there"
        )
    }

    /// Executes it in this process's place.
    /// - Returns: why not, if at all.
    borrowing func become(_ words: [String]) -> CommandError {
        let argv = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe argv.forEach { unsafe free($0) } }
        _ = unsafe fexecve(file.number, argv, environ)
        return CommandError("\(path): \(Errno(rawValue: errno))")
    }

    /// Starts it in a session of its own, with a log for standard error.
    borrowing func start(_ words: [String], log: borrowing FileDescriptor) throws(CommandError) -> pid_t {
        // By this process's descriptor, as the new one has it no more when it executes this.
        let corrald = HostProgram(
            path: "/proc/\(getpid())/fd/\(file.number)", words: words,
            environment: HostProgram.ownEnvironment, leads: .session)
        do throws(SystemError) {
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            return try corrald.start([null.number, null.number, log.number])
        } catch {
            throw CommandError("\(path): \(error.errno)")
        }
    }
}

/// A corrald in the background, from its start until it serves.
struct DetachedDaemon: ~Copyable {
    private let settings: Settings
    private let program: DaemonFile
    private let words: [String]
    private let log: String

    init(
        _ settings: Settings, _ program: consuming DaemonFile, _ words: [String], log: String?
    ) {
        self.settings = settings
        self.program = program
        self.words = words
        self.log = log ?? "\(settings.text(.state))/corrald.log"
    }

    borrowing func start() throws(CommandError) {
        let file = try openLog()
        var status = stat()
        let number = file.number
        let before = unsafe fstat(number, &status) == 0 ? Int(status.st_size) : 0
        let pid = try program.start(words, log: file)
        let socket = settings.text(.socketPath)
        let deadline = Timer.now + 90_000_000_000
        while Timer.now < deadline {
            var ended: CInt = 0
            if unsafe waitpid(pid, &ended, WNOHANG) == pid {
                for line in said(since: before) { Terminal.error(line) }
                throw CommandError("corrald did not start; its log is \(shown(log))")
            }
            if isServing(pid, at: socket) {
                Terminal.print("corrald (pid \(pid)) serves \(shown(socket)); its log is \(shown(log))")
                return
            }
            usleep(20_000)
        }
        throw CommandError("corrald (pid \(pid)) does not serve after 90 s; its log is \(shown(log))")
    }

    /// It listens before it serves: an answer is what counts, and that it is this one's.
    private borrowing func isServing(_ pid: pid_t, at socket: String) -> Bool {
        guard let listener = try? FileDescriptor.unixSocket(nonBlocking: true),
            (try? listener.connect(to: socket)) != nil, (try? listener.peerCredentials())?.pid == pid
        else { return false }
        let client = DaemonClient(path: socket, patience: 200)
        return (try? client.ask(HTTPRequest(.get, ["v1", "health"]))) != nil
    }

    /// The state directory may not be there yet; corrald lets its own user into it.
    private borrowing func openLog() throws(CommandError) -> FileDescriptor {
        let state = settings.text(.state)
        do throws(SystemError) {
            if log.hasPrefix("\(state)/") {
                var parent = ""
                for part in state.split(separator: "/") {
                    parent += "/\(part)"
                    guard unsafe mkdir(parent, 0o755) == 0 else { continue }
                    if parent == state { unsafe chmod(parent, 0o700) }
                }
            }
            return try FileDescriptor.open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o640)
        } catch {
            throw CommandError("the log \(shown(log)) cannot be opened: \(error.errno)")
        }
    }

    /// The last lines that were logged behind so many bytes.
    private borrowing func said(since offset: Int) -> [String] {
        guard let file = try? FileDescriptor.open(log, O_RDONLY), lseek(file.number, offset, SEEK_SET) >= 0,
            let bytes = try? file.readAll(limit: 1 << 20)
        else { return [] }
        return bytes.split(separator: 0x0A).suffix(10).map { String(decoding: $0, as: UTF8.self) }
    }
}
