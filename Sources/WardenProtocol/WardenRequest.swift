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
    /// Makes a volume of the kind `workspace`.
    case volumeCreate(VolumeOrder)
    /// Takes a workspace or a snapshot away. Refused while a sandbox has it.
    case volumeRemove(VolumeKey)
    /// Changes the limits that are not nil, not to less than is used.
    case volumeResize(VolumeKey, VolumeAmounts)
    case volumeInspect(VolumeKey)
    /// Keeps what a volume holds at one point in time.
    case volumeSnapshot(VolumeKey, as: VolumeKey)
    /// Puts back what a snapshot kept. Refused while a sandbox has the volume.
    case volumeRestore(VolumeKey, from: VolumeKey)
    /// Makes a workspace that begins with what a volume or a snapshot holds; without limits it has the other's.
    case volumeFork(VolumeKey, as: VolumeOrder)
    /// A page of the names of all volumes, of those behind this one.
    case volumeList(after: VolumeKey?)
    /// A descriptor of the top of a workspace or a snapshot, whose files are the asking user's.
    case volumeOpen(VolumeKey)
    case volumeTotal(tenant: String, VolumeTotalOrder)
    /// Removes what is kept of a tenant without volumes: its total, its directories.
    case volumeForget(tenant: String)
    case volumeDriver
    /// Makes a directory of the host a volume, or takes one up again.
    case hostVolumeCreate(HostVolumeOrder)
    /// Unmounts one. Refused while anybody uses it.
    case hostVolumeRemove(path: String, HostVolumeData)
    case hostVolumeList
    /// What is in force of a tenant's weight; with a number, once its sandboxes weigh that much together.
    case tenantWeight(tenant: String, UInt32?)
    /// Another size, in bytes.
    case hostVolumeResize(path: String, bytes: UInt64)

    /// The number of each kind on the wire.
    private enum Kind: UInt16 {
        case hello = 1
        case create, start, signal, resize, closeInput, pause, resume, kill, remove, acknowledge, note, list
        case statistics, status, shutdown, workspace, volumeCreate, volumeRemove, volumeResize
        case volumeInspect, volumeSnapshot, volumeRestore, volumeFork, volumeList, volumeOpen, volumeTotal
        case volumeForget, volumeDriver, hostVolumeCreate, hostVolumeRemove, hostVolumeList
        case tenantWeight
        case hostVolumeResize
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
        case .tenantWeight(let tenant, let weight):
            kind = .tenantWeight
            fields.text(tenant)
            fields.flag(weight != nil)
            if let weight { fields.word(weight) }
        case .volumeCreate, .volumeRemove, .volumeResize, .volumeInspect, .volumeSnapshot, .volumeRestore,
            .volumeFork, .volumeList, .volumeOpen, .volumeTotal, .volumeForget, .volumeDriver,
            .hostVolumeCreate, .hostVolumeRemove, .hostVolumeList, .hostVolumeResize:
            kind = encodeVolume(&fields)
        }
        return (kind.rawValue, fields.bytes)
    }

    /// What is asked of volumes.
    private func encodeVolume(_ fields: inout FieldWriter) -> Kind {
        switch self {
        case .volumeCreate(let order):
            order.write(to: &fields)
            return .volumeCreate
        case .volumeRemove(let key): return Self.write(key, .volumeRemove, &fields)
        case .volumeResize(let key, let limits):
            limits.write(to: &fields)
            return Self.write(key, .volumeResize, &fields)
        case .volumeInspect(let key): return Self.write(key, .volumeInspect, &fields)
        case .volumeSnapshot(let key, let copy):
            copy.write(to: &fields)
            return Self.write(key, .volumeSnapshot, &fields)
        case .volumeRestore(let key, let snapshot):
            snapshot.write(to: &fields)
            return Self.write(key, .volumeRestore, &fields)
        case .volumeFork(let key, let order):
            order.write(to: &fields)
            return Self.write(key, .volumeFork, &fields)
        case .volumeList(let after):
            fields.volumeOrNone(after)
            return .volumeList
        case .volumeOpen(let key): return Self.write(key, .volumeOpen, &fields)
        case .volumeTotal(let tenant, let order):
            fields.text(tenant)
            order.write(to: &fields)
            return .volumeTotal
        case .volumeForget(let tenant):
            fields.text(tenant)
            return .volumeForget
        case .hostVolumeCreate(let order):
            order.write(to: &fields)
            return .hostVolumeCreate
        case .hostVolumeRemove(let path, let data):
            fields.text(path)
            fields.choice(data)
            return .hostVolumeRemove
        case .hostVolumeList: return .hostVolumeList
        case .hostVolumeResize(let path, let bytes):
            fields.text(path)
            fields.long(bytes)
            return .hostVolumeResize
        default: return .volumeDriver
        }
    }

    private static func write(_ key: VolumeKey, _ kind: Kind, _ fields: inout FieldWriter) -> Kind {
        key.write(to: &fields)
        return kind
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
        case .tenantWeight:
            let tenant = try fields.tenant()
            return .tenantWeight(tenant: tenant, try fields.flag("weight") ? try fields.weight() : nil)
        case .volumeCreate, .volumeRemove, .volumeResize, .volumeInspect, .volumeSnapshot, .volumeRestore,
            .volumeFork, .volumeList, .volumeOpen, .volumeTotal, .volumeForget, .volumeDriver,
            .hostVolumeCreate, .hostVolumeRemove, .hostVolumeList, .hostVolumeResize:
            return try decodeVolume(kind, &fields)
        }
    }

    private static func decodeVolume(_ kind: Kind, _ fields: inout FieldReader) throws(WireProblem) -> Self {
        switch kind {
        case .volumeCreate: return .volumeCreate(try VolumeOrder(from: &fields))
        case .volumeRemove: return .volumeRemove(try VolumeKey(from: &fields))
        case .volumeResize:
            let limits = try VolumeAmounts(from: &fields)
            return .volumeResize(try VolumeKey(from: &fields), limits)
        case .volumeInspect: return .volumeInspect(try VolumeKey(from: &fields))
        case .volumeSnapshot:
            let copy = try VolumeKey(from: &fields)
            return .volumeSnapshot(try VolumeKey(from: &fields), as: copy)
        case .volumeRestore:
            let snapshot = try VolumeKey(from: &fields)
            return .volumeRestore(try VolumeKey(from: &fields), from: snapshot)
        case .volumeFork:
            let order = try VolumeOrder(from: &fields)
            return .volumeFork(try VolumeKey(from: &fields), as: order)
        case .volumeList: return .volumeList(after: try fields.volumeOrNone("after"))
        case .volumeOpen: return .volumeOpen(try VolumeKey(from: &fields))
        case .volumeTotal:
            let tenant = try fields.text("tenant")
            return .volumeTotal(tenant: tenant, try VolumeTotalOrder(from: &fields))
        case .volumeForget: return .volumeForget(tenant: try fields.text("tenant"))
        case .hostVolumeCreate: return .hostVolumeCreate(try HostVolumeOrder(from: &fields))
        case .hostVolumeRemove:
            return .hostVolumeRemove(path: try fields.hostPath("path"), try fields.choice("data"))
        case .hostVolumeList: return .hostVolumeList
        case .hostVolumeResize:
            return .hostVolumeResize(path: try fields.hostPath("path"), bytes: try fields.long("bytes"))
        default: return .volumeDriver
        }
    }
}
