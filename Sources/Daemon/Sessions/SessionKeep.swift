import Sandbox
import Sessions
import Store
import WardenProtocol
import Wire

/// What belongs to a session beside its machine.
final class SessionKeep {
    let id: SessionID
    /// What was asked for, as JSON.
    let request: [UInt8]
    let created: Moment
    var started: Moment?
    var ended: Moment?
    /// For people; behind the cause.
    var message = ""
    var layers: [Layer: LayerState] = [:] {
        didSet { layersText = SessionKeep.text(layers) }
    }
    /// The same as every list shows it; nil for none.
    private(set) var layersText: JSONText?
    /// In force; nil until the sandbox is there.
    var limits: SandboxLimits?
    /// The image that it has, where the warden has told.
    var image: String?
    /// The instance of the warden that has it, or had it.
    var warden: String?
    /// The warden has told that nothing in it lives.
    var isDead = false
    /// And that nothing of it is left; that it was there is all that the warden still has.
    var isGone = false
    /// Somebody waits for its end to have its record removed as well.
    var isLeaving = false
    /// Why the warden did not take it.
    var refusal: Refusal?
    /// Whether its first record was made.
    var isRecorded = false
    var lastUse: Moment
    /// Of the request that made it, or that ends it; not kept for another daemon.
    var trace: String?
    /// Kills for want of memory that no exit was blamed on yet.
    var memoryKills = 0
    let turns = ExecTurns()

    init(_ id: SessionID, request: [UInt8], created: Moment) {
        self.id = id
        self.request = request
        self.created = created
        lastUse = created
    }

    var sandbox: SandboxID { SandboxID(id.value) }

    private static func text(_ layers: [Layer: LayerState]) -> JSONText? {
        if layers.isEmpty { return nil }
        return .object { object in
            for (layer, state) in layers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                object.add(layer.rawValue, state.description)
            }
        }
    }
}

/// Whose turn it is: an exec that wants to be alone waits for those before it, and those behind it wait for it.
final class ExecTurns {
    private struct Waiting {
        let id: ProcessID
        let alone: Bool
        let begin: () -> Void
    }

    private var running: Set<ProcessID> = []
    private var isAlone = false
    private var queue: [Waiting] = []

    func ask(_ id: ProcessID, alone: Bool, _ begin: @escaping () -> Void) {
        queue.append(Waiting(id: id, alone: alone, begin: begin))
        next()
    }

    /// It has ended, or does not want to any more.
    func over(_ id: ProcessID) {
        queue.removeAll { $0.id == id }
        if running.remove(id) != nil, running.isEmpty { isAlone = false }
        next()
    }

    /// One of an earlier daemon's.
    func adopt(_ id: ProcessID) { running.insert(id) }

    private func next() {
        while let first = queue.first, !isAlone, running.isEmpty || !first.alone {
            queue.removeFirst()
            running.insert(first.id)
            isAlone = first.alone
            first.begin()
        }
    }
}
