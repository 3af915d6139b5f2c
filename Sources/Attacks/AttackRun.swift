// Makes attacks in one place and tells what each came to.

import Sandbox
package import TestSupport
package import Wire

/// Attacks made in one cage.
package struct AttackRun {
    /// The answer of each attack, by its name.
    package private(set) var answers: [String: Answer] = [:]
    /// What `corral run` says of each layer, from the sandbox that most attempts share.
    package private(set) var layers: [String: String] = [:]

    /// For how long attempts that share a sandbox may take.
    private static let patience = 300.0

    /// Makes `attacks` in `cage`, those that may share a sandbox first.
    /// - Throws: when the sandbox itself cannot be started, or ends without an answer to each attempt.
    package init(_ attacks: [Attack], in cage: Cage, on stage: Stage) throws {
        try makeShared(attacks, cage, stage)
        for attack in attacks {
            switch attack.method {
            case .attempt: break
            case .alone(let options):
                answers[attack.name] = try AttackRun.alone(attack.name, options, cage, stage)
            case .scene(let make): answers[attack.name] = try make(cage, stage)
            }
        }
    }

    private mutating func makeShared(_ attacks: [Attack], _ cage: Cage, _ stage: Stage) throws {
        var names = attacks.filter { if case .attempt = $0.method { true } else { false } }.map(\.name)
        while !names.isEmpty {
            let program = cage.program(attacker: names, on: stage)
            let ended = try CageEnd(program.start().wait(timeout: Self.patience))
            answers.merge(ended.answers) { $1 }
            if layers.isEmpty { layers = ended.layers }
            let silent = names.filter { answers[$0] == nil }
            // A profile may allow less time than all of them take on a slow machine: the rest has its own.
            let ranOut = ended.cause == "timeout" && !silent.isEmpty && silent.count < names.count
            // A sandbox that ends early has an attack's success behind it, or a fault of its own.
            let isWhole =
                silent.isEmpty && ended.status == 0 && (cage.profile == nil || ended.cause == "exited")
            guard ranOut || isWhole else { throw AttackError("\(cage): no answer of \(silent): \(ended)") }
            names = silent
        }
    }

    private static func alone(
        _ name: String, _ options: [String], _ cage: Cage, _ stage: Stage
    ) throws -> Answer {
        let program = cage.program(attacker: ["--here", name], options: options, on: stage)
        let ended = try CageEnd(program.start().wait(timeout: cage.patience))
        if let answer = ended.answers[name] { return answer }
        // Only Corral ends what does not end by itself.
        if ended.outcome.timedOut, cage.profile == nil { return "no end" }
        guard let status = ended.status else { throw AttackError("\(name) in \(cage): \(ended)") }
        return Answer("\(ended.cause ?? "ended") \(status)")
    }
}

/// How a program in a cage ended.
package struct CageEnd: CustomStringConvertible {
    package let outcome: Program.Outcome
    /// The report of `corral run --json`; nil elsewhere, and where there was no launch.
    package let report: JSONTree?
    /// The attacker program's lines.
    package private(set) var answers: [String: Answer] = [:]

    package init(_ outcome: Program.Outcome) {
        self.outcome = outcome
        let last = outcome.errors.split(separator: "\n").last
        report = last.flatMap { try? JSONTree(parsing: Array($0.utf8)) }
        for line in outcome.output.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            if parts.count == 2 { answers[parts[0]] = Answer(parts[1]) }
        }
    }

    package var status: CInt? { outcome.status }
    package var cause: String? { report?.member("cause")?.text }

    /// What the report says of each layer.
    package var layers: [String: String] {
        guard case .object(let members) = report?.member("layers")?.value else { return [:] }
        return Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.text ?? "") })
    }

    package var description: String {
        "status \(status ?? -1), signal \(outcome.signal ?? 0), cause \(cause ?? "none"), "
            + "timed out \(outcome.timedOut), out <\(outcome.output.suffix(2000))>, "
            + "errors <\(outcome.errors.suffix(2000))>"
    }
}

extension JSONTree {
    package func member(_ key: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.value
    }

    package var text: String? { if case .string(let text) = value { text } else { nil } }
}
