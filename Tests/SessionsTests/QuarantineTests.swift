import Sandbox
import Testing

@testable import Sessions

/// Sessions that could not be removed.
@Suite struct QuarantineTests {
    @Test func `a session that cannot be removed is tried again, later and later`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.stop(Stop(grace: 0, ticket: Ticket(1))))
        fixture.send(.killed)
        let failed = fixture.send(.removalFailed("EBUSY"))
        #expect(fixture.machine.state == .quarantined)
        #expect(failed.contains(.publish(.state(.quarantined, .operator, problem: "EBUSY"))))
        #expect(failed.contains(.answer(Ticket(1), .refused(.quarantined(.operator, problem: "EBUSY")))))
        #expect(fixture.machine.record.problem == "EBUSY")
        for wait in [10, 20, 40, 80, 80] as [BootTime] {
            #expect(fixture.machine.nextDeadline == fixture.now + wait)
            #expect(fixture.send(.deadline, after: wait - 1).contains(.ignored(.notDue)))
            #expect(fixture.send(.deadline, after: 1).effects == [.remove])
            fixture.send(.removalFailed("EBUSY"))
        }
        fixture.send(.deadline, after: 80)
        #expect(fixture.send(.removed).steps == [.ended])
        #expect(fixture.machine.end?.cause == .operator)
    }

    @Test func `what is not dead in time is killed again, not removed`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.stop(Stop(grace: 0)))
        fixture.send(.deadline, after: 50)
        #expect(fixture.machine.state == .quarantined)
        #expect(fixture.send(.deadline, after: 10).effects == [.liftQuotaAndKill])
        // It was only slow: that counts too.
        #expect(fixture.send(.killed).effects == [.remove])
        fixture.send(.removed)
        #expect(fixture.machine.state == .ended)
    }

    @Test func `news of a try that was given up is as good`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.stop(Stop(grace: 0)))
        fixture.send(.deadline, after: 50)
        #expect(fixture.send(.killed).effects == [.remove])
        fixture.send(.deadline, after: 60)
        #expect(fixture.machine.state == .quarantined)
        #expect(fixture.send(.removalFailed("late")) == [.ignored(.late)])
        #expect(fixture.send(.removed).steps == [.ended])
    }

    @Test func `a stop is a reason to try again now, and hears of what comes of it`() {
        var fixture = SessionFixture(in: .quarantined)
        #expect(fixture.send(.wait(.ended, Ticket(1))).last?.answered == Ticket(1))
        #expect(fixture.send(.stop(Stop(ticket: Ticket(2)))).effects == [.liftQuotaAndKill])
        #expect(fixture.send(.removalFailed("again")).contains { $0.answered == Ticket(2) })
        fixture.send(.stop(Stop(ticket: Ticket(3))))
        fixture.send(.killed)
        let end = SessionEnd(cause: .policy, at: 1000)
        #expect(fixture.send(.removed).contains(.answer(Ticket(3), .ended(end))))
    }
}
