// Which attacks come to something else when exactly one protection is left out: the test of the tests.

package import Sandbox
import TestSupport

/// What leaving each protection out does to the answers of the attacks.
package struct AblationMatrix {
    /// An attack that answers otherwise without a protection.
    package struct Change: Sendable {
        package let attack: Attack
        package let with: Answer
        package let without: Answer
    }

    /// One protection.
    package struct Row: Sendable {
        package let protection: Protection
        package internal(set) var changes: [Change] = []
        /// Left out in both runs that were compared.
        package internal(set) var companions: Ablation = []
        package internal(set) var profile: String
        /// Why this machine cannot show it; nil where it can.
        package internal(set) var unprovable: String?

        /// Neither shown nor excused.
        package var isWithoutEvidence: Bool { changes.isEmpty && unprovable == nil }
    }

    package let rows: [Row]

    package var withoutEvidence: [Row] { rows.filter(\.isWithoutEvidence) }
}

/// Makes the attacks with and without one protection after the other.
package final class AblationRun {
    /// How much is done.
    package enum Effort: Sendable {
        /// Until one attack changes, those first that the table says this protection alone stops.
        case enough
        /// Everything that shares one sandbox, and beside it every attack that the table says this protection
        /// stops.
        case thorough
    }

    private let attacks: [Attack]
    private let stage: Stage
    private let effort: Effort
    /// What was answered before, by place and attack.
    private var known: [Cage: [String: Answer]] = [:]
    /// What `corral run` says of the layers with everything in force, by profile.
    private var layers: [String: [String: String]] = [:]

    package init(_ attacks: [Attack], effort: Effort, on stage: Stage) {
        self.attacks = attacks
        self.effort = effort
        self.stage = stage
    }

    /// - Parameter profiles: the second and further ones only where no attack changes in those before.
    package func matrix(
        of protections: [Protection] = Protection.allCases, in profiles: [String] = ["default", "strict"],
        said: (AblationMatrix.Row) -> Void = { _ in }
    ) throws -> AblationMatrix {
        var rows: [AblationMatrix.Row] = []
        for protection in protections {
            var row = try self.row(protection, in: profiles[0])
            for profile in profiles.dropFirst() where row.isWithoutEvidence {
                guard let other = try? self.row(protection, in: profile), !other.isWithoutEvidence else {
                    continue
                }
                row = other
            }
            said(row)
            rows.append(row)
        }
        return AblationMatrix(rows: rows)
    }

    private func row(_ protection: Protection, in profile: String) throws -> AblationMatrix.Row {
        var row = AblationMatrix.Row(protection: protection, profile: profile)
        let companions: [Ablation] = protection.companions.isEmpty ? [[]] : [[], protection.companions]
        for left in companions {
            row.companions = left
            row.changes = try changes(protection, profile, left)
            if !row.changes.isEmpty { return row }
        }
        row.unprovable = unprovable(protection, profile)
        return row
    }

    private func changes(
        _ protection: Protection, _ profile: String, _ companions: Ablation
    ) throws -> [AblationMatrix.Change] {
        func compare(_ attacks: [Attack]) throws -> [AblationMatrix.Change] {
            try changes(attacks, protection, profile, companions)
        }
        let shared = attacks.filter(\.sharesSandbox)
        let others = attacks.filter { !$0.sharesSandbox && $0.isStopped(by: protection) }
        if effort == .thorough { return try compare(shared + others) }
        let named = shared.filter { $0.isStopped(by: protection) }.sorted { $0.stoppers < $1.stoppers }
        for few in [Array(named.prefix(6)), Array(named.dropFirst(6))] + others.map({ [$0] }) + [shared] {
            let found = try compare(few)
            if !found.isEmpty { return found }
        }
        return []
    }

    private func changes(
        _ attacks: [Attack], _ protection: Protection, _ profile: String, _ companions: Ablation
    ) throws -> [AblationMatrix.Change] {
        if attacks.isEmpty { return [] }
        let before = answers(attacks, in: .corral(profile: profile, without: companions))
        let after = answers(
            attacks, in: .corral(profile: profile, without: companions.union(protection.ablation)))
        return attacks.compactMap { attack in
            guard let with = before[attack.name], let without = after[attack.name], with != without,
                !attack.expected.allows(without, in: profile)
            else { return nil }
            // What was wrong to begin with shows nothing.
            guard !companions.isEmpty || attack.expected.allows(with, in: profile) else { return nil }
            return AblationMatrix.Change(attack: attack, with: with, without: without)
        }
    }

    /// Nothing where no sandbox starts at all: without one layer the kernel may refuse another.
    private func answers(_ attacks: [Attack], in cage: Cage) -> [String: Answer] {
        let missing = attacks.filter { known[cage]?[$0.name] == nil }
        if !missing.isEmpty {
            let run = AttackRun.lenient(missing, in: cage, on: stage)
            if case .corral(let profile, let without) = cage, without.isEmpty, !run.layers.isEmpty {
                layers[profile] = run.layers
            }
            known[cage, default: [:]].merge(run.answers) { $1 }
        }
        return known[cage] ?? [:]
    }

    /// Why this machine cannot show what a protection does.
    private func unprovable(_ protection: Protection, _ profile: String) -> String? {
        if let said = layers[profile]?[protection.description], said != "in force" {
            return "on this machine it is \(said)"
        }
        return protection == .layer(.swap) ? AblationRun.noSwap() : nil
    }

    private static func noSwap() -> String? {
        let lines = (File.text("/proc/swaps") ?? "").split(separator: "\n").count
        return lines > 1
            ? nil : "this machine has no swap space, so nothing can be swapped; LayerTests reads the limit"
    }
}

extension Attack {
    /// How many protections the table says stop it.
    fileprivate var stoppers: Int { stoppedBy.count + mechanisms.count }

    /// Whether it is made in one sandbox with others.
    package var sharesSandbox: Bool { if case .attempt = method { true } else { false } }
}

extension AttackRun {
    /// As ``init(_:in:on:)``, for places where attacks may end the sandbox that they share: each then gets
    /// one of its own, and one that still ends it without a word has no answer.
    package static func lenient(
        _ attacks: [Attack], in cage: Cage, on stage: Stage
    ) -> (answers: [String: Answer], layers: [String: String]) {
        if let run = try? AttackRun(attacks, in: cage, on: stage) { return (run.answers, run.layers) }
        var answers: [String: Answer] = [:]
        var layers: [String: String] = [:]
        for attack in attacks {
            guard let run = try? AttackRun([attack], in: cage, on: stage) else { continue }
            answers.merge(run.answers) { $1 }
            if layers.isEmpty { layers = run.layers }
        }
        return (answers, layers)
    }
}
