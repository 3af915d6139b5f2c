// The same attacks in other sandboxes.

import TestSupport

/// What the attacks come to in a sandbox that is not Corral's.
package struct PeerRun {
    /// What became of one of them.
    package enum End: String, CaseIterable, Sendable {
        /// Answers as in Corral's `default` profile.
        case refused
        /// Answers as it does where nothing stops it.
        case succeeded
        /// Answers something else, or does not end as itself.
        case otherwise
        /// Needs Corral around it.
        case notMade = "not made"
    }

    /// For example `bubblewrap 0.8.0`.
    package let version: String
    package let ends: [String: End]
    package let answers: [String: Answer]

    /// - Throws: when nothing at all can be run there.
    package init(_ attacks: [Attack], in cage: Cage, version: String, on stage: Stage) throws {
        self.version = version
        let first = try CageEnd(cage.program(attacker: ["--list"], on: stage).start().wait(timeout: 60))
        guard first.status == 0 else { throw AttackError("nothing can be run in \(version): \(first)") }
        let made = attacks.filter(\.canBeMadeAnywhere)
        answers = AttackRun.lenient(made, in: cage, on: stage).answers
        let answers = answers
        ends = Dictionary(
            attacks.map { attack in
                guard attack.canBeMadeAnywhere else { return (attack.name, End.notMade) }
                guard let answer = answers[attack.name] else { return (attack.name, End.otherwise) }
                if attack.expected.allows(answer, in: "default") { return (attack.name, End.refused) }
                let succeeds = attack.control.expectation?.allows(answer, in: nil) ?? false
                return (attack.name, succeeds ? End.succeeded : End.otherwise)
            }, uniquingKeysWith: { $1 })
    }

    /// How many of the attacks of an area ended so.
    package func count(_ end: End, area: String, of attacks: [Attack]) -> Int {
        attacks.count { $0.area == area && ends[$0.name] == end }
    }
}

extension Attack {
    /// By the attacker program alone. What reads Corral's own report, or gives it options, cannot be
    /// made elsewhere.
    package var canBeMadeAnywhere: Bool { if case .scene = method { false } else { true } }
}
