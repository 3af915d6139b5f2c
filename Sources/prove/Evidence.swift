// Makes everything and writes docs/security-evidence.md.

import Attacks
import TestSupport

/// The document, from what was found.
struct Evidence {
    let head: String
    let attacks: AttackSection
    let layers: LayerSection
    let ablation: AblationSection
    let peers: PeerSection
    let calls: String
    /// What the sandboxed attacks touched, and what is left of everything.
    private(set) var left: [String]

    /// - Returns: whether all of it is as it must be; the document is written in any case.
    static func write(to path: String) throws -> Bool {
        let before = MachineCensus.settled()
        var evidence = try Evidence()
        evidence.left += MachineCensus.differences(from: before, within: 60)
        try File.write(Array(evidence.text.utf8), to: path)
        for problem in evidence.problems { say("FAILED: \(problem)") }
        say("\(path) is written")
        return evidence.problems.isEmpty
    }

    private init() throws {
        head = try Surroundings.text()
        calls = try CallSection.text()
        let (results, touched) = try Evidence.results()
        left = touched
        // Of its own, because what is unprotected does touch the bait.
        let stage = try Stage()
        say("prove: \(Attack.all.count) positive controls")
        let controls = try AttackRun.controlAnswers(Attack.all, on: stage)
        say("prove: layer ablation")
        let matrix = try AblationRun(Attack.all, effort: .thorough, on: stage).matrix { row in
            say("prove: \(AblationSection.line(row))")
        }
        say("prove: bubblewrap and runc")
        let own = results.first { $0.profile == "default" }?.run
        attacks = AttackSection(Attack.all, controls: controls, results)
        layers = LayerSection(results: results)
        ablation = AblationSection(matrix: matrix)
        peers = PeerSection(try Peers.all(on: stage), Attack.all, own: own)
    }

    /// The attacks in every profile, and the bait that they touched.
    private static func results() throws -> ([ProfileResult], [String]) {
        let stage = try Stage()
        let results = try Cage.shippedProfiles.map { profile -> ProfileResult in
            say("prove: attacks in \(profile)")
            if let why = Launchable.refusal(of: profile, on: stage) {
                return ProfileResult(profile: profile, run: nil, refusal: why)
            }
            return ProfileResult(
                profile: profile, run: try AttackRun(Attack.all, in: .corral(profile: profile), on: stage))
        }
        return (results, try stage.touched())
    }

    /// What is not as it must be.
    private var problems: [String] {
        var found = Array(left.prefix(20))
        if left.count > found.count { found.append("and \(left.count - found.count) more that are left") }
        if attacks.wrong > 0 { found.append("\(attacks.wrong) answers are not those expected") }
        found += ablation.matrix.withoutEvidence.map { "no attack changes without \($0.protection)" }
        if attacks.profiles == 0 { found.append("this kernel can enforce none of the profiles") }
        return found
    }
}

/// Where and of what the document was made.
enum Surroundings {
    static func text() throws -> String {
        let dirty = try said(["git", "status", "--porcelain", "--", "Sources", "profiles", "images"])
        let commit = try said(["git", "log", "-1", "--format=%h"]) + (dirty.isEmpty ? "" : ", with changes")
        return Markdown.table(
            ["what", "which"],
            [
                ["date", try said(["date", "-u", "+%Y-%m-%d"])], ["commit", commit],
                ["kernel", try said(["uname", "-srm"])],
                ["corral", try said([Product.path("corral"), "version"])],
                ["cgroups", cgroups],
            ])
    }

    private static var cgroups: String {
        if File.exists("/sys/fs/cgroup/cgroup.controllers") { return "v2" }
        return File.exists("/sys/fs/cgroup/unified/cgroup.procs") ? "v1 and v2 (hybrid)" : "v1"
    }

    /// The first line that a program prints.
    private static func said(_ words: [String]) throws -> String {
        let outcome = try Program.run(words, directory: Repository.root)
        guard outcome.status == 0 else {
            throw AttackError("\(words.joined(separator: " ")): \(outcome.errors)")
        }
        let line = outcome.output.split(separator: "\n").first ?? ""
        return line.split(separator: " ").joined(separator: " ")
    }
}
