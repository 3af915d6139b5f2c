import Sandbox
import TestSupport
import Testing

@testable import Sessions

/// What a session is, said once more and in few words: no steps of a stop, no records, no clients.
private struct Model {
    enum State { case created, starting, running, freezing, frozen, thawing, dying, dead, gone }

    var state = State.created
    var cause: Cause?
    var killed = false
    var processes: [ProcessKind: Int] = [:]
    var lastUse: BootTime = 0
    var expires: BootTime?
    let (ttl, idle, max): (BootTime?, BootTime?, BootTime?)

    init(ttl: BootTime?, idle: BootTime?, max: BootTime?) {
        self.ttl = ttl
        self.idle = idle
        self.max = max
        expires = ttl.map { min($0, max ?? .max) }
    }

    var isAlive: Bool { ![.dying, .dead, .gone].contains(state) }
    var hasSandbox: Bool { isAlive && state != .created }

    /// Its time is up; why.
    func due(at now: BootTime) -> Cause? {
        var ends: [(at: BootTime, rank: Int, cause: Cause)] = []
        if let max { ends.append((max, 0, .max)) }
        if let expires { ends.append((expires, 1, .ttl)) }
        if let idle, processes.values.allSatisfy({ $0 == 0 }) { ends.append((lastUse + idle, 2, .idle)) }
        return ends.filter { $0.at <= now }.min { ($0.at, $0.rank) < ($1.at, $1.rank) }?.cause
    }

    mutating func die(_ why: Cause) {
        guard isAlive else { return }
        cause = why
        state = state == .created ? .gone : .dying
    }

    mutating func apply(_ event: SessionEvent, at now: BootTime) {
        switch event {
        case .start: if state == .created { state = .starting }
        case .launched: if state == .starting { state = .running }
        case .launchFailed:
            if state == .starting {
                die(.launchFailed)
                state = .dead
            } else if state == .dying {
                state = .dead
            }
        case .initGone(let why): if hasSandbox { die(why) }
        case .killed: if state == .dying { state = .dead }
        case .removed: if state == .dead { state = .gone }
        case .pauseDone: if state == .freezing { state = .frozen }
        case .pauseFailed: if state == .freezing { state = .running }
        case .resumeDone: if state == .thawing { state = .running }
        case .resumeFailed: if state == .thawing { state = .frozen }
        case .stop(let stop): die(stop.cause)
        case .deadline: if isAlive, let cause = due(at: now) { die(cause) }
        default: if isAlive { live(event, at: now) }
        }
    }

    /// What matters only to one that lives.
    private mutating func live(_ event: SessionEvent, at now: BootTime) {
        switch event {
        case .processStarted(let kind) where state != .created && state != .starting:
            processes[kind, default: 0] += 1
            lastUse = now
        case .processEnded(let kind) where processes[kind, default: 0] > 0:
            processes[kind, default: 0] -= 1
            lastUse = now
        case .used: lastUse = now
        case .renew(let length, _):
            guard let length = length ?? (expires == nil ? nil : renewedTTL) else { return }
            renewedTTL = length
            expires = min(now + length, max ?? .max)
            lastUse = now
        case .pause where state == .running: (state, lastUse) = (.freezing, now)
        case .resume where state == .frozen: (state, lastUse) = (.thawing, now)
        default: break
        }
    }

    private lazy var renewedTTL: BootTime? = ttl

    var expected: Set<SessionState> {
        switch state {
        case .created: [.created]
        case .starting: [.starting]
        case .running, .freezing: [.running]
        case .frozen, .thawing: [.paused]
        case .dying, .dead: [.stopping, .quarantined]
        case .gone: [.ended]
        }
    }
}

@Suite struct SessionModelTests {
    /// One walk of random events: the states that it came through.
    private func walk(_ random: inout Seeded) -> [SessionState] {
        let (ttl, idle, max) = (length(&random), length(&random), length(&random))
        var model = Model(ttl: ttl, idle: idle, max: max)
        var machine = SessionMachine(
            Lifespan(createdAt: 0, ttl: ttl, idle: idle, max: max),
            patience: SessionPatience(
                start: 1 << 40, grace: 20, kill: 30, removal: 40, retry: BackOff(first: 5, most: 50)))
        var now: BootTime = 0
        var recorded = SessionStep.created
        var seen: [SessionState] = []
        for _ in 0..<40 {
            now += BootTime.random(in: 0...12, using: &random)
            let event = event(&random)
            let actions = machine.handle(event, at: now)
            model.apply(event, at: now)
            for action in actions {
                if let record = action.record { recorded = record.step }
                if let allowed = action.allowedAfter, !allowed.contains(recorded) {
                    Issue.record("\(action) while \(recorded) is recorded")
                }
            }
            if let problem = difference(machine, model, recorded, at: now) {
                Issue.record("after \(event) at \(now): \(problem)")
                return seen
            }
            seen.append(machine.state)
        }
        return seen
    }

    private func difference(
        _ machine: SessionMachine, _ model: Model, _ recorded: SessionStep, at now: BootTime
    ) -> String? {
        if recorded != machine.step { return "\(machine.step), but \(recorded) is recorded" }
        if !model.expected.contains(machine.state) { return "\(machine.state), not \(model.expected)" }
        if machine.cause != model.cause {
            return "\(String(describing: machine.cause)), not \(String(describing: model.cause))"
        }
        let isDue = machine.nextDeadline.map { $0 <= now } ?? false
        if model.isAlive, isDue != (model.due(at: now) != nil) { return "due: \(isDue)" }
        return nil
    }

    private func length(_ random: inout Seeded) -> BootTime? {
        Bool.random(using: &random) ? nil : .random(in: 1...300, using: &random)
    }

    private func event(_ random: inout Seeded) -> SessionEvent {
        // What makes a life longer comes more often.
        switch Int.random(in: 0..<40, using: &random) {
        case 0..<5: return .start
        case 5..<10: return .launched
        case 10..<14: return .deadline
        default: break
        }
        let rare: [SessionEvent] = [
            .launchFailed("x"), .initGone(.memory), .killed, .removed, .removalFailed("x"), .pauseDone,
            .pauseFailed("x"), .resumeDone, .resumeFailed("x"), .processStarted(.exec),
            .processStarted(.managed), .processEnded(.exec), .processEnded(.managed), .used, .used,
            .stop(Stop(grace: .random(in: 0...30, using: &random))), .renew(ttl: nil, Ticket(1)),
            .renew(ttl: .random(in: 1...100, using: &random), Ticket(1)), .pause(Ticket(2)),
            .pause(Ticket(2)), .resume(Ticket(3)), .wait(.ended, Ticket(4)), .abandoned(Ticket(4)),
        ]
        return rare[Int.random(in: 0..<rare.count, using: &random)]
    }

    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func `a session does what a simple model of it does`(seed: UInt64) {
        var random = Seeded(seed)
        var seen: [SessionState: Int] = [:]
        for _ in 0..<4000 { for state in walk(&random) { seen[state, default: 0] += 1 } }
        // Else the walks would prove little.
        for state in SessionState.allCases { #expect(seen[state, default: 0] > 500, "\(state)") }
    }
}
