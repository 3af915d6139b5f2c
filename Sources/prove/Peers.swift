// The same attacks in bubblewrap and runc, and the table of what becomes of them.

import Attacks
import TestSupport

enum Peers {
    /// The areas that are compared: what a sandbox is, and not what Corral says of it.
    static let areas = ["A", "B", "D", "E"]

    static func all(on stage: Stage) throws -> [PeerRun] {
        let attacks = Attack.all.filter { areas.contains($0.area) }
        let bundle = try RuncBundle(stage)
        let bwrap = try PeerRun(attacks, in: .bwrap, version: version(["bwrap", "--version"]), on: stage)
        let runc = try PeerRun(
            attacks, in: .runc(bundle: bundle.path), version: version(["runc", "--version"]), on: stage)
        return [bwrap, runc]
    }

    private static func version(_ words: [String]) throws -> String {
        let outcome = try Program.run(words)
        guard outcome.status == 0, let line = outcome.output.split(separator: "\n").first else {
            throw AttackError("\(words.joined(separator: " ")): \(outcome.errors)")
        }
        return String(line).replacing("version ", with: "")
    }
}

struct PeerSection {
    private let peers: [PeerRun]
    private let attacks: [Attack]
    private let own: AttackRun?

    /// - Parameter own: the same attacks in Corral's default profile.
    init(_ peers: [PeerRun], _ attacks: [Attack], own: AttackRun? = nil) {
        self.peers = peers
        self.attacks = attacks.filter { Peers.areas.contains($0.area) }
        self.own = own
    }

    var text: String { "\(counts)\n\n\(succeeded)" }

    private var counts: String {
        let heads = ["area", "attacks"] + (own == nil ? [] : ["corral, default"]) + peers.map(\.version)
        let rows = Peers.areas.map { area in
            let made = attacks.filter { $0.area == area && $0.canBeMadeAnywhere }
            let ours = own.map { run in
                let wrong = run.mismatches(made, profile: "default").count
                return ["\(made.count - wrong) / \(wrong) / 0"]
            }
            return [Area.title(area), String(made.count)] + (ours ?? [])
                + peers.map { peer in
                    [PeerRun.End.refused, .otherwise, .succeeded]
                        .map { String(peer.count($0, area: area, of: made)) }.joined(separator: " / ")
                }
        }
        return "Refused as by Corral / something else / as where nothing stops it:\n\n"
            + Markdown.table(heads, rows)
    }

    /// By name, so that everybody can judge what it means to them.
    private var succeeded: String {
        peers.map { peer in
            let names = attacks.filter { peer.ends[$0.name] == .succeeded }.map(\.name)
            let list = names.isEmpty ? "none" : names.joined(separator: ", ")
            return "As where nothing stops it, in \(peer.version): \(list)."
        }.joined(separator: "\n\n")
    }
}
