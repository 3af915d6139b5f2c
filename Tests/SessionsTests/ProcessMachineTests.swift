import Sandbox
import Testing

@testable import Sessions

/// A process, and the time.
struct ProcessFixture {
    static let patience = ProcessPatience(
        grace: 100, restart: BackOff(first: 10, most: 80), health: 1000)

    var machine: ProcessMachine
    var now: BootTime = 1000

    init(_ spec: ProcessSpec = ProcessSpec(kind: .exec)) {
        machine = ProcessMachine(spec, patience: ProcessFixture.patience, at: 1000)
    }

    /// One that is restarted as `policy` says, and runs.
    init(_ policy: RestartPolicy) {
        self.init(ProcessSpec(kind: .managed, restart: policy))
        run()
    }

    /// In `state`.
    init(in state: ProcessState, _ spec: ProcessSpec = ProcessSpec(kind: .managed, restart: .init(.always))) {
        self.init(spec)
        switch state {
        case .requested: break
        case .starting: send(.start)
        case .running: run()
        case .restarting:
            run()
            exit(1)
        case .stopping:
            run()
            send(.stop(Stop(.policy, grace: 40)))
        case .ended:
            run()
            send(.stop(Stop(.policy, grace: 0)))
            exit(0)
        }
        precondition(machine.state == state)
    }

    @discardableResult
    mutating func send(_ event: ProcessEvent, after wait: BootTime = 0) -> [ProcessAction] {
        now = now.later(by: wait)
        return machine.handle(event, at: now)
    }

    mutating func run() {
        send(.start)
        send(.started)
    }

    @discardableResult
    mutating func exit(_ status: UInt8, after wait: BootTime = 0) -> [ProcessAction] {
        send(.exited(ProcessExit(.exited(status), at: now.later(by: wait))), after: wait)
    }

    static let events: [ProcessEvent] = [
        .start, .deadline, .outputCut(7), .outputExceeded, .sessionStopping(.ttl), .sessionEnded(.ttl),
        .started, .startFailed("no such file"), .exited(ProcessExit(.exited(0), at: 1000)),
        .exited(ProcessExit(.signalled(9), cause: .memory, at: 1000)), .adopted, .lost(.wardenGone),
        .lost(.unknown), .stop(Stop(grace: 60)), .stop(Stop(grace: 0, ticket: Ticket(1))), .wait(Ticket(2)),
        .abandoned(Ticket(3)),
    ]
}

extension ProcessAction {
    /// What it does outside of the daemon, and the recorded states in which that is right.
    var allowedAfter: Set<ProcessState>? {
        switch self {
        case .start: [.starting]
        case .terminate, .kill: [.stopping]
        case .record, .deadline, .publish, .answer, .ignored: nil
        }
    }

    var record: ProcessRecord? {
        if case .record(let record) = self { record } else { nil }
    }
}

extension [ProcessAction] {
    var effects: [ProcessAction] { filter { $0.allowedAfter != nil } }
    var ignored: IgnoredEvent? {
        for case .ignored(let reason) in self { return reason }
        return nil
    }
}

@Suite struct ProcessMachineTests {
    @Test func `an exec is started, runs and ends with its result`() {
        var fixture = ProcessFixture()
        #expect(fixture.machine.opening().first == .record(fixture.machine.record))
        #expect(fixture.send(.start).effects == [.start])
        #expect(fixture.send(.wait(Ticket(1))) == [])
        fixture.send(.started, after: 5)
        fixture.send(.outputCut(12), after: 20)
        let actions = fixture.exit(3)
        let result = ProcessResult(
            status: .exited(3), cause: .exited, startedAt: 1005, endedAt: 1025, cut: 12, restarts: 0,
            problem: "")
        #expect(
            actions == [
                .record(fixture.machine.record), .publish(.ended(result)), .answer(Ticket(1), result),
            ])
        #expect(fixture.send(.wait(Ticket(2))) == [.answer(Ticket(2), result)])
    }

    @Test func `what the warden knows of an end is its cause`() {
        var fixture = ProcessFixture()
        fixture.run()
        fixture.send(.exited(ProcessExit(.signalled(9), cause: .memory, at: 1300)), after: 400)
        #expect(fixture.machine.result?.cause == .memory)
        #expect(fixture.machine.result?.endedAt == 1300)
        var plain = ProcessFixture()
        plain.run()
        plain.send(.exited(ProcessExit(.signalled(11), at: 1000)))
        #expect(plain.machine.result?.cause == .signalled)
    }

    @Test func `what cannot be started has failed to launch, with the reason`() {
        var fixture = ProcessFixture(ProcessSpec(kind: .managed, restart: RestartPolicy(.always)))
        fixture.send(.start)
        fixture.send(.startFailed("no such file"))
        #expect(fixture.machine.result?.cause == .launchFailed)
        #expect(fixture.machine.result?.problem == "no such file")
        #expect(fixture.machine.result?.status == nil)
    }

    @Test func `a timeout asks, waits for the grace and kills`() {
        var fixture = ProcessFixture(ProcessSpec(kind: .exec, timeout: 1))
        fixture.run()
        let due: BootTime = .milliseconds(1)
        #expect(fixture.machine.nextDeadline == 1000 + due)
        #expect(fixture.send(.deadline, after: due - 1).ignored == .notDue)
        #expect(fixture.send(.deadline, after: 1).effects == [.terminate])
        #expect(fixture.machine.nextDeadline == fixture.now + 100)
        #expect(fixture.send(.deadline, after: 100).effects == [.kill])
        #expect(fixture.machine.nextDeadline == nil)
        fixture.send(.exited(ProcessExit(.signalled(9), at: fixture.now)))
        #expect(fixture.machine.result?.cause == .timeout)
    }

    @Test func `too much output kills at once`() {
        var fixture = ProcessFixture(RestartPolicy(.always))
        #expect(fixture.send(.outputExceeded).effects == [.kill])
        fixture.exit(0)
        #expect(fixture.machine.result?.cause == .output)
    }

    @Test func `output that is found missing after the end is recorded too`() {
        var fixture = ProcessFixture()
        fixture.run()
        fixture.exit(0)
        #expect(fixture.send(.outputCut(5)).first?.record?.cut == 5)
        #expect(fixture.send(.outputCut(5)).ignored == .ended)
        #expect(fixture.machine.result?.cut == 5)
    }

    @Test func `two stops at once are one, with the shorter grace`() {
        var fixture = ProcessFixture(RestartPolicy(.no))
        #expect(fixture.send(.stop(Stop(grace: 80, ticket: Ticket(1)))).effects == [.terminate])
        #expect(fixture.send(.stop(Stop(grace: 20, ticket: Ticket(2))), after: 10).effects == [])
        #expect(fixture.machine.record.nextAt == 1030)
        #expect(fixture.send(.stop(Stop(grace: 500))).effects == [])
        #expect(fixture.send(.deadline, after: 20).effects == [.kill])
        let answers = fixture.exit(0).filter { if case .answer = $0 { true } else { false } }
        #expect(answers.count == 2)
        #expect(fixture.machine.result?.cause == .operator)
    }

    // MARK: Restarts

    @Test func `restarts come later and later, and a healthy run wipes that out`() {
        var fixture = ProcessFixture(RestartPolicy(.always))
        for wait in [10, 20, 40, 80, 80] as [BootTime] {
            let actions = fixture.exit(0, after: 1)
            #expect(fixture.machine.state == .restarting)
            #expect(actions.contains(.publish(.restarts(after: .exited(0), at: fixture.now + wait))))
            #expect(fixture.send(.deadline, after: wait - 1).ignored == .notDue)
            #expect(fixture.send(.deadline, after: 1).effects == [.start])
            fixture.send(.started)
        }
        fixture.exit(1, after: 1000)
        #expect(fixture.machine.nextDeadline == fixture.now + 10)
        #expect(fixture.machine.restarts == 5)
    }

    @Test(
        arguments: [
            ("no", .exited(0), false), ("no", .exited(1), false), ("on-failure", .exited(0), false),
            ("on-failure", .exited(1), true), ("on-failure:2", .signalled(9), true),
            ("always", .exited(0), true), ("always", .signalled(15), true),
        ] as [(String, ProcessStatus, Bool)])
    func `a policy says what is started again`(text: String, status: ProcessStatus, isRestarted: Bool) throws
    {
        var fixture = ProcessFixture(try RestartPolicy(text))
        fixture.send(.exited(ProcessExit(status, at: 1000)))
        #expect(fixture.machine.state == (isRestarted ? .restarting : .ended))
    }

    @Test func `after so many failures in a row it is not started again, and says so`() throws {
        var fixture = ProcessFixture(try RestartPolicy("on-failure:2"))
        for _ in 0..<2 {
            fixture.exit(1)
            fixture.send(.deadline, after: 80)
            fixture.send(.started)
        }
        fixture.exit(1)
        #expect(fixture.machine.result?.problem == "it was restarted 2 times in a row, which is the most")
        #expect(fixture.machine.result?.restarts == 2)
        #expect(fixture.machine.result?.cause == .exited)
    }

    @Test func `a restart that cannot be started is one more failure`() throws {
        var fixture = ProcessFixture(try RestartPolicy("on-failure:2"))
        fixture.exit(1)
        fixture.send(.deadline, after: 10)
        fixture.send(.startFailed("no memory"))
        #expect(fixture.machine.state == .restarting)
        fixture.send(.deadline, after: 20)
        fixture.send(.startFailed("no memory"))
        #expect(fixture.machine.result?.cause == .launchFailed)
    }

    @Test(arguments: [ProcessEvent.stop(Stop(.operator)), .sessionStopping(.operator), .outputExceeded])
    func `what ends it from outside ends its restarts`(event: ProcessEvent) {
        var running = ProcessFixture(RestartPolicy(.always))
        running.send(event)
        running.exit(1)
        #expect(running.machine.state == .ended)
        var waiting = ProcessFixture(in: .restarting)
        waiting.send(event)
        #expect(waiting.machine.state == .ended)
        #expect(waiting.machine.result?.status == .exited(1))
    }

    @Test func `an exec has no restarts, whatever it is asked for`() {
        #expect(ProcessSpec(kind: .exec, restart: RestartPolicy(.always)).restart == .no)
    }

    @Test(arguments: ["", "No", "on-failure:", "on-failure:0", "on-failure:1001", "always:3", "no:1", "x"])
    func `a policy that is none is refused`(text: String) {
        #expect(throws: ValueError.self) { try RestartPolicy(text) }
    }

    @Test(arguments: ["no", "always", "on-failure", "on-failure:5"])
    func `a policy is written as it is read`(text: String) throws {
        #expect(try RestartPolicy(text).description == text)
    }
}
