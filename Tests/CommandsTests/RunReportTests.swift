import Cgroups
import Launch
import Sandbox
import Testing
import Wire

@testable import Commands
@testable import Relay

@Suite struct RunReportTests {
    private static func report(
        _ facts: RunFacts, statistics: GroupStatistics = GroupStatistics(), layers: [Layer: LayerState] = [:],
        relay: RelayTotals? = nil
    ) throws -> [String: JSONTree.Value] {
        var ended = RunLoop.Ended()
        ended.facts = facts
        ended.started = 5_000_000
        ended.exited = 9_000_000
        let text = RunReport(
            id: "0123", outcome: RunOutcome(facts), ended: ended, statistics: statistics, layers: layers,
            relay: relay, began: 2_000_000
        ).text
        #expect(!text.contains("\n"))
        guard case .object(let members) = try JSONTree(parsing: Array(text.utf8)).value else { return [:] }
        return Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.value) })
    }

    private static func member(_ name: String, of value: JSONTree.Value?) -> JSONTree.Value? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == name }?.value.value
    }

    @Test func `an exit has a status and no signal`() throws {
        let report = try Self.report(RunFacts(status: .exited(3)))
        #expect(report["id"] == .string("0123"))
        #expect(report["cause"] == .string("exited"))
        #expect(report["exit"] == .number("3") && report["signal"] == .null && report["code"] == .number("3"))
        #expect(report["limits_hit"] == .array([]))
        #expect(report["relay"] == nil)
    }

    @Test func `a signal has a number and no status`() throws {
        let report = try Self.report(RunFacts(status: .signalled(11)))
        #expect(report["cause"] == .string("signalled"))
        #expect(
            report["exit"] == .null && report["signal"] == .number("11") && report["code"] == .number("139"))
    }

    @Test func `times are in microseconds and memory in bytes`() throws {
        var statistics = GroupStatistics()
        statistics.cpuTime = 1234
        statistics.peakMemory = 4096
        let report = try Self.report(RunFacts(status: .exited(0)), statistics: statistics)
        #expect(Self.member("launch_us", of: report["times"]) == .number("3000"))
        #expect(Self.member("wall_us", of: report["times"]) == .number("4000"))
        #expect(Self.member("cpu_us", of: report["times"]) == .number("1234"))
        #expect(Self.member("peak_bytes", of: report["memory"]) == .number("4096"))
    }

    @Test func `what nobody measured is null`() throws {
        let report = try Self.report(RunFacts(timedOut: true))
        #expect(Self.member("cpu_us", of: report["times"]) == .null)
        #expect(Self.member("peak_bytes", of: report["memory"]) == .null)
    }

    @Test func `every layer is there, in its order`() throws {
        let report = try Self.report(
            RunFacts(status: .exited(0)), layers: [.seccomp: .inForce, .cpu: .off("x"), .uids: .partial("y")])
        guard case .object(let members) = report["layers"] else {
            Issue.record("layers is no object")
            return
        }
        #expect(members.map(\.key) == Layer.allCases.map(\.rawValue))
        #expect(Self.member("seccomp", of: report["layers"]) == .string("in force"))
        #expect(Self.member("cpu", of: report["layers"]) == .string("off(x)"))
        #expect(Self.member("uids", of: report["layers"]) == .string("partial(y)"))
    }

    @Test func `the relay's totals are told with each rule that refused`() throws {
        var totals = RelayTotals()
        totals.fromPlugin = .init(frames: 2, bytes: 30)
        totals.connections = 1
        totals.descriptorsClosed = 4
        totals.refusals.add(.json, "first")
        totals.refusals.add(.json, "second")
        let relay = try Self.report(RunFacts(status: .exited(0)), relay: totals)["relay"]
        #expect(Self.member("frames", of: Self.member("from_plugin", of: relay)) == .number("2"))
        #expect(Self.member("bytes", of: Self.member("from_plugin", of: relay)) == .number("30"))
        #expect(Self.member("frames", of: Self.member("from_upstream", of: relay)) == .number("0"))
        #expect(Self.member("connections", of: relay) == .number("1"))
        #expect(Self.member("descriptors_closed", of: relay) == .number("4"))
        #expect(Self.member("failure", of: relay) == nil)
        guard case .array(let refusals) = Self.member("refusals", of: relay), let first = refusals.first
        else {
            Issue.record("refusals is no list of one")
            return
        }
        #expect(refusals.count == 1)
        #expect(Self.member("rule", of: first.value) == .string("json"))
        #expect(Self.member("count", of: first.value) == .number("2"))
        #expect(Self.member("first", of: first.value) == .string("first"))
    }

    @Test func `what the sandbox was ended for is told beside the refusals`() throws {
        var totals = RelayTotals()
        totals.violation = RelayViolation(rule: .pending, reason: "why")
        let relay = try Self.report(RunFacts(violated: true), relay: totals)["relay"]
        let violation = Self.member("violation", of: relay)
        #expect(Self.member("rule", of: violation) == .string("pending"))
        #expect(Self.member("reason", of: violation) == .string("why"))
        #expect(
            Self.member("violation", of: try Self.report(RunFacts(), relay: RelayTotals())["relay"]) == nil)
    }
}
