// Shows what Corral's sandboxes stop. `prove vm` prints one line for each attack, for a machine that has
// no Swift Testing; the others print what docs/security-evidence.md consists of, which `evidence` writes.

import Attacks
import Glibc
import TestSupport

@main
enum Prove {
    private static let usage = """
        usage: prove vm [PROFILE...]      a line for each attack, in each profile or in these
               prove ablation [NAME...]   what leaving out a layer or mechanism changes
               prove peers                the same attacks in bubblewrap and runc
               prove evidence FILE        all of it, as a document
        """

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            switch words.first {
            case "vm": exit(try Lines.print(Array(words.dropFirst())) ? 0 : 1)
            case "ablation": exit(try ablation(Array(words.dropFirst())) ? 0 : 1)
            case "peers" where words.count == 1:
                try peers()
                exit(0)
            case "evidence" where words.count == 2: exit(try Evidence.write(to: words[1]) ? 0 : 1)
            default:
                print(usage)
                exit(2)
            }
        } catch {
            print("FAILED: prove: \(error)")
            exit(1)
        }
    }

    /// In a function of its own, so that the stage is gone before the process.
    private static func peers() throws {
        let stage = try Stage()
        print(PeerSection(try Peers.all(on: stage), Attack.all).text)
    }

    /// - Parameter names: of what is left out; everything when there are none.
    private static func ablation(_ names: [String]) throws -> Bool {
        let unknown = names.filter { name in !Protection.allCases.contains { $0.description == name } }
        guard unknown.isEmpty else {
            throw AttackError("no layer or mechanism is named \(unknown.joined(separator: ", "))")
        }
        let chosen = Protection.allCases.filter { names.isEmpty || names.contains($0.description) }
        let stage = try Stage()
        let matrix = try AblationRun(Attack.all, effort: .thorough, on: stage).matrix(of: chosen) { row in
            say(AblationSection.line(row))
        }
        return matrix.withoutEvidence.isEmpty
    }
}

/// One line, at once: whoever reads a pipe wants to see what is going on.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
