package import Sandbox

/// What the warden says unasked. What an event tells is also in the answers to `list`, so that nothing is
/// lost with a connection.
package enum WardenEvent: Hashable, Sendable {
    /// The sandbox is built, and these layers and limits are in force. `at` here and below is on CLOCK_BOOTTIME, in nanoseconds.
    case ready(SandboxID, layers: [Layer: LayerState], limits: SandboxLimits, at: UInt64)
    /// The pid as the sandbox sees it. Beside it are the descriptors that the answer to `start` could not
    /// have: those of a terminal, which is made in the sandbox.
    case started(ProcessKey, pid: Int32, at: UInt64, roles: [StreamRole])
    case startFailed(ProcessKey, StartProblem)
    case exited(ProcessKey, ExitRecord)
    case gone(SandboxID, SandboxEnd)
    /// The sandbox is dead; what stays of it and why. `remove` tries again.
    case stuck(SandboxID, SandboxEnd, remains: String)
    /// A limit was hit without ending the sandbox; how often so far.
    case limitHit(SandboxID, Layer, count: UInt64)
    /// The volume that is the session's workspace has come to this many percent of one of its limits, 80 or 95:
    /// once on the way up.
    case volumeFilling(SandboxID, percent: UInt8, used: VolumeAmounts, limits: VolumeAmounts)
    /// How far the copy is that is being made for a snapshot, a fork or a restore of this volume: the new one, or
    /// the one that is put back. Not in `list`: it is told again before long.
    case volumeProgress(VolumeKey, VolumeProgress)

    /// Nil for what is of no session.
    package var session: SandboxID? {
        switch self {
        case .ready(let id, _, _, _), .gone(let id, _), .stuck(let id, _, _), .limitHit(let id, _, _),
            .volumeFilling(let id, _, _, _):
            id
        case .started(let key, _, _, _), .startFailed(let key, _), .exited(let key, _): key.session
        case .volumeProgress: nil
        }
    }

    private enum Kind: UInt16 {
        case ready = 128
        case started, startFailed, exited, gone, stuck, limitHit, volumeFilling, volumeProgress
    }

    func encode() -> (kind: UInt16, fields: [UInt8]) {
        var fields = FieldWriter()
        let kind: Kind
        switch self {
        case .ready(let id, let layers, let limits, let at):
            kind = .ready
            fields.id(id)
            fields.layers(layers)
            limits.write(to: &fields)
            fields.long(at)
        case .started(let key, let pid, let at, let roles):
            kind = .started
            fields.key(key)
            fields.word(UInt32(bitPattern: pid))
            fields.long(at)
            fields.roles(roles)
        case .startFailed(let key, let problem):
            kind = .startFailed
            fields.key(key)
            problem.write(to: &fields)
        case .exited(let key, let record):
            kind = .exited
            fields.key(key)
            record.write(to: &fields)
        case .gone(let id, let end):
            kind = .gone
            fields.id(id)
            end.write(to: &fields)
        case .stuck(let id, let end, let remains):
            kind = .stuck
            fields.id(id)
            end.write(to: &fields)
            fields.sentence(remains)
        case .limitHit(let id, let layer, let count):
            kind = .limitHit
            fields.id(id)
            fields.choice(layer)
            fields.long(count)
        case .volumeFilling(let id, let percent, let used, let limits):
            kind = .volumeFilling
            fields.id(id)
            fields.byte(percent)
            used.write(to: &fields)
            limits.write(to: &fields)
        case .volumeProgress(let key, let progress):
            kind = .volumeProgress
            key.write(to: &fields)
            progress.write(to: &fields)
        }
        return (kind.rawValue, fields.bytes)
    }

    /// - Returns: nil for a kind that is no event.
    init?(kind: UInt16, _ fields: inout FieldReader) throws(WireProblem) {
        guard let kind = Kind(rawValue: kind) else { return nil }
        switch kind {
        case .ready:
            self = .ready(
                try fields.id(), layers: try fields.layers(), limits: try SandboxLimits(from: &fields),
                at: try fields.long("at"))
        case .started:
            self = .started(
                try fields.key(), pid: Int32(bitPattern: try fields.word("pid")), at: try fields.long("at"),
                roles: try fields.roles())
        case .startFailed: self = .startFailed(try fields.key(), try StartProblem(from: &fields))
        case .exited: self = .exited(try fields.key(), try ExitRecord(from: &fields))
        case .gone: self = .gone(try fields.id(), try SandboxEnd(from: &fields))
        case .stuck:
            self = .stuck(
                try fields.id(), try SandboxEnd(from: &fields), remains: try fields.sentence("remains"))
        case .limitHit:
            self = .limitHit(try fields.id(), try fields.choice("layer"), count: try fields.long("count"))
        case .volumeFilling:
            self = .volumeFilling(
                try fields.id(), percent: try fields.byte("percent"), used: try VolumeAmounts(from: &fields),
                limits: try VolumeAmounts(from: &fields))
        case .volumeProgress:
            self = .volumeProgress(try VolumeKey(from: &fields), try VolumeProgress(from: &fields))
        }
    }
}
