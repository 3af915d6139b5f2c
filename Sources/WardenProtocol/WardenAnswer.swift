/// What the warden says to one request. Every request has one answer; `list` has one for each entry of the
/// page before it.
package enum WardenAnswer: Hashable, Sendable {
    /// To `hello`. `instance` differs for every warden that ever was, so that corrald knows its sessions are
    /// lost where it meets another than it left.
    case welcome(version: UInt32, build: String, instance: UInt64)
    case refused(Refusal)
    case done
    /// To `start` and of `list`; descriptors as its roles say.
    case process(ProcessEntry)
    /// Of `list`, before its processes.
    case session(SessionEntry)
    /// The end of a page, and where the next one begins; nil where there is none.
    case page(next: SandboxID?)
    case statistics(SandboxStatistics)
    case status(WardenStatus)
    /// The descriptor of a workspace's top is beside it.
    case workspace
    /// To `volumeCreate`, `volumeResize`, `volumeInspect`, `volumeRestore` and `volumeFork`.
    case volume(VolumeState)
    /// To `volumeList`: names in the order of their places, and behind which one the next page begins; nil where
    /// there is none.
    case volumes([VolumeKey], next: VolumeKey?)
    case volumeTotal(VolumeTotal)
    case volumeDriver(VolumeDriverState)
    /// To `hostVolumeCreate`.
    case hostVolume(HostVolumeState)
    /// To `hostVolumeList`: all of them, in the order of their paths.
    case hostVolumes([HostVolumeState])
    /// To `tenantWeight`: nil where the tenant has no sandbox, or none has a cgroup.
    case tenantWeight(WeightState?)

    private enum Kind: UInt16 {
        case welcome = 64
        case refused, done, process, session, page, statistics, status, workspace, volume, volumes
        case volumeTotal, volumeDriver, hostVolume, hostVolumes, tenantWeight
    }

    func encode() -> (kind: UInt16, fields: [UInt8]) {
        var fields = FieldWriter()
        let kind: Kind
        switch self {
        case .welcome(let version, let build, let instance):
            kind = .welcome
            fields.word(version)
            fields.text(build)
            fields.long(instance)
        case .refused(let refusal):
            kind = .refused
            refusal.write(to: &fields)
        case .done: kind = .done
        case .process(let entry):
            kind = .process
            entry.write(to: &fields)
        case .session(let entry):
            kind = .session
            entry.write(to: &fields)
        case .page(let next):
            kind = .page
            fields.longOrNone(next?.value)
        case .statistics(let statistics):
            kind = .statistics
            statistics.write(to: &fields)
        case .status(let status):
            kind = .status
            status.write(to: &fields)
        case .workspace: kind = .workspace
        case .volume(let state):
            kind = .volume
            state.write(to: &fields)
        case .volumes(let keys, let next):
            kind = .volumes
            fields.list(keys) { $1.write(to: &$0) }
            fields.volumeOrNone(next)
        case .volumeTotal(let total):
            kind = .volumeTotal
            total.write(to: &fields)
        case .volumeDriver(let state):
            kind = .volumeDriver
            state.write(to: &fields)
        case .hostVolume(let state):
            kind = .hostVolume
            state.write(to: &fields)
        case .hostVolumes(let states):
            kind = .hostVolumes
            fields.list(Array(states.prefix(HostVolumeState.most))) { $1.write(to: &$0) }
        case .tenantWeight(let state):
            kind = .tenantWeight
            fields.flag(state != nil)
            state?.write(to: &fields)
        }
        return (kind.rawValue, fields.bytes)
    }

    /// - Returns: nil for a kind that is no answer.
    init?(kind: UInt16, _ fields: inout FieldReader) throws(WireProblem) {
        guard let kind = Kind(rawValue: kind) else { return nil }
        switch kind {
        case .welcome:
            self = .welcome(
                version: try fields.word("version"), build: try fields.text("build"),
                instance: try fields.long("instance"))
        case .refused: self = .refused(try Refusal(from: &fields))
        case .done: self = .done
        case .process: self = .process(try ProcessEntry(from: &fields))
        case .session: self = .session(try SessionEntry(from: &fields))
        case .page: self = .page(next: try fields.longOrNone("next").map(SandboxID.init))
        case .statistics: self = .statistics(try SandboxStatistics(from: &fields))
        case .status: self = .status(try WardenStatus(from: &fields))
        case .workspace: self = .workspace
        case .volume: self = .volume(try VolumeState(from: &fields))
        case .volumes:
            let keys = try fields.list("volumes", limit: WardenFormat.pageLimit) {
                (fields) throws(WireProblem) in try VolumeKey(from: &fields)
            }
            self = .volumes(keys, next: try fields.volumeOrNone("next"))
        case .volumeTotal: self = .volumeTotal(try VolumeTotal(from: &fields))
        case .volumeDriver: self = .volumeDriver(try VolumeDriverState(from: &fields))
        case .hostVolume: self = .hostVolume(try HostVolumeState(from: &fields))
        case .hostVolumes:
            self = .hostVolumes(
                try fields.list("volumes", limit: HostVolumeState.most) {
                    (fields) throws(WireProblem) in try HostVolumeState(from: &fields)
                })
        case .tenantWeight:
            self = .tenantWeight(try fields.flag("weight") ? try WeightState(from: &fields) : nil)
        }
    }
}

/// Why a request was not carried out. Nothing of it was, then.
package struct Refusal: Error, Hashable, Sendable {
    package enum Code: String, CaseIterable, Hashable, Sendable {
        /// The two do not speak the same version.
        case version
        /// Somebody else is being served, or the caller may not be.
        case notServed = "not-served"
        /// Not a message, or not one for this moment.
        case malformed
        case unknownSession = "unknown-session"
        case unknownProcess = "unknown-process"
        /// The session or the process is there already.
        case exists
        /// It cannot be done in the state that the session or the process is in.
        case state
        /// More than the operator's ceilings allow.
        case ceiling
        /// The warden has no descriptors left for it.
        case descriptors
        /// The profile, the image or a value of the order is not what it has to be.
        case order
        /// This host cannot do it; the sentence says why.
        case unsupported
        /// A call of the kernel failed.
        case system
        /// The warden is ending.
        case ending
        /// Of volumes: each as `VolumeError` has it.
        case volumeName = "volume-name"
        case volumeLimit = "volume-limit"
        case volumeAbsent = "volume-absent"
        case volumeExists = "volume-exists"
        case volumeNotAVolume = "volume-not-a-volume"
        /// `limit` says of what, `asked` and `allowed` are the new limit and what is used.
        case volumeBelowUse = "volume-below-use"
        case volumeUnsupported = "volume-unsupported"
        case volumeNotEnforced = "volume-not-enforced"
        case volumeTenantFull = "volume-tenant-full"
        case volumeDiskFull = "volume-disk-full"
        case volumeImageFull = "volume-image-full"
        case volumeNoLoopDevice = "volume-no-loop-device"
        case volumeNoDriver = "volume-no-driver"
        case volumeProgram = "volume-program"
        case volumeSystem = "volume-system"
        /// A sandbox has it.
        case volumeInUse = "volume-in-use"
        /// There are files in it, and nothing is said of what is to become of them.
        case volumeNotEmpty = "volume-not-empty"
    }

    package var code: Code
    package var sentence: String
    /// Which limit, what was asked and what is allowed, for `ceiling` and `descriptors`; else empty.
    package var limit: String
    package var asked: String
    package var allowed: String

    package init(
        _ code: Code, _ sentence: String, limit: String = "", asked: String = "", allowed: String = ""
    ) {
        self.code = code
        self.sentence = sentence
        self.limit = limit
        self.asked = asked
        self.allowed = allowed
    }

    func write(to fields: inout FieldWriter) {
        fields.choice(code)
        for text in [sentence, limit, asked, allowed] { fields.sentence(text) }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            try fields.choice("code"), try fields.sentence("sentence"), limit: try fields.sentence("limit"),
            asked: try fields.sentence("asked"), allowed: try fields.sentence("allowed"))
    }
}

extension Refusal: CustomStringConvertible {
    package var description: String { sentence }
}
