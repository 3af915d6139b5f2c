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

    init?(_ tree: JSONTree) {
        guard case .object(let list) = tree.value else { return nil }
        let members = Members(list)
        guard let id = members.text("id"), let state = members.text("state") else { return nil }
        json = JSONText(of: tree)
        self.id = id
        self.state = state
        name = members.text("name")
        kind = members.text("kind") ?? ""
        command = members.texts("argv")
        cause = members.text("cause")
        exit = members.number("exit").flatMap { Int32($0) }
        signal = members.number("signal").flatMap { Int32($0) }
        started = members.text("started")
        ended = members.text("ended")
        restarts = members.number("restarts").flatMap { UInt64($0) } ?? 0
        written = ["stdout_bytes", "stderr_bytes"].map { members.number($0).flatMap { UInt64($0) } ?? 0 }
        hasTerminal = members.flag("tty")
    }

    static func ask(_ client: DaemonClient, _ place: ProcessPlace) throws(ClientError) -> ProcessAnswer {
        guard let found = ProcessAnswer(try client.ask(HTTPRequest(.get, place.path)).json()) else {
            throw .malformed(.badLine("no process"))
        }
        return found
    }
}

/// The members of an object by their names.
struct Members {
    private let members: [JSONTree.Member]

    init(_ members: [JSONTree.Member]) { self.members = members }

    init(_ tree: JSONTree?) {
        if case .object(let members)? = tree?.value { self.members = members } else { members = [] }
    }

    subscript(_ name: String) -> JSONTree? { members.first { $0.key == name }?.value }

    func text(_ name: String) -> String? {
        if case .string(let text)? = self[name]?.value { return text }
        return nil
    }

    func number(_ name: String) -> String? {
        if case .number(let text)? = self[name]?.value { return text }
        return nil
    }

    func flag(_ name: String) -> Bool {
        if case .bool(let flag)? = self[name]?.value { return flag }
        return false
    }

    func list(_ name: String) -> [JSONTree] {
        if case .array(let list)? = self[name]?.value { return list }
        return []
    }

    func texts(_ name: String) -> [String] {
        list(name).compactMap { element in
            if case .string(let text) = element.value { return text }
            return nil
        }
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
