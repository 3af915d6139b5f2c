import Sandbox
import WardenProtocol

/// A process as the server keeps it.
final class KeptProcess {
    let key: ProcessKey
    let began: UInt64
    let streams: Streams
    /// Descriptors that the budget counts for it.
    var cost: Int
    var stage = ProcessEntry.Stage.starting

    init(_ key: ProcessKey, began: UInt64, cost: Int) {
        self.key = key
        self.began = began
        self.cost = cost
        streams = Streams()
    }

    var hasEnded: Bool {
        switch stage {
        case .starting, .running: false
        case .failed, .exited: true
        }
    }

    var entry: ProcessEntry { ProcessEntry(key, stage, began: began, roles: streams.roles) }
}

/// A session as the server keeps it.
final class KeptSession {
    let id: SandboxID
    let profile: String
    /// The profile's, until the sandbox is ready.
    var image: String
    let began: UInt64
    /// Descriptors that the budget counts for it.
    let cost: Int
    var note: [UInt8]
    var stage = SandboxStage.starting
    var layers: [Layer: LayerState] = [:]
    var limits = SandboxLimits()
    var end: SandboxEnd?
    var processes: [UInt64: KeptProcess] = [:]

    init(_ order: SessionOrder, began: UInt64) {
        id = order.id
        profile = order.profile
        image = order.image ?? ""
        note = order.note
        cost = DescriptorBudget.cost(of: order)
        self.began = began
    }

    var entry: SessionEntry {
        SessionEntry(
            id, stage, profile: profile, image: image, began: began, layers: layers, limits: limits,
            note: note, end: end)
    }

    /// Whether processes may be asked for.
    var takesProcesses: Bool { stage == .starting || stage == .running }
    var isDead: Bool { stage == .gone || stage == .stuck }
}

/// Everything in custody, by id.
struct CustodyTable {
    /// The most sessions there can be records of, those that are gone included: with a note of 4 KiB each
    /// they take 64 MiB. How many can be alive is a ceiling of the operator's.
    static let mostSessions = 16_384

    private(set) var sessions: [SandboxID: KeptSession] = [:]

    func session(_ id: SandboxID) throws(Refusal) -> KeptSession {
        guard let session = sessions[id] else {
            throw Refusal(.unknownSession, "no session with the id \(id) is in custody")
        }
        return session
    }

    func process(_ key: ProcessKey) throws(Refusal) -> KeptProcess {
        guard let process = try session(key.session).processes[key.process] else {
            throw Refusal(.unknownProcess, "the session \(key.session) has no process \(key.process)")
        }
        return process
    }

    mutating func add(_ session: KeptSession) { sessions[session.id] = session }

    mutating func remove(_ id: SandboxID) { sessions[id] = nil }

    var processCount: Int { sessions.values.reduce(0) { $0 + $1.processes.count } }

    /// Whether anything is alive or could not be removed.
    var isBusy: Bool { sessions.values.contains { !$0.isDead } }

    /// The next sessions behind `id`, in order, with at most `limit` entries together with their processes,
    /// but at least one session; and whether there are more.
    func page(after id: SandboxID?, limit: Int) -> (sessions: [KeptSession], next: SandboxID?) {
        let rest = sessions.keys.filter { key in id.map { $0 < key } ?? true }.sorted()
        var page: [KeptSession] = []
        var entries = 0
        for key in rest {
            guard let session = sessions[key] else { continue }
            entries += 1 + session.processes.count
            if entries > limit, let last = page.last { return (page, last.id) }
            page.append(session)
        }
        return (page, nil)
    }
}
