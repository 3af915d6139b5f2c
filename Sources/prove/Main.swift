// Shows what Corral's sandboxes stop: `prove vm` prints one line for each attack, for a machine that
// has no Swift Testing.

import Attacks
import Glibc
import TestSupport

@main
enum Prove {
    static func main() {
        do {
            switch CommandLine.arguments.dropFirst().first {
            case "vm": exit(try lines() ? 0 : 1)
            default:
                print("usage: prove vm")
                exit(2)
            }
        } catch {
            print("FAILED: prove: \(error)")
            exit(1)
        }
    }

    /// `passed: ...` or `FAILED: ...` for each attack in each profile that this kernel can enforce, and
    /// for each positive control.
    private static func lines() throws -> Bool {
        var good = true
        func say(_ name: String, _ failure: String?) {
            print(failure.map { "FAILED: \(name)\n  \($0)" } ?? "passed: \(name)")
            good = good && failure == nil
        }
        let stage = try Stage()
        let before = MachineCensus.take()
        // Controls touch the bait; what they touch is their own.
        let failed = try AttackRun.controls(Attack.all, on: Stage())
        for attack in Attack.all {
            if case .none(let why) = attack.control {
                print("skipped: control of \(attack): \(why)")
                continue
            }
            say("control of \(attack)", failed.first { $0.attack.name == attack.name }?.description)
        }
        for profile in Cage.shippedProfiles {
            let run: AttackRun
            do {
                run = try AttackRun(Attack.all, in: .corral(profile: profile), on: stage)
            } catch {
                print("skipped: attacks in \(profile): \(error)")
                continue
            }
            let wrong = run.mismatches(Attack.all, profile: profile)
            for attack in Attack.all {
                say("\(attack) in \(profile)", wrong.first { $0.attack.name == attack.name }?.description)
            }
        }
        let differences = MachineCensus.differences(from: before, within: 30)
        say("the machine is as it was", differences.isEmpty ? nil : differences.joined(separator: ", "))
        let touched = try stage.touched()
        say("no bait was touched", touched.isEmpty ? nil : touched.joined(separator: ", "))
        return good
    }
}
