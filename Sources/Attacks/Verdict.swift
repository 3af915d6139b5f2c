// Attacks judged: what came to something else than it must.

import Sandbox

/// An attack that answered otherwise than expected.
package struct Mismatch: Sendable, CustomStringConvertible {
    package let attack: Attack
    package let found: Answer
    package let expected: Set<String>

    package var description: String {
        "\(attack.group) \(attack.name): \(found), expected \(expected.sorted().joined(separator: " or "))"
    }
}

extension AttackRun {
    /// The attacks of `attacks` whose answers are not those expected in the profile.
    package func mismatches(_ attacks: [Attack], profile: String?) -> [Mismatch] {
        mismatches(attacks, profile: profile) { $0.expected }
    }

    private func mismatches(
        _ attacks: [Attack], profile: String?, _ expectation: (Attack) -> Expectation
    ) -> [Mismatch] {
        attacks.compactMap { attack in
            let expected = expectation(attack)
            guard let found = answers[attack.name], !expected.allows(found, in: profile) else { return nil }
            return Mismatch(attack: attack, found: found, expected: expected.answers(in: profile))
        }
    }

    /// Makes each attack where nothing stops it and returns those that come to nothing there either.
    /// Attacks with ``Attack/Control/none(_:)`` are left out.
    package static func controls(_ attacks: [Attack], on stage: Stage) throws -> [Mismatch] {
        var places: [Cage: [Attack]] = [:]
        var wanted: [String: Expectation] = [:]
        for attack in attacks {
            switch attack.control {
            case .bare(let expectation):
                places[.bare, default: []].append(attack)
                wanted[attack.name] = expectation
            case .without(let layers, let expectation):
                places[.corral(profile: "default", without: layers), default: []].append(attack)
                wanted[attack.name] = expectation
            case .none: break
            }
        }
        var found: [Mismatch] = []
        for (cage, group) in places {
            found += try AttackRun(group, in: cage, on: stage).mismatches(group, profile: nil) {
                wanted[$0.name] ?? $0.expected
            }
        }
        return found
    }
}
