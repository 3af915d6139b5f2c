import Client
import Sandbox
import Wire

// What is done with the processes of a session.
extension SessionCommand {
    static let processes: [Command] = [
        ExecCommand.command, StartCommand.command, AttachCommand.command, LogsCommand.command,
        ProcessCommand.list, ProcessCommand.inspect, InputCommand.command, ProcessCommand.signal,
        ProcessCommand.stop,
    ]

    /// What is done with its files.
    static let files: [Command] = [FilesCommand.command, CopyCommand.command]
}

/// A process by the words that a command line has for it and its session.
struct ProcessPlace {
    let session: String
    let process: String

    /// - Parameter words: SESSION PROCESS
    init(_ words: [String]) throws(CommandError) {
        guard words.count >= 2, !words[0].isEmpty, !words[1].isEmpty else {
            throw CommandError("SESSION or PROCESS is empty; expected a name, an id or the beginning of one")
        }
        (session, process) = (words[0], words[1])
    }

    init(session: String, process: String) {
        self.session = session
        self.process = process
    }

    /// The path of the API.
    var path: [String] { ["v1", "sessions", session, "processes", process] }

    func path(_ last: String) -> [String] { path + [last] }
}

/// What the daemon says of a process.
struct ProcessAnswer {
    let json: JSONText
    let id: String
    let name: String?
    let kind: String
    let command: [String]
    let state: String
    let cause: String?
    let exit: Int32?
    let signal: Int32?
    let started: String?
    let ended: String?
    let restarts: UInt64
    /// Bytes written so far to standard output and standard error.
    let written: [UInt64]
    let hasTerminal: Bool

    var hasEnded: Bool { state == "ended" }

    init(_ tree: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(tree)
        json = JSONText(of: tree)
        id = try members.need("id")
        state = try members.need("state")
        name = members.text("name")
        kind = members.text("kind") ?? ""
        command = members.words("argv")
        cause = members.text("cause")
        exit = members.code("exit")
        signal = members.code("signal")
        started = members.text("started")
        ended = members.text("ended")
        restarts = members.whole("restarts") ?? 0
        written = ["stdout_bytes", "stderr_bytes"].map { members.whole($0) ?? 0 }
        hasTerminal = members.flag("tty")
    }

    static func ask(_ client: DaemonClient, _ place: ProcessPlace) throws(ClientError) -> ProcessAnswer {
        try ProcessAnswer(try client.ask(HTTPRequest(.get, place.path)).json())
    }
}

extension JSONText {
    /// A part of an answer as a text of its own.
    init(of tree: JSONTree) {
        switch tree.value {
        case .null: self.init(alreadyJSON: Array("null".utf8))
        case .bool(let flag): self.init(alreadyJSON: Array("\(flag)".utf8))
        case .number(let text): self.init(alreadyJSON: Array(text.utf8))
        case .string(let text):
            var bytes: [UInt8] = []
            text.writeJSON(to: &bytes)
            self.init(alreadyJSON: bytes)
        case .array(let list):
            self = .array { array in for element in list { array.add(JSONText(of: element)) } }
        case .object(let members):
            self = .object { object in
                for member in members { object.add(member.key, JSONText(of: member.value)) }
            }
        }
    }
}
