// What longer runs measured and left in .build/evidence: shown where it is, and not where it is not.

import Attacks
import TestSupport
import Wire

enum Measured {
    private static func read(_ name: String) -> JSONTree? {
        guard let bytes = try? File.read(Repository.path(".build/evidence/\(name)")) else { return nil }
        return try? JSONTree(parsing: bytes)
    }

    /// The confusion matrix of causes: how often a cause that was provoked was reported as which.
    static var causes: String {
        guard let tree = read("causes.json"), let rounds = tree.member("rounds"),
            case .object(let found)? = tree.member("found")?.value
        else { return "Not measured in this run; `make test-all` does." }
        let rows = found.map { [$0.key, words($0.value)] }
        return "Each cause was provoked \(words(rounds)) times; what was reported:\n\n"
            + Markdown.table(["provoked is reported", "times"], rows)
    }

    /// Leaks and times of thousands of sandboxes.
    static var soak: String {
        guard case .object(let members)? = read("soak.json")?.value else {
            return "Not measured in this run; `make soak` does."
        }
        return Markdown.table(["what", "value"], members.map { [$0.key, words($0.value)] })
    }

    private static func words(_ tree: JSONTree) -> String {
        switch tree.value {
        case .string(let text), .number(let text): text
        case .bool(let value): value ? "yes" : "no"
        case .null: "none"
        case .array(let list): list.map(words).joined(separator: ", ")
        case .object(let members): members.map { "\($0.key) \(words($0.value))" }.joined(separator: ", ")
        }
    }
}
