import Sandbox
import TestSupport
import Testing

@testable import Sessions

/// A warden and a disk: they outlive the daemon, which may die between any two actions.
private struct World {
    var record: SessionRecord?
    /// Something of the sandbox is there: processes, or what they leave behind.
    var hasSandbox = false
    var isAlive = false
    var isFrozen = false
    /// What the warden tells the daemon that lives now.
    var news: [SessionEvent] = []
    var problems: [String] = []

    mutating func perform(_ action: SessionAction, _ random: inout Seeded) {
        let succeeds = Int.random(in: 0..<4, using: &random) > 0
        switch action {
        case .record(let new):
            if let cause = record?.cause, new.cause != cause {
                problems.append("\(cause) became another cause")
            }
            if record?.step == .ended { problems.append("a record after the end") }
            if new.step == .ended, hasSandbox { problems.append("ended, and its sandbox is there") }
            record = new
        case .launch:
            if hasSandbox { problems.append("launched twice") }
            (hasSandbox, isAlive, isFrozen) = (succeeds, succeeds, false)
            news.append(succeeds ? .launched : .launchFailed("no"))
        case .freeze:
            isFrozen = succeeds
            news.append(succeeds ? .pauseDone : .pauseFailed("no"))
        case .thaw:
            isFrozen = false
            news.append(.resumeDone)
        case .signalAll: if isFrozen { problems.append("TERM to what is frozen") }
        case .liftQuotaAndKill:
            if succeeds { isAlive = false }
            news.append(succeeds ? .killed : .removalFailed("stuck"))
        case .remove:
            if isAlive { problems.append("removed alive") }
            if succeeds { hasSandbox = false }
            news.append(succeeds ? .removed : .removalFailed("busy"))
        case .deadline, .publish, .answer, .ignored: break
        }
    }

    /// The warden dies or the machine does: nothing lives, but what was made may still be there.
    mutating func loseWarden() { (isAlive, isFrozen, news) = (false, false, []) }
}

@Suite struct SessionCrashTests {
    private static let patience = SessionPatience(
        start: 30, grace: 20, kill: 30, removal: 40, retry: BackOff(first: 5, most: 50))

    private struct Life {
        var world = World()
        var machine: SessionMachine?
        var now: BootTime = 0
        var crashes = 0
        var random: Seeded

        init(_ seed: UInt64) { random = Seeded(seed) }

        /// Does the actions, or some of them and dies.
        mutating func perform(_ actions: [SessionAction], mayCrash: Bool) {
            for action in actions {
                if mayCrash, Int.random(in: 0..<30, using: &random) == 0 { return crash() }
                world.perform(action, &random)
            }
        }

        mutating func crash() {
            crashes += 1
            machine = nil
            world.news = []
        }

        mutating func send(_ event: SessionEvent, mayCrash: Bool = true) {
            guard let actions = machine?.handle(event, at: now) else { return }
            perform(actions, mayCrash: mayCrash)
        }

        /// The next daemon finds what there is.
        mutating func restart() {
            guard let record = world.record else { return }
            let isLost = Int.random(in: 0..<4, using: &random) == 0
            if isLost { world.loseWarden() }
            machine = SessionMachine(restoring: record, patience: SessionCrashTests.patience, at: now)
            if isLost {
                send(.lost(.wardenGone))
            } else if world.hasSandbox {
                send(.adopted(Holding(isFrozen: world.isFrozen, execs: .random(in: 0...1, using: &random))))
            } else {
                send(.lost(.unknown))
            }
        }

        mutating func randomEvent() -> SessionEvent {
            let wishes: [SessionEvent] = [
                .start, .start, .start, .deadline, .used, .processStarted(.exec), .processEnded(.exec),
                .pause(Ticket(1)), .resume(Ticket(2)), .renew(ttl: 50, Ticket(3)), .wait(.ended, Ticket(4)),
                .stop(Stop(grace: .random(in: 0...20, using: &random))),
            ]
            return wishes[Int.random(in: 0..<wishes.count, using: &random)]
        }

        /// Until it has ended, or for so many turns.
        mutating func go(_ turns: Int, mayCrash: Bool, _ next: (inout Life) -> SessionEvent) {
            for _ in 0..<turns where machine?.hasEnded != true {
                now += BootTime.random(in: 0...10, using: &random)
                if machine == nil { restart() }
                let isTold = !world.news.isEmpty && Bool.random(using: &random)
                send(isTold ? world.news.removeFirst() : next(&self), mayCrash: mayCrash)
            }
        }
    }

    @Test(arguments: [31, 32, 33, 34, 35] as [UInt64])
    func `wherever the daemon dies, the session ends, once, and nothing of it is left`(seed: UInt64) {
        var crashes = 0
        for number in 0..<1000 as Range<UInt64> {
            var life = Life(seed << 32 | number)
            var machine = SessionMachine(
                Lifespan(createdAt: 0, ttl: 300, idle: 200, max: 600), patience: SessionCrashTests.patience)
            let opening = machine.opening()
            life.machine = machine
            life.perform(opening, mayCrash: true)
            life.go(40, mayCrash: true) { $0.randomEvent() }
            // Then nobody wants anything, and the daemon stays up.
            life.go(2000, mayCrash: false) { _ in .deadline }
            crashes += life.crashes
            var problems = life.world.problems
            if life.world.hasSandbox { problems.append("its sandbox is left") }
            let step = life.world.record?.step
            if step != nil, step != .ended { problems.append("it is still \(String(describing: step))") }
            if step == .ended, life.world.record?.cause == nil { problems.append("no cause") }
            if !problems.isEmpty { Issue.record("life \(number): \(problems)") }
        }
        #expect(crashes > 500)
    }
}
