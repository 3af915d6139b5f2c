import Quotas
import Service
import TestSupport
import Testing
import WardenProtocol

/// docs/operators.md has every code and every reason that a refusal can have, and no other.
@Suite struct ErrorTableTests {
    private func rows(_ table: String) throws -> [[String]] {
        let text = try #require(File.text(Repository.path("docs/operators.md")))
        let part = try #require(
            text.split(separator: "<!-- \(table) -->\n").last?.split(separator: "<!-- end of").first)
        return part.split(separator: "\n").dropFirst(2).map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map {
                $0.split(separator: " ").joined(separator: " ")
            }
        }
    }

    /// Words between quotation marks behind `before`, in the sources of some modules.
    private func words(behind before: String, in modules: [String]) throws -> Set<String> {
        var found: Set<String> = []
        for module in modules {
            let names = try Program.run(["find", Repository.path("Sources/\(module)"), "-name", "*.swift"])
            for name in names.output.split(separator: "\n") {
                let text = try #require(File.text(String(name)))
                for part in text.split(separator: before).dropFirst() {
                    let word = String(part.prefix { $0 != "\"" })
                    if !word.isEmpty, word.utf8.allSatisfy({ $0 == 0x2D || (0x61...0x7A).contains($0) }) {
                        found.insert(word)
                    }
                }
            }
        }
        return found
    }

    @Test func `every code is there with its status, what it means and what to do`() throws {
        let rows = try rows("codes")
        var documented: [String] = []
        for row in rows {
            try #require(row.count == 4 && !row.contains(""), "\(row)")
            documented.append("\(row[0]) \(row[1])")
        }
        let expected: [String] = ServiceError.Code.allCases.map { "`\($0.rawValue)` \($0.status)" }
        #expect(documented.sorted() == expected.sorted())
    }

    @Test func `every reason is there, wherever the code has it from`() throws {
        var reasons = try words(behind: "reason: \"", in: ["Daemon", "Service"])
        #expect(reasons.isSuperset(of: ["plan-locked", "wrong-tokens", "token-in-query"]))
        reasons.insert("token-missing")
        // Of refusals that have a word of their own.
        for family in ["tenant-", "token-", "workspace-", "workspaces-", "snapshot-", "snapshots-", "key-"] {
            reasons.formUnion(
                try words(
                    behind: ": \"\(family)", in: ["Daemon/Tenants", "Daemon/Tokens", "Sessions/Workspaces"]
                )
                .map { family + $0 })
        }
        #expect(reasons.isSuperset(of: ["tenant-in-use", "token-revoked", "snapshot-absent", "key-reused"]))
        for quota in Quota.allCases { reasons.insert("quota-" + quota.rawValue.replacing("_", with: "-")) }
        for code in Refusal.Code.allCases where code.rawValue.hasPrefix("volume-") {
            reasons.insert(code.rawValue)
        }
        var documented: [String] = []
        for row in try rows("reasons") {
            try #require(row.count == 3 && !row[1].isEmpty, "\(row)")
            documented.append(row[0].replacing("`", with: ""))
        }
        #expect(Set(documented) == reasons)
        #expect(documented.count == reasons.count)
    }
}
