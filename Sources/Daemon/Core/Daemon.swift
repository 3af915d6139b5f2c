import Access
import Configuration
import FailPoints
import Linux
import Metrics
import Preparation
import Quotas
import Sandbox
import Service
import ServiceManager
import Sessions
import Store
import WardenProtocol

/// What corrald is made of: sessions and their records, the warden that has them, their output, the API.
///
/// All of it is on one thread. An event goes to a machine; what the machine asks for is put into batches;
/// once a turn what has changed is recorded, then the batches are carried out, and then everybody is answered
/// behind one wait for the device: nothing happens before it is on record, and nobody is answered before a
/// loss of power could not undo it. The wait is on a thread of its own (``DeviceThread``), and turns go on.
final class Daemon {
    struct Place: Sendable {
        var wardenSocket: String
        /// Starts a warden; nil where that takes privileges this process no longer has.
        var startWarden: (@Sendable () throws(StartProblemText) -> Void)?
        /// What to do where there is none and it is another service's; nil where root's corrald had one.
        var wardenCure: String?
        /// Told by `info`.
        var state: String
    }

    let loop: EventLoop
    let store: StateStore
    let place: Place
    let boot = Boot.id()
    let began = DaemonClock.moment
    var settings: Settings
    var log: DaemonLog
    private let found: Installation?
    /// As it is now: a profile counts as soon as it is there, for the warden as well.
    var installation: Installation? { found?.renewed }
    func installation(plans: [String]) -> Installation? { found?.renewed.with(plans: plans) }
    var profiles = RememberedProfiles()
    var storeState = StoreState.ok
    var lastReload: Reload?

    var tenants = TenantTable()
    /// Who may ask besides users of this machine.
    var tokens = TokenBook(instance: 0)
    var tokenFailures = TokenFailures()
    /// What tenants may have, have and have spent.
    var ledger = QuotaLedger<QuotaHolder>()
    /// What of that was set by name, and not by a plan.
    var ownQuotas: [Name: OwnQuotas] = [:]
    /// Those that tenants have, as they were read last.
    var plans = PlanTable()
    /// Up to when disks of tenants are counted; nil for what the store says.
    var diskMark: DiskMark?
    /// What they had then, by tenant in bytes; nil where nobody has looked yet.
    var diskBytes: [String: UInt64]?
    /// What the kernel holds tenants' volumes to together, as far as the warden was asked since it was met.
    var totals: [Name: TenantTotalState] = [:]
    /// As the settings have it.
    var tenantUIDs: TenantUIDs
    var table: SessionTable
    var keeps: [SessionID: SessionKeep] = [:]
    var runs: [ProcessID: ProcessRun] = [:]
    /// Orders of sandboxes that the warden does not have yet.
    var launches = LaunchQueue<Launch>()
    var deadlines = DeadlineHeap<DeadlineKey>()
    var link: WardenLink?
    /// What the warden tells while it lists what it has: after that it is understood. Nil at other times.
    var heldEvents: [(WardenEvent, Packet)]?
    /// Done once the records and the warden agree.
    var whenCompared: [() -> Void] = []
    /// Sandboxes of the warden's that no record knows.
    var strays: Set<SandboxID> = []
    /// Those that outlive sessions.
    var workspaces = WorkspaceTable()
    /// Whether their states are what the warden's volumes say.
    var hasComparedVolumes = false
    var isComparingVolumes = false
    /// Who waits for what was begun on one.
    var volumeWaiters: [WorkspaceVolume: [(ServiceError?) -> Void]] = [:]
    /// How far copies are that the warden makes.
    var copies: [WorkspaceVolume: VolumeProgress] = [:]
    /// What keeps volumes to their limits, as the warden said last; or why there can be none.
    var volumeDriver: VolumeDriverState?
    var volumeProblem: String?
    /// Directories of the host that are volumes, as the warden said last.
    var hostVolumes: Set<String> = []
    let events = EventHub()
    /// Made with the first operation on files.
    var jobs: FileJobs?
    /// Archives that are being unpacked, and whose.
    var archives: [ObjectIdentifier: FileOwner] = [:]
    /// Clients that watch files, and whose.
    var watches: [ObjectIdentifier: FileOwner] = [:]
    var ends = FileEnds()
    let writers = FileWriters()
    var service: HTTPService?
    /// The one at the TCP socket, where there is one.
    var networkService: HTTPService?

    var journal = Journal<Void>() {
        didSet {
            if journal.isEmpty { pendingSince = nil } else { pendingSince = pendingSince ?? DaemonClock.now }
        }
    }
    /// Since when something waits to be recorded.
    private var pendingSince: UInt64?
    /// What has happened, for `/metrics`.
    var counters = Registry(Metric.all)
    var batches: [Batch] = []
    /// Of what the start left unchecked, while it goes on.
    var storeCheck: StoreCheck?
    var hasNotedDamage = false
    /// What is told behind a wait for the device: why it was in vain, or nil.
    var telling = Telling()
    private var leftToDo: [() -> Void] = []
    /// Whether this turn is waited for at the device even if nobody is answered.
    var isDue = false
    /// Sessions whose last state is not on record.
    var unrecorded: Set<SessionID> = []
    /// What the request that is being answered has made, for its audit record.
    var auditObject: String?
    var flood = RefusalFlood()
    private var waiting: [Ticket: (TicketAnswer) -> Void] = [:]
    private var lastTicket: UInt64 = 0
    private var timer: Timer?
    /// Told when it serves, that it lives and when it ends.
    var manager: ManagerLink?
    /// Of the session that was restored last.
    var lastNumber: UInt64 = 0
    var isOver = false
    /// Of the process, when it is over.
    var exitCode: Int32 = 0

    enum StoreState: String {
        case ok
        case readOnly = "read-only"
        case setAside = "set-aside"
    }

    init(
        _ store: StateStore, _ settings: Settings, _ place: Place, _ installation: Installation?,
        on loop: EventLoop, log: DaemonLog
    ) {
        self.loop = loop
        self.store = store
        self.settings = settings
        self.place = place
        found = installation
        self.log = log
        tenantUIDs = settings.tenantUIDs
        table = SessionTable(limit: Int(clamping: settings.number(.limitSessions)))
        ledger.setNodeLimits(QuotaLimits(ofNode: settings))
    }

    /// Runs until ``isOver``.
    func run() throws(SystemError) {
        timer = try Timer.make(on: loop) { [weak self] in self?.timePassed() }
        telling.device = try DeviceThread(on: loop) { [weak self] in self?.landed($0, $1) }
        deadlines.set(.pruning, at: DaemonClock.now + Daemon.pruningPeriod)
        endTurn()
        while !isOver {
            _ = try loop.turn(timeout: -1)
            endTurn()
            noteDamage()
            FailPoint.pass(.daemonTurned)
        }
        storeCheck?.stop()
        telling.device?.stop()
        closeFlood()
        journal.hurry()
        endTurn()
        loop.removeAll()
    }

    private func timePassed() {
        // Until it is known what has become of everything meanwhile, nothing is due.
        if heldEvents != nil { return }
        for key in deadlines.popAllDue(at: DaemonClock.now) {
            switch key {
            case .session(let id): handle(.deadline, id)
            case .process(let id): if let run = runs[id] { handle(.deadline, run) }
            case .pruning: prune()
            case .journal: journal.hurry()
            case .refusals: closeFlood()
            case .warden: lookForWarden()
            case .tokens: lookAtTokens()
            }
        }
    }

    /// For how long a step waits at most for others to be recorded with, in nanoseconds.
    private static let mostDelay: UInt64 = 20_000_000

    /// Records what this turn changed, carries out what follows from it, and answers.
    func settle() {
        repeat {
            // What is carried out may change something again, and so may an answer.
            while !batches.isEmpty || journal.isUrgent { carryOut() }
            if isDue || telling.isAsked { tell() }
        } while !batches.isEmpty || journal.isUrgent || telling.isAsked
        if !journal.isEmpty, deadlines[.journal] == nil {
            deadlines.set(.journal, at: DaemonClock.now + Daemon.mostDelay)
        }
        if heldEvents == nil, let next = deadlines.next { timer?.fire(atLatest: next) }
    }

    private func carryOut() {
        let work = batches
        batches = []
        if journal.isUrgent, let problem = record() { return withhold(work, problem) }
        for batch in work {
            log.trace = batch.trace
            perform(batch.work)
        }
        log.trace = nil
        FailPoint.pass(.daemonAfterDeeds)
    }

    /// Settles everything, then does what nobody waits for.
    private func endTurn() {
        settle()
        if service?.sendAnswers() == true { settle() }
        if networkService?.sendAnswers() == true { settle() }
        let bodies = leftToDo
        leftToDo = []
        for body in bodies { body() }
        if !bodies.isEmpty { settle() }
    }

    /// Has `body` called at the end of this turn, when those have their answers who are answered in it. It is for
    /// what the next comparison with the warden makes good where it is lost.
    func afterAnswers(_ body: @escaping () -> Void) { leftToDo.append(body) }

    /// - Returns: why nothing could be recorded.
    func record() -> String? {
        if journal.isEmpty { return nil }
        do throws(StoreError) {
            FailPoint.pass(.daemonBeforeCommit)
            let since = pendingSince
            defer { FailPoint.pass(.daemonAfterCommit) }
            for recorded in try journal.commit(to: store, waits: false)
            where recorded.outcome != .done {
                // The table admitted it, so the store should have: a mistake of ours, and no state is lost.
                log.line(.error, "the store did not take a record: \(recorded.outcome)")
            }
            if let since { counters.observe(Daemon.seconds(since: since), in: .storeLag) }
            if storeState == .readOnly { storeState = .ok }
            recordLate()
            return nil
        } catch {
            _ = journal.abandon()
            diskMark = nil
            storeState = .readOnly
            counters.add(to: .storeFailures)
            log.line(.error, "nothing can be recorded: \(error)")
            return error.description
        }
    }

    // MARK: Tickets

    /// Somebody who waits for an answer, which comes once.
    func ticket(_ answer: @escaping (TicketAnswer) -> Void) -> Ticket {
        lastTicket += 1
        let ticket = Ticket(lastTicket)
        waiting[ticket] = answer
        return ticket
    }

    func answer(_ ticket: Ticket, _ answer: TicketAnswer) {
        waiting.removeValue(forKey: ticket)?(answer)
    }

    func forget(_ ticket: Ticket) { waiting[ticket] = nil }
}

/// Why something at the start went wrong, as the sentence to show.
struct StartProblemText: Error, CustomStringConvertible {
    let description: String
    /// Of the process that cannot go on for it.
    let exitCode: Int32

    init(_ description: String, exitCode: Int32 = 1) {
        self.description = description
        self.exitCode = exitCode
    }
}
