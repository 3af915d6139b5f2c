import Quotas
import Sandbox
import Sessions
import Testing

struct QuotaLedgerTests {
    // 2026-11-22T00:00:00Z.
    private let midnight: UInt64 = 1_795_305_600
    private var noon: UInt64 { midnight + 43_200 }

    private func ledger(_ limits: QuotaLimits, node: QuotaLimits = [:]) throws -> (QuotaLedger<Int>, Name) {
        var ledger = QuotaLedger<Int>()
        let tenant = try Name("acme")
        ledger.setLimits(limits, of: tenant)
        ledger.setNodeLimits(node)
        return (ledger, tenant)
    }

    private func used(_ ledger: QuotaLedger<Int>, _ tenant: Name, _ quota: Quota, at time: UInt64) -> UInt64?
    {
        ledger.use(of: tenant, at: time).first { $0.quota == quota }?.used
    }

    @Test
    func `a refusal names whose quota, its value, what is in use, what was asked for and when it resets`()
        throws
    {
        var (ledger, tenant) = try ledger([.execsPerDay: 10, .memory: 512 << 20])
        for exec in 0..<10 { _ = try ledger.reserve([.execsPerDay: 1], for: tenant, as: exec, at: noon) }
        let daily = #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.execsPerDay: 1], for: tenant, as: 10, at: noon)
        }
        #expect(
            daily?.description
                == "tenant acme may have 10 of execs_per_day, has 10 and was asked for 1 more; "
                + "counted anew at 2026-11-23T00:00:00.000Z")
        _ = try ledger.reserve([.memory: 300 << 20], for: tenant, as: 11, at: noon)
        let memory = #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.memory: 256 << 20], for: tenant, as: 12, at: noon)
        }
        #expect(
            memory?.description
                == "tenant acme may have 512MiB of memory, has 300MiB and was asked for 256MiB more")
    }

    @Test func `what is known only afterwards is used beyond its limit once, and then nothing more begins`()
        throws
    {
        var (ledger, tenant) = try ledger([.cpuTimePerDay: 10_000], node: [.cpuTimePerDay: 20_000])
        _ = try ledger.reserve([.sessions: 1], for: tenant, as: 1, at: noon)
        let news = ledger.spend([.cpuTimePerDay: 9999], of: tenant, at: noon)
        #expect(news.map(\.percent) == [95])
        _ = try ledger.reserve([.processes: 1, .execsPerDay: 1], for: tenant, as: 2, at: noon)
        _ = ledger.spend([.cpuTimePerDay: 3001], of: tenant, at: noon)
        for asked: Amounts in [[.processes: 1], [.sessions: 1, .creationsPerMinute: 1]] {
            let refusal = #expect(throws: QuotaRefusal.self) {
                _ = try ledger.reserve(asked, for: tenant, as: 3, at: noon)
            }
            #expect(
                refusal?.description
                    == "tenant acme may have 10s of cpu_time_per_day and has used 13s; "
                    + "counted anew at 2026-11-23T00:00:00.000Z")
        }
        #expect(ledger.has(3).isEmpty)
        // What uses none of it goes on, and another day is another day's.
        _ = try ledger.reserve([.disk: 1], for: tenant, as: 4, at: noon)
        _ = try ledger.reserve([.processes: 1], for: tenant, as: 5, at: noon + 43_200)
        let other = try Name("other")
        _ = ledger.spend([.cpuTimePerDay: 7000], of: other, at: noon)
        let node = #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.processes: 1], for: other, as: 6, at: noon)
        }
        #expect(
            node?.description
                == "this node may have 20s of cpu_time_per_day, which are used up; "
                + "counted anew at 2026-11-23T00:00:00.000Z")
    }

    @Test func `what all tenants use of the node is not told to one of them`() throws {
        var (ledger, tenant) = try ledger([:], node: [.sessions: 2])
        let other = try Name("other")
        _ = try ledger.reserve([.sessions: 2], for: other, as: 1, at: noon)
        let refusal = #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.sessions: 1], for: tenant, as: 2, at: noon)
        }
        #expect(refusal?.owner == .node)
        #expect(refusal?.description == "this node may have 2 of sessions and was asked for 1 more")
    }

    @Test func `a volume's bytes are what its record says, up and down, and are given back once`() throws {
        var (ledger, tenant) = try ledger([.disk: 100])
        _ = try ledger.reserve([.disk: 60], for: tenant, as: 1, at: noon)
        ledger.settle(.disk, of: 1, for: tenant, to: 60, at: noon)
        #expect(used(ledger, tenant, .disk, at: noon) == 60)
        // One that was found after the limit was lowered is there all the same.
        ledger.settle(.disk, of: 2, for: tenant, to: 70, at: noon)
        #expect(used(ledger, tenant, .disk, at: noon) == 130)
        ledger.settle(.disk, of: 1, for: tenant, to: 10, at: noon)
        #expect(used(ledger, tenant, .disk, at: noon) == 80)
        for _ in 0..<2 { ledger.settle(.disk, of: 2, for: tenant, to: 0, at: noon) }
        #expect(used(ledger, tenant, .disk, at: noon) == 10 && ledger.has(2).isEmpty)
        ledger.giveBack(2)
        for _ in 0..<2 { ledger.settle(.disk, of: 1, for: tenant, to: 0, at: noon) }
        #expect(used(ledger, tenant, .disk, at: noon) == 0)
        let isForgotten = ledger.forget(tenant)
        #expect(isForgotten)
    }

    @Test func `what is refused for one quota takes nothing of the others`() throws {
        var (ledger, tenant) = try ledger([.sessions: 5, .memory: 100], node: [.cpus: 1000])
        for asked: Amounts in [[.sessions: 1, .memory: 101], [.sessions: 1, .cpus: 1001]] {
            #expect(throws: QuotaRefusal.self) {
                _ = try ledger.reserve(asked, for: tenant, as: 1, at: noon)
            }
        }
        #expect(ledger.use(of: tenant, at: noon).allSatisfy { $0.used == 0 })
        #expect(ledger.nodeUse(at: noon).allSatisfy { $0.used == 0 })
    }

    @Test func `an amount beyond all numbers is refused`() throws {
        var (ledger, tenant) = try ledger([.memory: .max])
        _ = try ledger.reserve([.memory: 1], for: tenant, as: 1, at: noon)
        #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.memory: .max], for: tenant, as: 2, at: noon)
        }
        #expect(used(ledger, tenant, .memory, at: noon) == 1)
    }

    @Test func `a day begins anew at midnight, and not when the clock is set back over it`() throws {
        var (ledger, tenant) = try ledger([.execsPerDay: 1])
        _ = try ledger.reserve([.execsPerDay: 1], for: tenant, as: 1, at: midnight - 1)
        _ = try ledger.reserve([.execsPerDay: 1], for: tenant, as: 2, at: midnight)
        // Back in yesterday, which is over.
        let refusal = #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.execsPerDay: 1], for: tenant, as: 3, at: midnight - 3600)
        }
        #expect(refusal?.resets == midnight + 86_400)
        _ = try ledger.reserve([.execsPerDay: 1], for: tenant, as: 4, at: midnight + 86_400)
    }

    @Test
    func `a minute that is an hour ahead is waited for by nobody, and the one before is not lived twice`()
        throws
    {
        var (ledger, tenant) = try ledger([.creationsPerMinute: 1], node: [.creationsPerMinute: 5])
        _ = try ledger.reserve([.creationsPerMinute: 1], for: tenant, as: 1, at: noon)
        // Back by seconds, over the beginning of the minute.
        let refusal = #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.creationsPerMinute: 1], for: tenant, as: 2, at: noon - 1)
        }
        #expect(refusal?.resets == noon + 60)
        // Back by an hour.
        let then = noon - 3600
        #expect(used(ledger, tenant, .creationsPerMinute, at: then) == 0)
        _ = try ledger.reserve([.creationsPerMinute: 1], for: tenant, as: 3, at: then)
        let second = #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.creationsPerMinute: 1], for: tenant, as: 4, at: then + 59)
        }
        #expect(second?.resets == then + 60)
        #expect(ledger.spending(of: tenant, at: then).map(\.start) == [then])
        // What is cancelled afterwards takes nothing from what was spent elsewhere.
        ledger.cancel(1)
        #expect(used(ledger, tenant, .creationsPerMinute, at: then) == 1)
    }

    @Test func `what is given back was spent all the same, and what is cancelled was not`() throws {
        var (ledger, tenant) = try ledger([.sessions: 1, .creationsPerMinute: 2])
        let asked: Amounts = [.sessions: 1, .creationsPerMinute: 1]
        _ = try ledger.reserve(asked, for: tenant, as: 1, at: noon)
        ledger.cancel(1)
        #expect(used(ledger, tenant, .creationsPerMinute, at: noon) == 0)
        _ = try ledger.reserve(asked, for: tenant, as: 2, at: noon)
        ledger.giveBack(2)
        #expect(used(ledger, tenant, .creationsPerMinute, at: noon) == 1)
        #expect(used(ledger, tenant, .sessions, at: noon) == 0)
        // Cancelled in the next minute, it takes nothing from what was spent there.
        _ = try ledger.reserve(asked, for: tenant, as: 3, at: noon)
        ledger.giveBack(3)
        _ = try ledger.reserve(asked, for: tenant, as: 4, at: noon + 60)
        ledger.cancel(3)
        #expect(used(ledger, tenant, .creationsPerMinute, at: noon + 60) == 1)
    }

    @Test func `a limit set below what is in use takes nothing away and lets nothing more begin`() throws {
        var (ledger, tenant) = try ledger([.sessions: 3])
        for session in 0..<3 { _ = try ledger.reserve([.sessions: 1], for: tenant, as: session, at: noon) }
        ledger.setLimits([.sessions: 1], of: tenant)
        #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.sessions: 1], for: tenant, as: 3, at: noon)
        }
        for session in 0..<3 { ledger.giveBack(session) }
        _ = try ledger.reserve([.sessions: 1], for: tenant, as: 4, at: noon)
    }

    @Test func `news come once at 80 and at 95 percent, and again after it went down`() throws {
        var (ledger, tenant) = try ledger([.sessions: 20])
        func percents(_ range: Range<Int>) throws -> [Int] {
            try range.flatMap { session in
                try ledger.reserve([.sessions: 1], for: tenant, as: session, at: noon).map(\.percent)
            }
        }
        #expect(try percents(0..<15) == [])
        #expect(try percents(15..<20) == [80, 95])
        for session in 10..<20 { ledger.giveBack(session) }
        #expect(try percents(20..<26) == [80])
    }

    @Test func `news of what is refused after all are none, and come when it is so`() throws {
        var (ledger, tenant) = try ledger([.sessions: 5, .execsPerDay: 5])
        for session in 0..<3 {
            let early = try ledger.reserve(
                [.sessions: 1, .execsPerDay: 1], for: tenant, as: session, at: noon)
            #expect(early.isEmpty)
        }
        let news = try ledger.reserve([.sessions: 1, .execsPerDay: 1], for: tenant, as: 3, at: noon)
        #expect(news.map(\.percent) == [80, 80])
        for piece in news { #expect(ledger.holds(piece, of: tenant, at: noon)) }
        ledger.cancel(3)
        for piece in news { #expect(!ledger.holds(piece, of: tenant, at: noon)) }
        let again = try ledger.reserve([.sessions: 1, .execsPerDay: 1], for: tenant, as: 4, at: noon)
        #expect(again == news)
    }

    @Test func `what ran before a restart counts, whatever the limits say by then`() throws {
        var (ledger, tenant) = try ledger([.sessions: 1])
        ledger.restore([.sessions: 1], for: tenant, as: 1, at: noon)
        ledger.restore([.sessions: 1], for: tenant, as: 2, at: noon)
        #expect(used(ledger, tenant, .sessions, at: noon) == 2)
        #expect(throws: QuotaRefusal.self) {
            _ = try ledger.reserve([.sessions: 1], for: tenant, as: 3, at: noon)
        }
        let isIdle = ledger.forget(tenant)
        #expect(!isIdle)
        ledger.giveBack(1)
        ledger.giveBack(2)
        let isForgotten = ledger.forget(tenant)
        #expect(isForgotten)
    }

    @Test func `a holder can have more or less of something`() throws {
        var (ledger, tenant) = try ledger([.disk: 100])
        _ = try ledger.reserve([.disk: 60], for: tenant, as: 1, at: noon)
        #expect(throws: QuotaRefusal.self) { _ = try ledger.change(.disk, of: 1, to: 101, at: noon) }
        #expect(ledger.has(1)[.disk] == 60)
        let news = try ledger.change(.disk, of: 1, to: 100, at: noon)
        #expect(news.map(\.percent) == [95])
        _ = try ledger.change(.disk, of: 1, to: 10, at: noon)
        _ = try ledger.reserve([.disk: 90], for: tenant, as: 2, at: noon)
        ledger.giveBack(1)
        #expect(used(ledger, tenant, .disk, at: noon) == 90)
    }

    @Test(arguments: ["execs", "memroy", ""])
    func `a name of no quota is refused`(text: String) {
        #expect(throws: ValueError.self) { try Quota(named: text) }
    }

    @Test func `what was spent goes on where another ledger left it, in the same window`() throws {
        var (ledger, tenant) = try ledger([.execsPerDay: 3, .creationsPerMinute: 5])
        _ = try ledger.reserve([.execsPerDay: 2, .creationsPerMinute: 1], for: tenant, as: 1, at: noon)
        let kept = ledger.spending(of: tenant, at: noon)
        #expect(kept.map(\.quota) == [.execsPerDay, .creationsPerMinute])
        // In the next minute, of the same day.
        var (later, _) = try self.ledger([.execsPerDay: 3, .creationsPerMinute: 5])
        for spending in kept { later.restore(spending, of: tenant) }
        #expect(used(later, tenant, .execsPerDay, at: noon + 60) == 2)
        #expect(used(later, tenant, .creationsPerMinute, at: noon + 60) == 0)
        _ = try later.reserve([.execsPerDay: 1], for: tenant, as: 2, at: noon + 60)
        #expect(throws: QuotaRefusal.self) {
            _ = try later.reserve([.execsPerDay: 1], for: tenant, as: 3, at: noon + 60)
        }
        #expect(later.spending(of: tenant, at: midnight + 86_400) == [])
    }
}
