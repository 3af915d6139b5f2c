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

extension Attack.Control {
    /// What is right there; nil where there is none.
    package var expectation: Expectation? {
        switch self {
        case .bare(let expected), .without(_, let expected): expected
        case .none: nil
        }
    }
}

extension AttackRun {
    /// The attacks of `attacks` whose answers are not those expected in the profile.
    package func mismatches(_ attacks: [Attack], profile: String?) -> [Mismatch] {
        attacks.compactMap { attack in
            let expected = attack.expected
            guard let found = answers[attack.name], !expected.allows(found, in: profile) else { return nil }
            return Mismatch(attack: attack, found: found, expected: expected.answers(in: profile))
        }
    }

    /// Makes each attack where nothing stops it and returns those that come to nothing there either.
    /// Attacks with ``Attack/Control/none(_:)`` are left out.
    package static func controls(_ attacks: [Attack], on stage: Stage) throws -> [Mismatch] {
        let answers = try controlAnswers(attacks, on: stage)
        return attacks.compactMap { attack in
            guard let expected = attack.control.expectation, let found = answers[attack.name] else {
                return nil
            }
            if expected.allows(found, in: nil) { return nil }
            return Mismatch(attack: attack, found: found, expected: expected.answers(in: nil))
        }
    }

    /// What each attack answers where nothing stops it, by its name.
    package static func controlAnswers(_ attacks: [Attack], on stage: Stage) throws -> [String: Answer] {
        var places: [Cage: [Attack]] = [:]
        for attack in attacks {
            switch attack.control {
            case .bare: places[.bare, default: []].append(attack)
            case .without(let left, _):
                places[.corral(profile: "default", without: left), default: []].append(attack)
            case .none: break
            }
        }
        var found: [String: Answer] = [:]
        for (cage, group) in places {
            found.merge(try AttackRun(group, in: cage, on: stage).answers) { $1 }
        }
        return found
    }
}
