// Directories of the host that are volumes of Corral's, as corrald asks for them and the warden tells of them. Which
// directories may be, the warden judges: a path of these is one that somebody wrote.

import Sandbox

/// A directory of the host that is to be a volume.
package struct HostVolumeOrder: Hashable, Sendable {
    /// Absolute, in its one shortest form (`checkPath`).
    package var path: String
    /// Nil to take up again what is recorded of that path, as it is.
    package var bytes: UInt64?

    package init(_ path: String, bytes: UInt64?) {
        self.path = path
        self.bytes = bytes
    }
}

/// What becomes of what is in a volume that is removed.
package enum HostVolumeData: String, CaseIterable, Hashable, Sendable {
    /// There has to be nothing.
    case nothing
    /// It is deleted.
    case delete
    /// The image stays where it is, unmounted, to be taken up again.
    case keep
}

/// A volume of the host's that is on record.
package struct HostVolumeState: Hashable, Sendable {
    package enum Stage: String, CaseIterable, Hashable, Sendable {
        /// Programs of the host have it at its path.
        case mounted
        /// It should be mounted and is not.
        case unmounted
        /// It was removed but for what is in it.
        case kept
    }

    package var path: String
    /// Its size.
    package var bytes: UInt64
    /// What is in it; nil while it is not open.
    package var used: UInt64?
    package var stage: Stage
    /// Why it is not mounted, where it should be; else empty.
    package var problem: String
    /// How many sandboxes have a directory of it.
    package var users: UInt32
    /// In milliseconds since 1970.
    package var created: Int64

    package init(
        path: String, bytes: UInt64, used: UInt64?, stage: Stage, problem: String, users: UInt32,
        created: Int64
    ) {
        self.path = path
        self.bytes = bytes
        self.used = used
        self.stage = stage
        self.problem = problem
        self.users = users
        self.created = created
    }

    /// The most that there are: each takes some descriptors of the warden's.
    package static let most = 16
}

/// A limit that is wanted of a directory of the host.
package struct DirectoryQuota: Hashable, Sendable {
    package var limits: VolumeAmounts
    /// Takes limits that nothing would enforce for wishes.
    package var allowSoft: Bool

    package init(limits: VolumeAmounts, allowSoft: Bool = false) {
        self.limits = limits
        self.allowSoft = allowSoft
    }
}

// MARK: Fields

extension FieldReader {
    /// - Throws: for a path that is not in the form that the warden compares.
    mutating func hostPath(_ field: String) throws(WireProblem) -> String {
        let path = try text(field)
        guard (try? checkPath(path)) != nil else {
            throw .refused(field, "an absolute path in its shortest form")
        }
        return path
    }
}

extension HostVolumeOrder {
    func write(to fields: inout FieldWriter) {
        fields.text(path)
        fields.longOrNone(bytes)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(try fields.hostPath("path"), bytes: try fields.longOrNone("bytes"))
    }
}

extension HostVolumeState {
    func write(to fields: inout FieldWriter) {
        fields.text(path)
        fields.long(bytes)
        fields.longOrNone(used)
        fields.choice(stage)
        fields.sentence(problem)
        fields.word(users)
        fields.long(UInt64(bitPattern: created))
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            path: try fields.hostPath("path"), bytes: try fields.long("bytes"),
            used: try fields.longOrNone("used"), stage: try fields.choice("stage"),
            problem: try fields.sentence("problem"), users: try fields.word("users"),
            created: Int64(bitPattern: try fields.long("created")))
    }
}

extension DirectoryQuota {
    func write(to fields: inout FieldWriter) {
        limits.write(to: &fields)
        fields.flag(allowSoft)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(limits: try VolumeAmounts(from: &fields), allowSoft: try fields.flag("soft"))
    }
}
