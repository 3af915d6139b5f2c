// The test of the tests: without any one layer or mechanism at least one attack comes to something else.

import Attacks
import Sandbox
import TestSupport
import Testing

extension AttackTableTests {
    /// Among the tests of the attacks, because those count what is on the machine.
    @Suite struct AblationTests {}
}

extension AttackTableTests.AblationTests {
    @Test(arguments: Protection.allCases)
    func `an attack changes without it`(protection: Protection) throws {
        let stage = try Stage()
        let matrix = try AblationRun(Attack.all, effort: .enough, on: stage).matrix(of: [protection])
        #expect(matrix.withoutEvidence.map(\.protection) == [])
        if let why = matrix.rows.first?.unprovable { Host.skip("\(protection): \(why)") }
    }

    @Test func `with everything in force nothing changes`() throws {
        let stage = try Stage()
        let few = Attack.all.filter { $0.isStopped(by: .mechanism(.masks)) && $0.sharesSandbox }
        let first = try AttackRun(few, in: .corral(profile: "default"), on: stage)
        let second = try AttackRun(few, in: .corral(profile: "default"), on: stage)
        #expect(!few.isEmpty)
        #expect(first.answers == second.answers)
        #expect(first.mismatches(few, profile: "default").isEmpty)
    }

    @Test func `what no attack shows has no evidence`() throws {
        let stage = try Stage()
        let few = Attack.all.filter { $0.name == "read-boot-parameters" }
        let run = AblationRun(few, effort: .enough, on: stage)
        let matrix = try run.matrix(of: [.layer(.rlimits), .mechanism(.masks)], in: ["default"])
        #expect(matrix.withoutEvidence.map(\.protection) == [.layer(.rlimits)])
        #expect(matrix.rows.last?.changes.map(\.attack.name) == ["read-boot-parameters"])
    }

    @Test(arguments: Mechanism.allCases)
    func `a report says which mechanism was left out`(mechanism: Mechanism) throws {
        var corral = Corral()
        corral.variables["CORRAL_TEST_WITHOUT"] = mechanism.rawValue
        let ended = try corral.run(["/usr/bin/true"])
        #expect(ended.layers[mechanism.rawValue] == "off(left out by a test)", "\(ended)")
        #expect(try Corral().run(["/usr/bin/true"]).layers[mechanism.rawValue] == nil)
    }
}
