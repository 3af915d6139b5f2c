// Every attack, first where it must succeed, then in sandboxes, with a census of the machine before
// and after.

import Attacks
import TestSupport
import Testing

/// Alone on the machine: the census counts everything.
@Suite(.serialized, .enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct AttackTableTests {
    private static let profiles = Effort.isFull ? Cage.shippedProfiles : ["default", "strict"]

    @Test func `each attack succeeds where nothing stops it`() throws {
        let stage = try Stage()
        let failed = try AttackRun.controls(Attack.all, on: stage).map(\.description)
        #expect(failed == [])
    }

    @Test(arguments: profiles)
    func `no attack succeeds, and nothing is left of any`(profile: String) throws {
        let before = MachineCensus.settled()
        try attack(profile)
        #expect(MachineCensus.differences(from: before, within: 90) == [])
    }

    /// With a stage of its own, which is gone afterwards.
    private func attack(_ profile: String) throws {
        let stage = try Stage()
        let run = try AttackRun(Attack.all, in: .corral(profile: profile), on: stage)
        let wrong = run.mismatches(Attack.all, profile: profile).map(\.description)
        #expect(wrong == [], "\(wrong)")
        #expect(Set(run.answers.keys) == Set(Attack.all.map(\.name)))
        #expect(try stage.touched() == [])
    }

    @Test func `names are unique, and every attempt of the program is in the table`() throws {
        let names = Attack.all.map(\.name)
        #expect(Set(names).count == names.count)
        let listed = try Program.run([Product.path("attacker"), "--list"]).output.split(separator: "\n")
        #expect(Set(listed).count == listed.count)
        let made = Attack.all.filter { if case .scene = $0.method { false } else { true } }.map(\.name)
        #expect(Set(made).isSubset(of: listed.map(String.init)))
        #expect(Set(listed.map(String.init)).isSubset(of: names))
    }
}
