import Testing

@testable import Sessions

@Suite struct StopSequenceTests {
    private let patience = SessionFixture.patience

    /// A sequence in each of its phases, made at 1000.
    private var phases: [StopSequence] {
        var retrying = StopSequence.killing(at: 1000, patience)
        _ = retrying.handle(.failed("busy"), at: 1000)
        var done = StopSequence.removing(at: 1000, patience)
        _ = done.handle(.removed, at: 1000)
        return [
            .asking(until: 1040, patience), .killing(at: 1000, patience), .removing(at: 1000, patience),
            retrying, done,
        ]
    }

    @Test(
        arguments: [
            // asking, killing, removing, retrying, done
            (.nobodyLeft, [.kill, nil, nil, nil, nil]),
            (.emptied, [.remove, .remove, nil, .remove, nil]),
            (.removed, [nil, nil, .finish, nil, nil]),
            (.failed("x"), [nil, .wait("x"), .wait("x"), nil, nil]),
            (.hasten(0), [.kill, nil, nil, .kill, nil]),
            (.hasten(100), [nil, nil, nil, .kill, nil]),
            (.tick, [nil, nil, nil, nil, nil]),
        ] as [(StopSequence.Event, [StopSequence.Step?])])
    func `each phase has its answer to each event`(event: StopSequence.Event, steps: [StopSequence.Step?]) {
        let found = phases.map { phase -> StopSequence.Step? in
            var sequence = phase
            return sequence.handle(event, at: 1000)
        }
        #expect(found == steps)
    }

    @Test func `each phase has a deadline and leaves it in time`() {
        for phase in phases {
            guard let deadline = phase.deadline else {
                #expect(phase.phase == .done)
                continue
            }
            var early = phase
            #expect(early.handle(.tick, at: deadline - 1) == nil && early == phase)
            var late = phase
            #expect(late.handle(.tick, at: deadline) != nil)
            #expect(late.phase != phase.phase)
            #expect(late.deadline ?? 0 > deadline)
        }
    }

    @Test func `failures are forgotten with the step that failed`() {
        var sequence = StopSequence.killing(at: 1000, patience)
        for _ in 0..<5 {
            _ = sequence.handle(.failed("x"), at: 1000)
            _ = sequence.handle(.hasten(0), at: 1000)
        }
        #expect(sequence.failures == 5)
        #expect(sequence.handle(.emptied, at: 1000) == .remove)
        #expect(sequence.handle(.failed("y"), at: 1000) == .wait("y"))
        #expect(sequence.deadline == 1010)
    }

    @Test func `a grace that goes past the end of the clock is cut there`() {
        var sequence = StopSequence.asking(until: .max, patience)
        #expect(sequence.handle(.hasten(.max), at: 2000) == nil)
        #expect(sequence.deadline == .max)
        #expect(sequence.handle(.hasten(5), at: 2000) == nil)
        #expect(sequence.deadline == 2005)
    }
}
