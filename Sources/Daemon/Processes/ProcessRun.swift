import API
import Capture
import Linux
import Sandbox
import Sessions
import Store
import WardenProtocol
import Wire

/// What belongs to a process beside its machine.
final class ProcessRun {
    let id: ProcessID
    let session: SessionID
    let spec: ProcessSpec
    let program: ProgramRequest
    let created: Moment
    var started: Moment?
    var ended: Moment?
    var pid: Int32?
    /// How its last run ended, where that is known.
    var exit: ExitRecord?
    /// In nanoseconds, while the record of that end is put together.
    var usedCPU: UInt64?
    /// That it ended with its sandbox, until it is known why that did.
    var heldExit: ExitRecord?
    /// While it runs, and until what it wrote is recorded.
    var output: ProcessOutput?
    var feed: InputFeed?
    var stdout = ProcessStanding.Output()
    var stderr = ProcessStanding.Output()
    /// What it wrote, as it was recorded; for whoever waits for the result.
    var result: (stdout: [UInt8], stderr: [UInt8])?
    var isRecorded = false
    /// Whether the warden has been asked for a run that it still has in custody.
    var isInCustody = false
    var followers: [LogFollower] = []
    /// Who is to be attached to it as soon as it runs.
    var lead: Lead?
    /// Why it did not start, where the warden has told.
    var startProblem: StartProblem.Reason?
    /// Called once the warden has it, or it has ended without.
    var whenTaken: (() -> Void)?

    init(
        _ id: ProcessID, in session: SessionID, _ spec: ProcessSpec, _ program: ProgramRequest,
        created: Moment
    ) {
        self.id = id
        self.session = session
        self.spec = spec
        self.program = program
        self.created = created
    }

    func taken() {
        let body = whenTaken
        whenTaken = nil
        body?()
    }

    var key: ProcessKey { ProcessKey(SandboxID(session.value), id.value) }

    /// Its terminal or its pipes, and what of its input.
    var streams: ProcessOrder.Streams {
        if let size = program.terminal { return .terminal(size) }
        if !program.stdin.isEmpty { return .pipes(.given) }
        return .pipes(program.keepsInput ? .pipe : .none)
    }

    /// How it ended, as a JSON object for attached clients.
    func exitNote(_ result: ProcessResult?) -> [UInt8] {
        JSONText.object { note in
            note.add("process", id.description)
            if let result { note.add("cause", result.cause.rawValue) }
            switch result?.status {
            case .exited(let code): note.add("exit", Int(code))
            case .signalled(let number): note.add("signal", Int(number))
            case nil: break
            }
            if let problem = result?.problem, !problem.isEmpty { note.add("message", problem) }
        }.bytes
    }
}

extension ProcessRun: OutputObserver {
    func moved(_ stream: OutputStream, of output: ProcessOutput) { wakeFollowers() }

    /// The process waits with its output; at its end everything is tried once more.
    func failed(_ stream: OutputStream, of output: ProcessOutput, _ error: SystemError) { wakeFollowers() }

    func wakeFollowers() { followers.forEach { $0.wake() } }
}

/// What shall run, as a client asks for it and as the store keeps it.
struct ProgramRequest {
    var command: ProcessOrder.Command
    var environment: [String] = []
    var directory: String?
    var terminal: WindowSize?
    /// All of the input of an exec.
    var stdin: [UInt8] = []
    /// Its input stays open for those attached, and a managed one's for writes.
    var keepsInput = false
    /// Of an exec, in bytes of both streams.
    var outputLimit: UInt64?

    /// The most bytes of a command that are shown and kept.
    private static let shown = 64 << 10

    /// The command as it is shown: what is very long is cut.
    var argv: [String] {
        let words: [String]
        switch command {
        case .arguments(let arguments): words = arguments
        case .shell(let text, let arguments): words = ["sh", "-c", text] + arguments
        }
        var room = ProgramRequest.shown
        return words.prefix { _ in room > 0 }.map { word in
            let part = String(decoding: word.utf8.prefix(room), as: UTF8.self)
            room -= min(room, word.utf8.count + 1)
            return part
        }
    }

    /// - Parameter reader: of an ExecRequest or a ProcessRequest.
    init(_ reader: APIReader) throws(FieldProblem) {
        switch (reader.texts("argv"), reader.text("shell")) {
        case (let arguments?, nil):
            guard arguments.first?.isEmpty == false else {
                throw FieldProblem("argv", "is empty; the program and its arguments were expected")
            }
            command = .arguments(arguments)
        case (nil, let text?): command = .shell(text, [])
        case (nil, nil): throw FieldProblem("argv", "is missing, and so is shell; one of them was expected")
        default: throw FieldProblem("shell", "is there and argv as well; one of them was expected")
        }
        for (name, value) in reader.map("env") ?? [] {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                throw FieldProblem("env", "\(quoted(name)) is no name of a variable")
            }
            environment.append("\(name)=\(value)")
        }
        directory = reader.text("cwd")
        if let directory, !directory.hasPrefix("/") {
            throw FieldProblem("cwd", "\(quoted(directory)) is no absolute path")
        }
        if reader.flag("tty") ?? false {
            terminal = WindowSize(
                columns: UInt16(clamping: reader.whole("columns") ?? 80),
                rows: UInt16(clamping: reader.whole("rows") ?? 24))
        }
    }
}
