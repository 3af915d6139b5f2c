import Quotas
import Sandbox
import Sessions
import TestSupport
import Testing

/// A ledger against the simplest model of one: lists of who has what.
struct QuotaModelTests {
    private struct Model {
        struct Entry {
            let holder: Int
            let tenant: Name
            var amounts: Amounts
            let time: UInt64
        }

        var held: [Int: Entry] = [:]
        /// Everything that was ever spent and not taken back.
        var spent: [Entry] = []

        func used(_ quota: Quota, of tenant: Name?, at time: UInt64) -> UInt64 {
            switch quota.nature {
            case .held:
                held.values.filter { tenant == nil || $0.tenant == tenant }
                    .reduce(0) { $0 + $1.amounts[quota] }
            case .spent(let window):
                spent.filter { tenant == nil || $0.tenant == tenant }
                    .filter { window.start(of: $0.time) == window.start(of: time) }
                    .reduce(0) { $0 + $1.amounts[quota] }
            }
        }
    }

    @Test(arguments: 1...12)
    func `a ledger agrees with lists of everything, whatever fails`(seed: UInt64) throws {
        var random = Seeded(seed)
        var ledger = QuotaLedger<Int>()
        var model = Model()
        let names = try ["a", "b", "c"].map { try Name($0) }
        let limits: QuotaLimits = [
            .sessions: 5, .memory: 1000, .disk: 2000, .execsPerDay: 40, .creationsPerMinute: 6,
            .relayBytesPerHour: 500, .cpuTimePerDay: 9000,
        ]
        let all: QuotaLimits = [
            .sessions: 11, .memory: 2200, .disk: 4500, .execsPerDay: 100, .cpuTimePerDay: 26_000,
        ]
        for name in names { ledger.setLimits(limits, of: name) }
        ledger.setNodeLimits(all)
        var time: UInt64 = 1_795_000_000
        var (refused, refusedGrowths, refusedForTime) = (0, 0, 0)
        let roomFor = { (asked: Amounts, tenant: Name, model: Model, time: UInt64) in
            [(Name?.some(tenant), limits), (nil, all)].allSatisfy { owner, limits in
                asked.all.allSatisfy { quota, amount in
                    limits[quota].map { model.used(quota, of: owner, at: time) + amount <= $0 } ?? true
                }
            }
        }
        for step in 0..<900 {
            time += UInt64.random(in: 0...300, using: &random)
            let tenant = try #require(names.randomElement(using: &random))
            switch Int.random(in: 0..<11, using: &random) {
            case 0...3:
                let asked: Amounts = [
                    .sessions: 1, .memory: .random(in: 1...400, using: &random), .creationsPerMinute: 1,
                    .disk: .random(in: 0...900, using: &random),
                ]
                // What is measured afterwards has nothing asked of it, and nothing left at its limit.
                let hasTime = [(Name?.some(tenant), UInt64(9000)), (nil, 26_000)].allSatisfy {
                    model.used(.cpuTimePerDay, of: $0, at: time) < $1
                }
                let expected = roomFor(asked, tenant, model, time) && hasTime
                var taken = true
                do throws(QuotaRefusal) {
                    _ = try ledger.reserve(asked, for: tenant, as: step, at: time)
                } catch {
                    taken = false
                    refused += 1
                    if error.quota == .cpuTimePerDay { refusedForTime += 1 }
                }
                #expect(taken == expected, "step \(step)")
                if taken {
                    model.held[step] = .init(holder: step, tenant: tenant, amounts: asked, time: time)
                    model.spent.append(.init(holder: step, tenant: tenant, amounts: asked, time: time))
                }
            case 4...6:
                guard let holder = model.held.keys.sorted().randomElement(using: &random) else { continue }
                let failed = Bool.random(using: &random)
                if failed {
                    ledger.cancel(holder)
                    model.spent.removeAll { $0.holder == holder }
                } else {
                    ledger.giveBack(holder)
                }
                model.held[holder] = nil
                // Twice is once.
                ledger.giveBack(holder)
                ledger.cancel(holder)
            case 7:
                guard let holder = model.held.keys.sorted().randomElement(using: &random),
                    var entry = model.held[holder]
                else { continue }
                // A volume becomes larger, if there is room, or smaller.
                let quota = [Quota.memory, .disk].randomElement(using: &random) ?? .disk
                let before = entry.amounts[quota]
                let after = UInt64.random(in: 0...900, using: &random)
                let more: Amounts = after > before ? [quota: after - before] : [:]
                let expected = roomFor(more, entry.tenant, model, time)
                var isChanged = true
                do throws(QuotaRefusal) {
                    _ = try ledger.change(quota, of: holder, to: after, at: time)
                } catch {
                    isChanged = false
                    refusedGrowths += 1
                }
                #expect(isChanged == expected, "step \(step)")
                if isChanged { entry.amounts[quota] = after }
                model.held[holder] = entry
            case 8:
                // What is on record counts, whether or not there is room.
                guard let holder = model.held.keys.sorted().randomElement(using: &random),
                    var entry = model.held[holder]
                else { continue }
                let after = UInt64.random(in: 0...900, using: &random)
                ledger.settle(.disk, of: holder, for: entry.tenant, to: after, at: time)
                entry.amounts[.disk] = after
                model.held[holder] = entry
            default:
                let used: Amounts = [
                    .relayBytesPerHour: .random(in: 0...90, using: &random), .execsPerDay: 1,
                    .cpuTimePerDay: .random(in: 0...700, using: &random),
                ]
                _ = ledger.spend(used, of: tenant, at: time)
                model.spent.append(.init(holder: step, tenant: tenant, amounts: used, time: time))
            }
            for name in names {
                for use in ledger.use(of: name, at: time) {
                    #expect(use.used == model.used(use.quota, of: name, at: time), "step \(step) \(use)")
                }
            }
            for use in ledger.nodeUse(at: time) {
                #expect(use.used == model.used(use.quota, of: nil, at: time), "step \(step) node \(use)")
            }
        }
        #expect(refused > 0 && refusedGrowths > 0 && refusedForTime > 0)
    }
}
