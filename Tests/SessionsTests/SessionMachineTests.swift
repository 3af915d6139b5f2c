import Sandbox
import Testing

@testable import Sessions

@Suite struct SessionMachineTests {
    private let first = Ticket(1)
    private let second = Ticket(2)

    @Test func `a session is created, launched, asked to end, killed and removed`() {
        var fixture = SessionFixture()
        #expect(
            fixture.actions == [
                .record(fixture.machine.record), .publish(.state(.created, nil, problem: "")),
            ])
        #expect(fixture.send(.start).effects == [.launch])
        #expect(fixture.machine.nextDeadline == 1300)
        #expect(fixture.send(.wait(.started, first)) == [])
        #expect(fixture.send(.launched).contains(.answer(first, .done)))
        fixture.send(.processStarted(.managed))
        let asked = fixture.send(.stop(Stop(grace: 40, ticket: first)))
        #expect(asked.effects == [.signalAll])
        #expect(asked.last == .deadline(1040))
        let killed = fixture.send(.deadline, after: 40)
        #expect(killed == [.liftQuotaAndKill, .deadline(1090)])
        #expect(fixture.send(.killed) == [.remove, .deadline(1100)])
        let end = SessionEnd(cause: .operator, at: 1040)
        #expect(
            fixture.send(.removed) == [
                .record(fixture.machine.record), .publish(.state(.ended, .operator, problem: "")),
                .answer(first, .ended(end)), .deadline(nil),
            ])
        #expect(fixture.machine.end == end)
        #expect(fixture.actions.steps == [.created, .starting, .running, .stopping, .ended])
    }

    @Test func `an empty session is not given time to end itself`() {
        var fixture = SessionFixture()
        fixture.send(.start)
        fixture.send(.launched)
        #expect(fixture.send(.stop(Stop())).effects == [.liftQuotaAndKill])
    }

    @Test func `the last process that ends itself ends the wait for it`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.processStarted(.managed))
        #expect(fixture.send(.stop(Stop(grace: 1000))).effects == [.signalAll])
        #expect(fixture.send(.processEnded(.exec)).effects == [])
        #expect(fixture.send(.processEnded(.managed)).effects == [.liftQuotaAndKill])
    }

    @Test func `the second stop joins the first, and the shorter grace holds`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.stop(Stop(grace: 80, ticket: first)))
        let joined = fixture.send(.stop(Stop(.ttl, grace: 30, ticket: second)), after: 10)
        #expect(joined == [.record(fixture.machine.record), .deadline(1040)])
        #expect(fixture.machine.record.killAt == 1040)
        #expect(fixture.send(.stop(Stop(grace: 500))) == [.ignored(.already)])
        #expect(fixture.send(.deadline, after: 30).effects == [.liftQuotaAndKill])
        fixture.send(.killed)
        let end = SessionAnswer.ended(SessionEnd(cause: .operator, at: 1040))
        let answers = fixture.send(.removed).filter { $0.answered != nil }
        #expect(answers == [.answer(first, end), .answer(second, end)])
    }

    @Test func `a kill does not wait for a stop that is under way`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.stop(Stop(grace: 80)))
        #expect(fixture.send(.stop(Stop(grace: 0))).effects == [.liftQuotaAndKill])
        #expect(fixture.send(.stop(Stop(grace: 0))).effects == [])
    }

    @Test func `what is frozen is thawed before it is asked to end, and killed as it is`() {
        for step in [SessionStep.pausing, .paused, .resuming] {
            var asked = SessionFixture(in: step)
            #expect(asked.send(.stop(Stop())).effects == [.thaw, .signalAll])
            var killed = SessionFixture(in: step)
            #expect(killed.send(.stop(Stop(grace: 0))).effects == [.liftQuotaAndKill])
        }
    }

    @Test func `a launch that fails says why to whoever waits for it`() {
        var fixture = SessionFixture(in: .starting)
        fixture.send(.wait(.started, first))
        let actions = fixture.send(.launchFailed("no image x"))
        #expect(actions.contains(.answer(first, .refused(.launchFailed("no image x")))))
        #expect(actions.effects == [.remove])
        fixture.send(.removed)
        #expect(fixture.machine.end == SessionEnd(cause: .launchFailed, at: 1000, problem: "no image x"))
        let refusal = fixture.machine.refusalOfProcesses
        #expect(refusal?.description == "could not be launched: no image x")
    }

    @Test func `a launch that takes too long has failed`() {
        var fixture = SessionFixture(in: .starting)
        #expect(fixture.send(.deadline, after: 299).contains(.ignored(.notDue)))
        #expect(fixture.send(.deadline, after: 1).effects == [.liftQuotaAndKill])
        #expect(fixture.machine.cause == .launchFailed)
        #expect(fixture.send(.launched).contains(.ignored(.late)))
        fixture.send(.killed)
        fixture.send(.removed)
        #expect(fixture.machine.state == .ended)
    }

    @Test func `a session that is stopped while it is launched is killed at once`() {
        var fixture = SessionFixture(in: .starting)
        #expect(fixture.send(.stop(Stop(grace: 1000))).effects == [.liftQuotaAndKill])
        #expect(fixture.send(.launchFailed("stopped")).effects == [.remove])
        #expect(fixture.send(.killed) == [.ignored(.late)])
        fixture.send(.removed)
        #expect(fixture.machine.end?.cause == .operator)
    }

    @Test func `a session whose init is gone ends with the cause that is known of it`() {
        var fixture = SessionFixture(in: .running)
        #expect(fixture.send(.initGone(.memory)).effects == [.liftQuotaAndKill])
        fixture.send(.killed)
        fixture.send(.removed)
        #expect(fixture.machine.end?.cause == .memory)
    }

    // MARK: Pause

    @Test func `pause and resume answer when they are done, and twice is as good`() {
        var fixture = SessionFixture(in: .running)
        #expect(fixture.send(.pause(first)).effects == [.freeze])
        #expect(fixture.send(.pause(second)) == [])
        #expect(fixture.machine.refusalOfProcesses == .paused)
        let done = fixture.send(.pauseDone)
        #expect(done.filter { $0.answered != nil } == [.answer(first, .done), .answer(second, .done)])
        #expect(fixture.send(.pause(first)) == [.answer(first, .done)])
        #expect(fixture.send(.resume(first)).effects == [.thaw])
        #expect(fixture.send(.resumeDone).contains(.answer(first, .done)))
        #expect(fixture.machine.refusalOfProcesses == nil)
    }

    @Test func `a pause that fails leaves it running and says why`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.pause(first))
        let actions = fixture.send(.pauseFailed("there is no v2 freezer"))
        #expect(actions.last == .answer(first, .refused(.pauseFailed("there is no v2 freezer"))))
        #expect(fixture.machine.state == .running)
        fixture.send(.pause(first))
        fixture.send(.pauseDone)
        fixture.send(.resume(second))
        let stuck = fixture.send(.resumeFailed("EIO"))
        #expect(stuck.last == .answer(second, .refused(.resumeFailed("EIO"))))
        #expect(fixture.machine.state == .paused)
    }

    @Test func `a stop answers a pause that will not come about`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.pause(first))
        let actions = fixture.send(.stop(Stop()))
        #expect(actions.contains(.answer(first, .refused(.stopping(.operator)))))
    }

    @Test(
        arguments: [
            (.created, "is not running yet: it is created"),
            (.starting, "is not running yet: it is starting"),
            (.paused, "is paused; resume it first"), (.stopping, "is stopping (policy)"),
            (.quarantined, "has ended (policy) and could not be removed: busy"),
            (.ended, "has ended (policy)"),
        ] as [(SessionStep, String)])
    func `a process for a session that takes none is refused with the reason`(step: SessionStep, text: String)
    {
        #expect(SessionFixture(in: step).machine.refusalOfProcesses?.description == text)
    }

    @Test func `whoever went away is not answered`() {
        var fixture = SessionFixture(in: .running)
        fixture.send(.wait(.ended, first))
        #expect(fixture.send(.abandoned(first)) == [])
        #expect(fixture.send(.abandoned(first)) == [.ignored(.late)])
        fixture.send(.stop(Stop(grace: 0)))
        fixture.send(.killed)
        #expect(fixture.send(.removed).allSatisfy { $0.answered == nil })
    }
}
