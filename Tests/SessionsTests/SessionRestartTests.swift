import Sandbox
import Testing

@testable import Sessions

/// Sessions whose daemon was killed, or whose warden.
@Suite struct SessionRestartTests {
    private func restored(_ fixture: SessionFixture, after wait: BootTime = 0) -> SessionFixture {
        var next = fixture
        next.now += wait
        next.machine = SessionMachine(
            restoring: fixture.machine.record, patience: SessionFixture.patience, at: next.now)
        return next
    }

    @Test func `a running session goes on, its processes and times as they are`() {
        var fixture = SessionFixture(in: .running, ttl: 500, idle: 100, max: 900)
        fixture = restored(fixture, after: 80)
        let adopted = fixture.send(.adopted(Holding(execs: 1, managed: 2)))
        #expect(adopted.steps == [] && adopted.effects == [])
        #expect(fixture.machine.processCount == 3)
        #expect(fixture.machine.nextDeadline == 1500)
        for kind in [ProcessKind.exec, .managed, .managed] { fixture.send(.processEnded(kind), after: 10) }
        #expect(fixture.machine.nextDeadline == 1210)
    }

    @Test func `being adopted twice counts processes once`() {
        var fixture = SessionFixture(in: .running, idle: 100)
        fixture.send(.adopted(Holding(execs: 2)))
        fixture.send(.adopted(Holding(execs: 1)))
        fixture.send(.processEnded(.exec))
        #expect(fixture.machine.processCount == 0)
        #expect(fixture.machine.nextDeadline == 1100)
    }

    @Test(arguments: [SessionStep.starting, .pausing, .paused, .resuming, .running])
    func `what the warden says holds`(step: SessionStep) {
        for isFrozen in [true, false] {
            var fixture = restored(SessionFixture(in: step))
            let actions = fixture.send(.adopted(Holding(isFrozen: isFrozen)))
            let expected: SessionStep = isFrozen ? .paused : .running
            #expect(fixture.machine.step == expected)
            #expect(actions.steps == (step == expected ? [] : [expected]))
        }
    }

    /// A daemon that lost its warden still has those who wait, and the warden may be there again as it was.
    @Test(arguments: [SessionStep.pausing, .resuming], [true, false])
    func `whoever waits for a pause or its end is answered`(step: SessionStep, isFrozen: Bool) {
        var fixture = SessionFixture(in: step)
        let actions = fixture.send(.adopted(Holding(isFrozen: isFrozen)))
        #expect(actions.compactMap(\.answered) == [Ticket(900)])
        let isDone = (step == .pausing) == isFrozen
        let isRefused = actions.contains {
            if case .answer(_, .refused) = $0 { true } else { false }
        }
        #expect(isRefused != isDone)
        #expect(fixture.send(.adopted(Holding(isFrozen: isFrozen))).compactMap(\.answered) == [])
    }

    @Test func `a launch that the warden never heard of is made now`() {
        for step in [SessionStep.created, .starting] {
            var fixture = restored(SessionFixture(in: step), after: 100_000)
            let actions = fixture.send(.lost(.unknown))
            #expect(actions.steps == [.starting] && actions.effects == [.launch])
            // With all of the time that it may take.
            #expect(fixture.machine.nextDeadline == fixture.now + 300)
        }
    }

    @Test(arguments: [SessionStep.starting, .running, .pausing, .paused, .resuming])
    func `what died with its warden is removed and ends as daemon-restart`(step: SessionStep) {
        var fixture = restored(SessionFixture(in: step))
        #expect(fixture.send(.lost(.wardenGone)).effects == [.liftQuotaAndKill])
        #expect(fixture.send(.killed).effects == [.remove])
        fixture.send(.removed)
        #expect(fixture.machine.end?.cause == .daemonRestart)
    }

    @Test func `a session that was never launched ends at once when the machine was restarted`() {
        var fixture = restored(SessionFixture(in: .created))
        let actions = fixture.send(.lost(.wardenGone))
        #expect(actions.steps == [.ended] && actions.effects == [])
        #expect(fixture.machine.end?.cause == .daemonRestart)
    }

    @Test func `a stop goes on where it was, within its grace`() {
        let stopping = SessionFixture(in: .stopping)
        var early = restored(stopping, after: 10)
        #expect(early.send(.adopted(Holding(execs: 1))).effects == [.signalAll])
        #expect(early.machine.nextDeadline == 1040)
        var frozen = restored(stopping, after: 10)
        #expect(frozen.send(.adopted(Holding(isFrozen: true, execs: 1))).effects == [.thaw, .signalAll])
        var empty = restored(stopping, after: 10)
        #expect(empty.send(.adopted(Holding())).effects == [.liftQuotaAndKill])
        var late = restored(stopping, after: 40)
        #expect(late.send(.adopted(Holding(execs: 1))).effects == [.liftQuotaAndKill])
        var unheard = restored(stopping, after: 40)
        #expect(unheard.send(.deadline).effects == [.liftQuotaAndKill])
    }

    @Test func `a kill is sent again, and its cause stays`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.stop(Stop(.memory, grace: 0)))
        var adopted = restored(fixture)
        #expect(adopted.send(.adopted(Holding(execs: 1))).effects == [.liftQuotaAndKill])
        var removed = restored(fixture)
        #expect(removed.send(.lost(.unknown)).steps == [.ended])
        #expect(removed.machine.end?.cause == .memory)
        var gone = restored(fixture)
        #expect(gone.send(.lost(.wardenGone)).effects == [.liftQuotaAndKill])
        gone.send(.killed)
        gone.send(.removed)
        #expect(gone.machine.end?.cause == .memory)
    }

    @Test func `a quarantined session is tried again by the next daemon`() {
        let quarantined = SessionFixture(in: .quarantined)
        for event in [SessionEvent.adopted(Holding()), .lost(.wardenGone)] {
            var fixture = restored(quarantined)
            #expect(fixture.send(event).effects == [.liftQuotaAndKill])
            #expect(fixture.machine.state == .quarantined)
        }
        var untold = restored(quarantined)
        #expect(untold.machine.record.problem == "busy")
        #expect(untold.send(.deadline, after: 10).effects == [.liftQuotaAndKill])
    }

    @Test func `a record that says no cause where there must be one is not believed`() {
        let machine = SessionMachine(
            restoring: SessionRecord(step: .ended, since: 5, createdAt: 1), at: 10)
        #expect(machine.end == SessionEnd(cause: .daemonRestart, at: 5))
    }

    @Test func `a renewal that states no length begins the last one again, after a restart too`() {
        var fixture = SessionFixture(in: .running, ttl: 500)
        fixture.send(.renew(ttl: 200, Ticket(1)), after: 10)
        fixture = restored(fixture, after: 100)
        fixture.send(.adopted(Holding()))
        #expect(fixture.machine.nextDeadline == 1210)
        fixture.send(.renew(ttl: nil, Ticket(2)))
        #expect(fixture.machine.nextDeadline == fixture.now + 200)
    }
}
