import Sandbox
import Testing

@testable import Sessions

/// Every event in every step: what is promised of all of them, and where each leads.
@Suite struct SessionTransitionTests {
    @Test(arguments: SessionStep.allCases)
    func `nothing is done before it is recorded`(step: SessionStep) {
        for event in SessionFixture.events {
            var fixture = SessionFixture(in: step)
            var recorded = step
            for action in fixture.send(event) {
                if let record = action.record { recorded = record.step }
                if let allowed = action.allowedAfter {
                    #expect(
                        allowed.contains(recorded), "\(action) while \(recorded) is recorded, at \(event)")
                }
            }
            #expect(recorded == fixture.machine.step, "\(event) changes the step and does not record it")
        }
    }

    @Test(arguments: SessionStep.allCases)
    func `each event does something, is answered or is ignored with a reason`(step: SessionStep) {
        for event in SessionFixture.events {
            var fixture = SessionFixture(in: step, idle: 5000)
            let before = fixture.machine
            let actions = fixture.send(event, after: 1)
            if actions.isEmpty {
                // Then it has been noted: somebody waits, or a process is counted.
                let changed =
                    before.waiters != fixture.machine.waiters || before.lifespan != fixture.machine.lifespan
                    || before.processes != fixture.machine.processes
                #expect(changed, "\(event) in \(step) goes unnoticed")
            }
            let isIgnored = actions.contains { $0.isIgnored }
            #expect(!isIgnored || actions.effects.isEmpty, "\(event) is ignored and does something")
            if let ticket = event.ticket {
                let answers = actions.count { $0.answered == ticket }
                let waits = fixture.machine.waiters.count { $0.ticket == ticket }
                #expect(!fixture.machine.hasEnded || waits == 0, "\(event) waits for what is over")
                #expect(answers + waits == 1, "\(event) in \(step): \(answers) answers, \(waits) waits")
            }
        }
    }

    @Test func `what has ended stays as it is`() {
        let ended = SessionFixture(in: .ended)
        for event in SessionFixture.events {
            var fixture = ended
            let actions = fixture.send(event, after: 10_000)
            #expect(fixture.machine.record == ended.machine.record, "\(event)")
            #expect(fixture.machine.nextDeadline == nil)
            let others = actions.filter { !$0.isIgnored && $0.answered == nil }
            #expect(others == [], "\(event)")
        }
    }

    @Test(arguments: [SessionStep.stopping, .quarantined, .ended])
    func `a cause is set once`(step: SessionStep) {
        for event in SessionFixture.events {
            for second in SessionFixture.events {
                var fixture = SessionFixture(in: step)
                fixture.send(event)
                fixture.send(second)
                #expect(fixture.machine.cause == .policy, "\(event), \(second)")
            }
        }
    }

    @Test(arguments: SessionStep.allCases)
    func `what is recorded is all that a new daemon needs`(step: SessionStep) {
        let fixture = SessionFixture(in: step, ttl: 5000, idle: 9000, max: 7000)
        let record = fixture.machine.record
        let restored = SessionMachine(
            restoring: record, patience: SessionFixture.patience, at: fixture.now)
        #expect(restored.record.step == step)
        #expect(restored.cause == fixture.machine.cause)
        #expect(restored.lifespan.expiresAt == fixture.machine.lifespan.expiresAt)
        #expect(restored.lifespan.lastsUntil == fixture.machine.lifespan.lastsUntil)
        #expect(restored.end == fixture.machine.end)
        #expect(restored.record == record)
        // Even if nobody tells it what has become of the sandbox, it does not stay for ever.
        #expect((restored.nextDeadline == nil) == (step == .ended))
    }

    /// Where each event leads; what is not listed leaves the step as it is.
    @Test(arguments: SessionStep.allCases)
    func `steps follow each other as they are drawn`(step: SessionStep) {
        for event in SessionFixture.events {
            var fixture = SessionFixture(in: step)
            fixture.send(event)
            let expected = Drawing.next(after: step, event) ?? step
            #expect(fixture.machine.step == expected, "\(event) in \(step)")
        }
    }
}

/// The state diagram, written down a second time.
enum Drawing {
    static func next(after step: SessionStep, _ event: SessionEvent) -> SessionStep? {
        switch step {
        case .created: afterCreated(event)
        case .starting, .running, .pausing, .paused, .resuming: afterLiving(step, event)
        case .stopping, .quarantined:
            // A warden that lived on and does not have it has removed it.
            if case .lost(.unknown) = event { .ended } else { nil }
        case .ended: nil
        }
    }

    private static func afterCreated(_ event: SessionEvent) -> SessionStep? {
        switch event {
        case .start, .lost(.unknown): .starting
        case .stop, .lost(.wardenGone): .ended
        case .adopted(let holding): holding.isFrozen ? .paused : .running
        default: nil
        }
    }

    private static func afterLiving(_ step: SessionStep, _ event: SessionEvent) -> SessionStep? {
        switch event {
        case .stop, .initGone, .lost(.wardenGone): return .stopping
        case .lost(.unknown): return step == .starting ? .starting : .stopping
        case .adopted(let holding): return holding.isFrozen ? .paused : .running
        default: break
        }
        switch (step, event) {
        case (.starting, .launched): return .running
        case (.starting, .launchFailed): return .stopping
        case (.running, .pause): return .pausing
        case (.pausing, .pauseDone): return .paused
        case (.pausing, .pauseFailed): return .running
        case (.paused, .resume): return .resuming
        case (.resuming, .resumeDone): return .running
        case (.resuming, .resumeFailed): return .paused
        default: return nil
        }
    }
}
