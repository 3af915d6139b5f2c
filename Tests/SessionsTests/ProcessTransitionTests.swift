import Sandbox
import TestSupport
import Testing

@testable import Sessions

/// Every event in every state of a process, and processes whose daemon was killed.
@Suite struct ProcessTransitionTests {
    @Test(arguments: ProcessState.allCases)
    func `nothing is done before it is recorded`(state: ProcessState) {
        for event in ProcessFixture.events {
            var fixture = ProcessFixture(in: state)
            var recorded = state
            for action in fixture.send(event, after: 10) {
                if let record = action.record { recorded = record.state }
                if let allowed = action.allowedAfter {
                    #expect(
                        allowed.contains(recorded), "\(action) while \(recorded) is recorded, at \(event)")
                }
            }
            #expect(recorded == fixture.machine.state, "\(event) changes the state and does not record it")
        }
    }

    @Test func `what has ended stays as it is`() {
        let ended = ProcessFixture(in: .ended)
        for event in ProcessFixture.events {
            var fixture = ended
            let actions = fixture.send(event, after: 10_000)
            #expect(actions.effects == [], "\(event)")
            #expect(fixture.machine.cause == .policy && fixture.machine.state == .ended)
            #expect(fixture.machine.nextDeadline == nil)
        }
    }

    @Test func `a cause is set once`() {
        for event in ProcessFixture.events {
            for second in ProcessFixture.events {
                var fixture = ProcessFixture(in: .stopping)
                fixture.send(event)
                fixture.send(second)
                #expect(fixture.machine.cause == .policy, "\(event), \(second)")
            }
        }
    }

    @Test(arguments: [21, 22, 23] as [UInt64])
    func `random lives end at most once, and nothing is done after that`(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<4000 {
            var fixture = ProcessFixture(ProcessSpec(kind: .managed, restart: .init(.always, most: 3)))
            var ends = 0
            for _ in 0..<25 {
                let event = ProcessFixture.events[
                    .random(in: 0..<ProcessFixture.events.count, using: &random)]
                let hadEnded = fixture.machine.hasEnded
                let actions = fixture.send(event, after: .random(in: 0...60, using: &random))
                for case .publish(.ended) in actions { ends += 1 }
                if hadEnded, !actions.effects.isEmpty { Issue.record("\(event) after the end") }
                if fixture.machine.hasEnded != (fixture.machine.result != nil) { Issue.record("no result") }
            }
            if ends > 1 || (ends == 1) != fixture.machine.hasEnded { Issue.record("\(ends) ends") }
        }
    }

    // MARK: Restarts of the daemon

    private func restored(_ fixture: ProcessFixture, after wait: BootTime = 0) -> ProcessFixture {
        var next = fixture
        next.now += wait
        next.machine = ProcessMachine(
            restoring: fixture.machine.record, fixture.machine.spec, patience: ProcessFixture.patience)
        return next
    }

    @Test(arguments: ProcessState.allCases)
    func `what is recorded is all that a new daemon needs`(state: ProcessState) {
        let fixture = ProcessFixture(in: state)
        let next = restored(fixture)
        #expect(next.machine.record.state == state)
        #expect(next.machine.cause == fixture.machine.cause)
        #expect(next.machine.result == fixture.machine.result)
        #expect(next.machine.record.nextAt == fixture.machine.record.nextAt)
    }

    @Test func `an exit that happened meanwhile is told as it was`() {
        var exec = restored(ProcessFixture(in: .running, ProcessSpec(kind: .exec)), after: 5000)
        exec.send(.exited(ProcessExit(.exited(4), at: 1700)))
        #expect(exec.machine.result?.status == .exited(4))
        #expect(exec.machine.result?.endedAt == 1700)
        var managed = restored(ProcessFixture(in: .running), after: 5000)
        managed.exit(1)
        #expect(managed.machine.state == .restarting)
    }

    @Test func `what runs goes on, with its timeout`() {
        let spec = ProcessSpec(kind: .exec, timeout: 1)
        var fixture = restored(ProcessFixture(in: .running, spec), after: 400)
        #expect(fixture.send(.adopted) == [.deadline(1000 + .milliseconds(1))])
        var starting = restored(ProcessFixture(in: .starting, spec))
        #expect(starting.send(.adopted).first?.record?.state == .running)
    }

    @Test func `a stop goes on, and a kill that may not have been sent is sent again`() {
        var asked = restored(ProcessFixture(in: .stopping), after: 10)
        #expect(asked.send(.adopted).effects == [.terminate])
        var due = restored(ProcessFixture(in: .stopping), after: 40)
        #expect(due.send(.adopted).effects == [.kill])
        var killed = ProcessFixture(in: .stopping)
        killed.send(.deadline, after: 40)
        killed = restored(killed)
        #expect(killed.send(.adopted).effects == [.kill])
        // Its session sees to it, in the grace that the session has.
        var fixture = ProcessFixture(in: .running)
        fixture.send(.sessionStopping(.ttl))
        fixture = restored(fixture)
        #expect(fixture.send(.adopted).effects == [])
    }

    @Test func `a start the warden never heard of is made for managed ones alone`() {
        for state in [ProcessState.requested, .starting] {
            var managed = restored(ProcessFixture(in: state))
            #expect(managed.send(.lost(.unknown)).effects == [.start])
            var exec = restored(ProcessFixture(in: state, ProcessSpec(kind: .exec)))
            exec.send(.lost(.unknown))
            #expect(exec.machine.result?.cause == .daemonRestart)
        }
        var waiting = restored(ProcessFixture(in: .restarting), after: 3)
        waiting.send(.lost(.unknown))
        #expect(waiting.send(.deadline, after: 7).effects == [.start])
    }

    @Test(arguments: ProcessState.allCases.filter { $0 != .ended })
    func `what died with its warden ends as daemon-restart`(state: ProcessState) {
        var fixture = restored(ProcessFixture(in: state))
        #expect(fixture.send(.lost(.wardenGone)).effects == [])
        #expect(fixture.machine.result?.cause == (state == .stopping ? .policy : .daemonRestart))
    }

    @Test func `a session that ends takes its processes with it`() {
        var fixture = ProcessFixture(in: .running)
        #expect(fixture.send(.sessionStopping(.idle)).effects == [])
        #expect(fixture.machine.state == .stopping)
        // A client may still want it dead sooner.
        #expect(fixture.send(.stop(Stop(grace: 0))).effects == [.kill])
        fixture.send(.sessionEnded(.idle))
        #expect(fixture.machine.result?.cause == .idle)
        #expect(fixture.machine.result?.status == nil)
        var waiting = ProcessFixture(in: .restarting)
        waiting.send(.sessionStopping(.idle))
        #expect(waiting.machine.result?.cause == .idle)
    }
}
