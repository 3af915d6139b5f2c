/// What corrald asks of the warden.
package enum WardenRequest: Hashable, Sendable {
    /// Always the first: the versions of both are compared before anything else is said.
    case hello(version: UInt32, build: String)
    case create(SessionOrder)
    case start(ProcessOrder)
    case signal(ProcessKey, Int32)
    case resize(ProcessKey, WindowSize)
    /// Closes the warden's end of the standard input, so that the process reads its end once corrald has
    /// closed its own.
    case closeInput(ProcessKey)
    case pause(SandboxID)
    case resume(SandboxID)
    /// Ends everything in the sandbox and removes what it used; the event `gone` tells when that is done.
    case kill(SandboxID)
    /// Forgets a session that is gone, or tries once more to remove what is left of it.
    case remove(SandboxID)
    /// Corrald has what it wants of an ended process: its exit is forgotten and its descriptors are closed.
    case acknowledge(ProcessKey)
    /// Replaces what corrald notes about the session.
    case note(SandboxID, [UInt8])
    /// A page of everything in custody, of the sessions behind this one.
    case list(after: SandboxID?)
    case statistics(SandboxID)
    case status
    /// A descriptor of the top of a session's workspace, whose files are the asking user's.
    case workspace(SandboxID)
    /// Ends every session, then the warden.
    case shutdown

    /// The number of each kind on the wire.
    private enum Kind: UInt16 {
        case hello = 1
        case create, start, signal, resize, closeInput, pause, resume, kill, remove, acknowledge, note, list
        case statistics, status, shutdown, workspace
    }

    func encode() -> (kind: UInt16, fields: [UInt8]) {
        var fields = FieldWriter()
        let kind: Kind
        switch self {
        case .hello(let version, let build):
            kind = .hello
            fields.word(version)
            fields.text(build)
        case .create(let order):
            kind = .create
            order.write(to: &fields)
        case .start(let order):
            kind = .start
            order.write(to: &fields)
        case .signal(let key, let number):
            kind = .signal
            fields.key(key)
            fields.word(UInt32(bitPattern: number))
        case .resize(let key, let size):
            kind = .resize
            fields.key(key)
            size.write(to: &fields)
        case .note(let id, let note):
            kind = .note
            fields.id(id)
            fields.blob(note)
        case .list(let after):
            kind = .list
            fields.longOrNone(after?.value)
        case .closeInput(let key): kind = Self.write(key, .closeInput, &fields)
        case .acknowledge(let key): kind = Self.write(key, .acknowledge, &fields)
        case .pause(let id): kind = Self.write(id, .pause, &fields)
        case .resume(let id): kind = Self.write(id, .resume, &fields)
        case .kill(let id): kind = Self.write(id, .kill, &fields)
        case .remove(let id): kind = Self.write(id, .remove, &fields)
        case .statistics(let id): kind = Self.write(id, .statistics, &fields)
        case .status: kind = .status
        case .workspace(let id): kind = Self.write(id, .workspace, &fields)
        case .shutdown: kind = .shutdown
        }
        return (kind.rawValue, fields.bytes)
    }

    private static func write(_ key: ProcessKey, _ kind: Kind, _ fields: inout FieldWriter) -> Kind {
        fields.key(key)
        return kind
    }

    private static func write(_ id: SandboxID, _ kind: Kind, _ fields: inout FieldWriter) -> Kind {
        fields.id(id)
        return kind
    }

    init(kind: UInt16, _ bytes: [UInt8]) throws(WireProblem) {
        guard let kind = Kind(rawValue: kind) else { throw .unknownKind(kind) }
        var fields = FieldReader(bytes)
        self = try Self.decode(kind, &fields)
        try fields.finish()
    }

    private static func decode(_ kind: Kind, _ fields: inout FieldReader) throws(WireProblem) -> Self {
        switch kind {
        case .hello: return .hello(version: try fields.word("version"), build: try fields.text("build"))
        case .create: return .create(try SessionOrder(from: &fields))
        case .start: return .start(try ProcessOrder(from: &fields))
        case .signal:
            let key = try fields.key()
            let number = Int32(bitPattern: try fields.word("signal"))
            guard (1...64).contains(number) else { throw .refused("signal", "a number from 1 to 64") }
            return .signal(key, number)
        case .resize: return .resize(try fields.key(), try WindowSize(from: &fields))
        case .closeInput: return .closeInput(try fields.key())
        case .pause: return .pause(try fields.id())
        case .resume: return .resume(try fields.id())
        case .kill: return .kill(try fields.id())
        case .remove: return .remove(try fields.id())
        case .acknowledge: return .acknowledge(try fields.key())
        case .note: return .note(try fields.id(), try fields.blob("note", limit: WardenFormat.noteLimit))
        case .list: return .list(after: try fields.longOrNone("after").map(SandboxID.init))
        case .statistics: return .statistics(try fields.id())
        case .status: return .status
        case .workspace: return .workspace(try fields.id())
        case .shutdown: return .shutdown
        }
    }
}
