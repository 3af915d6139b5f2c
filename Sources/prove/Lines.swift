import Attacks
import TestSupport

/// `passed: ...`, `FAILED: ...` or `skipped: ...` for each attack in each profile, and for each positive
/// control.
enum Lines {
    private final class Tally {
        var good = true

        func say(_ name: String, _ failure: String?) {
            prove.say(failure.map { "FAILED: \(name)\n  \($0)" } ?? "passed: \(name)")
            good = good && failure == nil
        }
    }

    /// - Parameter names: of profiles; all that are shipped when there are none.
    /// - Returns: whether nothing failed.
    static func print(_ names: [String]) throws -> Bool {
        let unknown = names.filter { !Cage.shippedProfiles.contains($0) }
        guard unknown.isEmpty else {
            throw AttackError("no profile is named \(unknown.joined(separator: ", "))")
        }
        let profiles = names.isEmpty ? Cage.shippedProfiles : names
        let tally = Tally()
        let before = MachineCensus.settled()
        // With bait of its own, since what is unprotected may touch it.
        try controls(tally, on: Stage())
        try attacks(profiles, tally, on: Stage())
        let differences = MachineCensus.differences(from: before, within: 30)
        tally.say("the machine is as it was", differences.isEmpty ? nil : differences.joined(separator: ", "))
        return tally.good
    }

    private static func attacks(_ profiles: [String], _ tally: Tally, on stage: Stage) throws {
        let ran = profiles.filter { attacks(in: $0, tally, on: stage) }
        tally.say("this kernel can enforce a profile", ran.isEmpty ? "every one was skipped" : nil)
        let touched = try stage.touched()
        tally.say("no bait was touched", touched.isEmpty ? nil : touched.joined(separator: ", "))
    }

    private static func controls(_ tally: Tally, on stage: Stage) throws {
        let failed = try AttackRun.controls(Attack.all, on: stage)
        for attack in Attack.all {
            if case .none(let why) = attack.control {
                say("skipped: control of \(attack): \(why)")
                continue
            }
            tally.say(
                "control of \(attack)", failed.first { $0.attack.name == attack.name }?.description)
        }
    }

    /// - Returns: false for a profile that this kernel cannot enforce.
    private static func attacks(in profile: String, _ tally: Tally, on stage: Stage) -> Bool {
        if let why = Launchable.refusal(of: profile, on: stage) {
            say("skipped: attacks in \(profile): \(why)")
            return false
        }
        do {
            let run = try AttackRun(Attack.all, in: .corral(profile: profile), on: stage)
            let wrong = run.mismatches(Attack.all, profile: profile)
            for attack in Attack.all {
                tally.say(
                    "\(attack) in \(profile)", wrong.first { $0.attack.name == attack.name }?.description)
            }
        } catch {
            tally.say("attacks in \(profile)", "\(error)")
        }
        return true
    }
}

/// Whether this machine can enforce a profile at all.
enum Launchable {
    /// What `corral run` says where a layer is missing that the profile requires; nil where it starts, or
    /// fails for a reason that is no excuse.
    static func refusal(of profile: String, on stage: Stage) -> String? {
        let program = Cage.corral(profile: profile).program(attacker: ["--list"], on: stage)
        guard let outcome = try? program.start().wait(timeout: 120) else { return nil }
        let ended = CageEnd(outcome)
        guard ended.cause == "launch-failed", let error = ended.report?.member("error")?.text,
            error.contains("requires")
        else { return nil }
        return error.split(separator: "\n").first.map(String.init) ?? error
    }
}
