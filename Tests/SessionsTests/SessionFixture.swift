import Sandbox

@testable import Sessions

/// Sessions that have come as far as a test wants them, and a name for each kind of event.
struct SessionFixture {
    static let patience = SessionPatience(
        start: 300, grace: 100, kill: 50, removal: 60, retry: BackOff(first: 10, most: 80))

    var machine: SessionMachine
    var now: BootTime = 1000
    /// Everything that was to be done so far.
    var actions: [SessionAction] = []

    init(ttl: BootTime? = nil, idle: BootTime? = nil, max: BootTime? = nil, leases: LeasePolicy = .all) {
        machine = SessionMachine(
            Lifespan(createdAt: 1000, ttl: ttl, idle: idle, max: max), leases: leases,
            patience: SessionFixture.patience)
        actions = machine.opening()
    }

    /// A session with one process, in `step`.
    init(in step: SessionStep, ttl: BootTime? = nil, idle: BootTime? = nil, max: BootTime? = nil) {
        self.init(ttl: ttl, idle: idle, max: max)
        let toRunning: [SessionEvent] = [.start, .launched, .processStarted(.exec)]
        let ticket = Ticket(900)
        let events: [SessionEvent] =
            switch step {
            case .created: []
            case .starting: [.start]
            case .running: toRunning
            case .pausing: toRunning + [.pause(ticket)]
            case .paused: toRunning + [.pause(ticket), .pauseDone]
            case .resuming: toRunning + [.pause(ticket), .pauseDone, .resume(ticket)]
            case .stopping: toRunning + [.stop(Stop(.policy, grace: 40))]
            case .quarantined: toRunning + [.stop(Stop(.policy, grace: 0)), .removalFailed("busy")]
            case .ended: toRunning + [.stop(Stop(.policy, grace: 0)), .killed, .removed]
            }
        for event in events { send(event) }
        precondition(machine.step == step)
    }

    @discardableResult
    mutating func send(_ event: SessionEvent, after wait: BootTime = 0) -> [SessionAction] {
        now = now.later(by: wait)
        let new = machine.handle(event, at: now)
        actions += new
        return new
    }

    /// One of each kind, and of those kinds that differ.
    static let events: [SessionEvent] = [
        .start, .deadline, .launched, .launchFailed("no such image"), .initGone(.memory), .killed, .removed,
        .removalFailed("still busy"), .pauseDone, .pauseFailed("no"), .resumeDone, .resumeFailed("no"),
        .adopted(Holding(execs: 1)), .adopted(Holding(isFrozen: true, managed: 1)), .lost(.wardenGone),
        .lost(.unknown), .processStarted(.exec), .processStarted(.managed), .processEnded(.exec),
        .processEnded(.managed), .used, .stop(Stop(grace: 70, ticket: Ticket(1))),
        .stop(Stop(grace: 0, ticket: Ticket(2))), .stop(Stop(.policy)), .renew(ttl: 500, Ticket(3)),
        .renew(ttl: nil, Ticket(4)), .pause(Ticket(5)), .resume(Ticket(6)), .wait(.started, Ticket(7)),
        .wait(.ended, Ticket(8)), .abandoned(Ticket(9)),
    ]
}

extension SessionAction {
    /// What it does outside of the daemon, and the recorded steps in which that is right.
    var allowedAfter: Set<SessionStep>? {
        switch self {
        case .launch: [.starting]
        case .signalAll: [.stopping]
        case .liftQuotaAndKill, .remove: [.stopping, .quarantined]
        case .freeze: [.pausing]
        case .thaw: [.resuming, .stopping]
        case .record, .deadline, .publish, .answer, .ignored: nil
        }
    }

    var isEffect: Bool { allowedAfter != nil }

    var record: SessionRecord? {
        if case .record(let record) = self { record } else { nil }
    }

    var isIgnored: Bool {
        if case .ignored = self { true } else { false }
    }

    var answered: Ticket? {
        if case .answer(let ticket, _) = self { ticket } else { nil }
    }
}

extension SessionEvent {
    var ticket: Ticket? {
        switch self {
        case .stop(let stop): stop.ticket
        case .renew(_, let ticket), .pause(let ticket), .resume(let ticket), .wait(_, let ticket): ticket
        default: nil
        }
    }
}

extension [SessionAction] {
    var effects: [SessionAction] { filter(\.isEffect) }
    var steps: [SessionStep] { compactMap(\.record?.step) }
}
