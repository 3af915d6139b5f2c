import TestSupport
import Testing

@testable import Linux

@Suite(.timeLimit(.minutes(20))) struct TimerTests {
    @Test func `a timer fires when its time has come, once`() throws {
        let loop = try EventLoop()
        var fired: [BootTime] = []
        let timer = try Timer.make(on: loop) { fired.append(Timer.now) }
        let at = Timer.now + 20_000_000
        timer.fire(atLatest: at)
        while fired.isEmpty { _ = try loop.turn(timeout: 1_000) }
        #expect(fired[0] >= at)
        #expect(try loop.turn(timeout: 30) == 0)
        loop.removeAll()
    }

    @Test func `an earlier time counts, a later one does not`() throws {
        let loop = try EventLoop()
        var fired = 0
        let timer = try Timer.make(on: loop) { fired += 1 }
        let hour: BootTime = 3_600_000_000_000
        timer.fire(atLatest: Timer.now + hour)
        #expect(try loop.turn(timeout: 10) == 0)
        timer.fire(atLatest: Timer.now + 1_000_000)
        timer.fire(atLatest: Timer.now + hour)
        while fired == 0 { _ = try loop.turn(timeout: 1_000) }
        // A time that is over is now, and one can be named again.
        timer.fire(atLatest: 0)
        while fired == 1 { _ = try loop.turn(timeout: 1_000) }
        #expect(fired == 2)
        loop.removeAll()
    }

    @Test func `a cancelled timer does not fire`() throws {
        let loop = try EventLoop()
        var fired = 0
        let timer = try Timer.make(on: loop) { fired += 1 }
        timer.fire(atLatest: Timer.now)
        timer.cancel()
        timer.cancel()
        #expect(try loop.turn(timeout: 20) == 0)
        #expect(fired == 0)
        loop.removeAll()
    }
}
