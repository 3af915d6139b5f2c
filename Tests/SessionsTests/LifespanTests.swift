import Sandbox
import Testing

@testable import Sessions

@Suite struct LifespanTests {
    @Test(
        arguments: [
            // created at 1000: ttl, idle, max, and what ends it when.
            (50, nil, nil, .ttl, 1050), (nil, 50, nil, .idle, 1050), (nil, nil, 50, .max, 1050),
            (50, 60, 70, .ttl, 1050), (60, 50, 70, .idle, 1050), (70, 60, 50, .max, 1050),
            (50, 50, 50, .max, 1050), (50, 50, 60, .ttl, 1050), (50, 60, 50, .max, 1050),
            // Longer than it may live at all.
            (90, nil, 50, .max, 1050),
        ] as [(BootTime?, BootTime?, BootTime?, Lifespan.Limit, BootTime)])
    func `what is due first ends it, and of several max before ttl before idle`(
        ttl: BootTime?, idle: BootTime?, max: BootTime?, limit: Lifespan.Limit, at: BootTime
    ) {
        let span = Lifespan(createdAt: 1000, ttl: ttl, idle: idle, max: max)
        #expect(span.deadline == Lifespan.Deadline(limit: limit, at: at))
        #expect(span.due(at: at - 1) == nil)
        #expect(span.due(at: at) == limit)
        // Long asleep: still what was due first, not what is first in the list.
        #expect(span.due(at: at + 1_000_000) == limit)
    }

    @Test func `a session without any of them lives on`() {
        let span = Lifespan(createdAt: 1000, ttl: nil, idle: nil, max: nil)
        #expect(span.deadline == nil && span.due(at: .max) == nil)
    }

    @Test func `a renewal counts from now, may be shorter, and never goes past max`() {
        var span = Lifespan(createdAt: 1000, ttl: 100, idle: nil, max: 300)
        #expect(span.renew(nil, at: 1050) == Lifespan.Renewal(expiresAt: 1150, isClamped: false))
        #expect(span.renew(20, at: 1060) == Lifespan.Renewal(expiresAt: 1080, isClamped: false))
        #expect(span.due(at: 1080) == .ttl)
        #expect(span.renew(nil, at: 1070) == Lifespan.Renewal(expiresAt: 1090, isClamped: false))
        #expect(span.renew(240, at: 1060) == Lifespan.Renewal(expiresAt: 1300, isClamped: false))
        #expect(span.renew(241, at: 1060) == Lifespan.Renewal(expiresAt: 1300, isClamped: true))
        #expect(span.due(at: 1300) == .max)
        #expect(span.renew(.max, at: 1200) == Lifespan.Renewal(expiresAt: 1300, isClamped: true))
    }

    @Test func `a session without a ttl gets one by renewal only when it is stated`() {
        var span = Lifespan(createdAt: 1000, ttl: nil, idle: nil, max: nil)
        #expect(span.renew(nil, at: 1050) == nil)
        #expect(span.renew(10, at: 1050)?.expiresAt == 1060)
        #expect(span.renew(nil, at: 1055)?.expiresAt == 1065)
    }

    @Test func `a lease holds the idle clock, and its return sets it anew`() {
        var span = Lifespan(createdAt: 1000, ttl: nil, idle: 50, max: nil)
        span.use(at: 1020)
        #expect(span.deadline?.at == 1070)
        span.takeLease(at: 1030)
        span.takeLease(at: 1040)
        #expect(span.deadline == nil)
        span.returnLease(at: 2000)
        #expect(span.deadline == nil)
        span.returnLease(at: 3000)
        #expect(span.deadline?.at == 3050)
        // One too many changes nothing but the last use.
        span.returnLease(at: 3010)
        #expect(span.leases == 0 && span.deadline?.at == 3060)
    }

    @Test func `an event that is told late does not set the idle clock back`() {
        var span = Lifespan(createdAt: 1000, ttl: nil, idle: 50, max: nil)
        span.use(at: 1040)
        span.use(at: 1010)
        #expect(span.deadline?.at == 1090)
    }

    @Test func `times past the end of the clock are none, not early ones`() {
        let span = Lifespan(createdAt: .max - 10, ttl: 11, idle: .max, max: 12)
        #expect(span.deadline == nil)
        var long = Lifespan(createdAt: 5, ttl: .max, idle: .max, max: .max)
        #expect(long.deadline == nil && long.due(at: .max - 1) == nil)
        #expect(long.renew(.max, at: 100) == Lifespan.Renewal(expiresAt: .max, isClamped: false))
        #expect(BootTime.seconds(.max) == .max && BootTime.milliseconds(.max) == .max)
        #expect(BootTime.max.later(by: 1) == .max && BootTime(1).later(by: 2) == 3)
    }

    @Test func `a wait is doubled up to its limit, however often`() {
        let backOff = BackOff(first: 100, most: 6000)
        #expect((0...8).map(backOff.wait) == [100, 100, 200, 400, 800, 1600, 3200, 6000, 6000])
        for count in [40, 63, 64, 65, 1000, .max] { #expect(backOff.wait(afterFailures: count) == 6000) }
        #expect(BackOff(first: 9, most: 5).wait(afterFailures: 1) == 5)
        #expect(BackOff(first: 1, most: .max).wait(afterFailures: 64) == 1 << 63)
    }

    // MARK: In a session

    @Test(arguments: Lifespan.Limit.allCases)
    func `each limit ends a session with its own cause`(limit: Lifespan.Limit) {
        var fixture = SessionFixture(
            ttl: limit == .ttl ? 500 : nil, idle: limit == .idle ? 500 : nil, max: limit == .max ? 500 : nil)
        fixture.send(.start)
        fixture.send(.launched)
        #expect(fixture.machine.nextDeadline == 1500)
        #expect(fixture.send(.deadline, after: 499) == [.ignored(.notDue), .deadline(1500)])
        #expect(fixture.send(.deadline, after: 1).effects == [.liftQuotaAndKill])
        #expect(fixture.machine.cause == limit.cause)
    }

    @Test func `a session nobody has launched ends in time too`() {
        var fixture = SessionFixture(ttl: 20)
        #expect(fixture.send(.deadline, after: 20).steps == [.ended])
        #expect(fixture.machine.end == SessionEnd(cause: .ttl, at: 1020))
    }

    @Test func `processes hold a session as its policy says`() {
        for policy in LeasePolicy.allCases {
            for kind in ProcessKind.allCases {
                var fixture = SessionFixture(idle: 50, leases: policy)
                fixture.send(.start)
                fixture.send(.launched)
                fixture.send(.processStarted(kind), after: 10)
                #expect((fixture.machine.nextDeadline == nil) == policy.holds(for: kind))
                fixture.send(.processEnded(kind), after: 30)
                #expect(fixture.machine.nextDeadline == 1090)
            }
        }
    }

    @Test func `use moves the end by idle and no other`() {
        var fixture = SessionFixture(in: .paused, ttl: 300, idle: 50)
        fixture.send(.processEnded(.exec))
        #expect(fixture.machine.nextDeadline == 1050)
        #expect(fixture.send(.used, after: 20) == [.deadline(1070)])
        #expect(fixture.send(.renew(ttl: nil, Ticket(1)), after: 5).contains(.deadline(1075)))
        #expect(fixture.machine.record.expiresAt == 1325)
    }

    @Test func `a renewal is recorded, told and answered, and too late is refused`() {
        var fixture = SessionFixture(in: .running, ttl: 300, max: 400)
        let renewal = Lifespan.Renewal(expiresAt: 1400, isClamped: true)
        #expect(
            fixture.send(.renew(ttl: nil, Ticket(1)), after: 200) == [
                .record(fixture.machine.record), .publish(.renewed(expiresAt: 1400)),
                .answer(Ticket(1), .renewed(renewal)), .deadline(1400),
            ])
        fixture.send(.deadline, after: 200)
        #expect(fixture.machine.cause == .max)
        let late = fixture.send(.renew(ttl: 10, Ticket(2)))
        #expect(late == [.answer(Ticket(2), .refused(.stopping(.max)))])
        var endless = SessionFixture(in: .running)
        #expect(endless.send(.renew(ttl: nil, Ticket(3))) == [.answer(Ticket(3), .refused(.noTTL))])
    }
}
