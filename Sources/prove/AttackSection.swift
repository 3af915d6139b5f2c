import Attacks
import Sandbox

/// The attacks in one profile, or why they could not be made there.
struct ProfileResult {
    let profile: String
    /// Nil where this machine cannot enforce the profile.
    let run: AttackRun?
    /// Why it did not run.
    var refusal: String?
}

/// The table of the attacks: what each answers without what stops it, and in every profile.
struct AttackSection {
    private let attacks: [Attack]
    private let controls: [String: Answer]
    private let results: [ProfileResult]

    init(_ attacks: [Attack], controls: [String: Answer], _ results: [ProfileResult]) {
        self.attacks = attacks
        self.controls = controls
        self.results = results
    }

    /// How many answers are not those expected, controls included.
    var wrong: Int {
        results.reduce(0) { $0 + ($1.run?.mismatches(attacks, profile: $1.profile).count ?? 0) }
            + attacks.count { controlIsWrong($0) }
    }

    /// How many profiles there is something to say about.
    var profiles: Int { results.count { $0.run != nil } }

    var text: String {
        var parts = [counts]
        for area in Set(attacks.map(\.area)).sorted() {
            parts.append("### \(Area.title(area))")
            parts.append(
                Markdown.table(
                    ["case", "attack", "what is tried", "unstopped", "found", "elsewhere", "stopped by"],
                    attacks.filter { $0.area == area }.sorted { ($0.group, $0.name) < ($1.group, $1.name) }
                        .map(row)))
        }
        return parts.joined(separator: "\n\n")
    }

    private var counts: String {
        let withControl = attacks.count { $0.control.expectation != nil }
        let rows = results.map { result -> [String] in
            guard let run = result.run else {
                return [result.profile, "not run: \(result.refusal ?? "unknown")", "", ""]
            }
            let wrong = run.mismatches(attacks, profile: result.profile).count
            let made = attacks.count { run.answers[$0.name] != nil }
            return [result.profile, String(made), String(made - wrong), String(wrong)]
        }
        let controlsWrong = attacks.count { controlIsWrong($0) }
        return """
            \(attacks.count) attacks, \(withControl) of them with a positive control: \
            \(withControl - controlsWrong) controls answer as expected, \(controlsWrong) do not.

            \(Markdown.table(["profile", "made", "as expected", "otherwise"], rows))
            """
    }

    private func row(_ attack: Attack) -> [String] {
        let reference = results.first { $0.profile == "default" }?.run?.answers[attack.name]
        return [
            attack.group, attack.name, attack.what, control(attack), found(attack, "default"),
            elsewhere(attack, reference),
            (attack.stoppedBy.map(\.rawValue) + attack.mechanisms.map(\.rawValue)).joined(separator: ", "),
        ]
    }

    private func control(_ attack: Attack) -> String {
        guard let expected = attack.control.expectation else { return "not shown" }
        guard let answer = controls[attack.name] else { return "**no answer**" }
        let shown = Markdown.code(answer.text, atMost: 30)
        return expected.allows(answer, in: nil) ? shown : "**\(shown)**"
    }

    private func controlIsWrong(_ attack: Attack) -> Bool {
        guard let expected = attack.control.expectation else { return false }
        return controls[attack.name].map { !expected.allows($0, in: nil) } ?? true
    }

    /// What is wrong is in bold, with what is right.
    private func found(_ attack: Attack, _ profile: String) -> String {
        guard let run = results.first(where: { $0.profile == profile })?.run else { return "not run" }
        guard let answer = run.answers[attack.name] else { return "**no answer**" }
        let shown = Markdown.code(answer.text, atMost: 40)
        if attack.expected.allows(answer, in: profile) { return shown }
        let right = attack.expected.answers(in: profile).sorted().joined(separator: " or ")
        return "**\(shown), expected \(Markdown.code(right))**"
    }

    /// Profiles whose answer is another one than that of `default`, or wrong.
    private func elsewhere(_ attack: Attack, _ reference: Answer?) -> String {
        results.filter { $0.profile != "default" && $0.run != nil }.compactMap { result in
            let answer = result.run?.answers[attack.name]
            let isRight = answer.map { attack.expected.allows($0, in: result.profile) } ?? false
            if isRight, answer == reference { return nil }
            return "\(result.profile): \(found(attack, result.profile))"
        }.joined(separator: ", ")
    }
}

/// What `corral run --json` says of the layers, by profile.
struct LayerSection {
    let results: [ProfileResult]

    var text: String {
        let runs = results.compactMap { result in result.run.map { (result.profile, $0.layers) } }
        let names = Set(runs.flatMap { $0.1.keys }).sorted()
        let weak = names.filter { name in runs.contains { $0.1[name] != "in force" } }
        let whole = names.filter { !weak.contains($0) }
        let all = "In force in \(runs.map(\.0).joined(separator: ", ")): \(whole.joined(separator: ", "))."
        if weak.isEmpty { return all }
        return all + "\n\n"
            + Markdown.table(
                ["layer"] + runs.map(\.0), weak.map { name in [name] + runs.map { $0.1[name] ?? "not said" } }
            )
    }
}
