package import Sandbox

/// A sandbox to be made: names and values only. What they stand for the warden reads from the operator's own
/// files, so that a corrald that has been taken over gets what the operator's profiles allow and no more.
package struct SessionOrder: Hashable, Sendable {
    package var id: SandboxID
    /// The name of a profile.
    package var profile: String
    /// The name of an image, in place of the profile's.
    package var image: String?
    /// Limits and variables over those of the profile; see ``isCarried(_:)``.
    package private(set) var overrides: [ProfileOverride]
    /// The volume that is its workspace; nil for the memory file system that the profile describes. One of the kind
    /// `session` has the session's id for its name, is made before the launch and removed after the session.
    package var workspace: VolumeOrder?
    /// A directory of the host that is its workspace: an absolute path in its one shortest form (`checkPath`). Never
    /// together with a volume.
    package var directory: String?
    /// The limit that the directory is to have; nil where nobody asks for one.
    package var directoryQuota: DirectoryQuota?
    /// Whose it is, for the cgroup that it is in; nil for nobody's.
    package var share: TenantShare?
    /// What corrald wants told back by `list`; nobody else reads it.
    package var note: [UInt8]

    package init(
        id: SandboxID, profile: String, image: String? = nil, overrides: [ProfileOverride] = [],
        workspace: VolumeOrder? = nil, directory: String? = nil, directoryQuota: DirectoryQuota? = nil,
        share: TenantShare? = nil, note: [UInt8] = []
    ) {
        self.id = id
        self.profile = profile
        self.image = image
        self.overrides = overrides.filter(Self.isCarried)
        self.workspace = workspace
        self.directory = directory
        self.directoryQuota = directory == nil ? nil : directoryQuota
        self.share = share
        self.note = note
    }

    /// Limits and variables. Not the image, which is a field of its own, and not the network: a broken
    /// corrald would ask for the host's.
    package static func isCarried(_ override: ProfileOverride) -> Bool {
        switch override {
        case .image, .network: false
        default: true
        }
    }

    func write(to fields: inout FieldWriter) {
        fields.id(id)
        fields.text(profile)
        fields.textOrNone(image)
        fields.list(overrides) { $0.override($1) }
        fields.flag(workspace != nil)
        workspace?.write(to: &fields)
        fields.textOrNone(directory)
        fields.flag(directoryQuota != nil)
        directoryQuota?.write(to: &fields)
        fields.flag(share != nil)
        share?.write(to: &fields)
        fields.blob(note)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        id = try fields.id()
        profile = try fields.text("profile")
        image = try fields.textOrNone("image")
        overrides = try fields.list("overrides", limit: WardenFormat.overridesLimit) {
            (fields) throws(WireProblem) in try fields.override()
        }
        workspace = try VolumeOrder.ofSession(id, from: &fields)
        directory = try fields.textOrNone("directory")
        if let directory {
            guard workspace == nil else { throw .refused("directory", "left out where there is a volume") }
            guard (try? checkPath(directory)) != nil else {
                throw .refused("directory", "an absolute path in its shortest form")
            }
        }
        directoryQuota = try fields.flag("quota") ? try DirectoryQuota(from: &fields) : nil
        if directoryQuota != nil, directory == nil {
            throw .refused("quota", "left out where there is no directory")
        }
        share = try fields.flag("share") ? try TenantShare(from: &fields) : nil
        note = try fields.blob("note", limit: WardenFormat.noteLimit)
    }
}

/// Which override follows, and its place on the wire.
private enum OverrideKind: UInt8, CaseIterable {
    case memory, cpus, pids, cpuTime, pidsKill, outputLimit, outputKill, timeout, variable, openFiles
    case fileSize, stack
}

extension FieldWriter {
    fileprivate mutating func override(_ value: ProfileOverride) {
        switch value {
        case .memory(let bytes): amount(.memory, bytes)
        case .cpus(let thousandths): amount(.cpus, UInt64(thousandths))
        case .pids(let count): amount(.pids, UInt64(count))
        case .cpuTime(let time): amount(.cpuTime, time)
        case .pidsKill: byte(OverrideKind.pidsKill.rawValue)
        case .outputLimit(let bytes): amount(.outputLimit, bytes)
        case .outputKill: byte(OverrideKind.outputKill.rawValue)
        case .timeout(let time): amount(.timeout, time)
        case .variable(let variable):
            byte(OverrideKind.variable.rawValue)
            text(variable.name)
            text(variable.value)
        // Not carried: an order has none.
        case .image, .network: break
        case .openFiles(let count): amount(.openFiles, UInt64(count))
        case .fileSize(let bytes): amount(.fileSize, bytes)
        case .stack(let bytes): amount(.stack, bytes)
        }
    }

    private mutating func amount(_ kind: OverrideKind, _ value: UInt64?) {
        byte(kind.rawValue)
        longOrNone(value)
    }
}

extension FieldReader {
    fileprivate mutating func override() throws(WireProblem) -> ProfileOverride {
        let kind: OverrideKind = try choice("override")
        switch kind {
        case .memory: return .memory(try amount("memory"))
        case .cpus: return .cpus(try count("cpus"))
        case .pids: return .pids(try count("pids"))
        case .cpuTime: return .cpuTime(try longOrNone("cpu time"))
        case .pidsKill: return .pidsKill
        case .outputLimit: return .outputLimit(try longOrNone("output limit"))
        case .outputKill: return .outputKill
        case .timeout: return .timeout(try longOrNone("timeout"))
        case .variable:
            let name = try text("variable")
            let value = try text("variable", limit: WardenFormat.argumentLimit)
            guard let variable = EnvironmentVariable.checked(name, value) else {
                throw .refused("variable", "a name without = and a value")
            }
            return .variable(variable)
        case .openFiles: return .openFiles(try count("open files"))
        case .fileSize: return .fileSize(try amount("file size"))
        case .stack: return .stack(try amount("stack"))
        }
    }

    /// A limit that there has to be.
    private mutating func amount(_ field: String) throws(WireProblem) -> UInt64 {
        guard let value = try longOrNone(field) else { throw .refused(field, "a number") }
        return value
    }

    private mutating func count(_ field: String) throws(WireProblem) -> UInt32 {
        let value = try amount(field)
        guard let count = UInt32(exactly: value) else { throw .unknownValue(field, value) }
        return count
    }
}

extension EnvironmentVariable {
    fileprivate static func checked(_ name: String, _ value: String) -> EnvironmentVariable? {
        name.isEmpty || name.utf8.contains(UInt8(ascii: "="))
            ? nil : EnvironmentVariable(name: name, value: value)
    }
}
