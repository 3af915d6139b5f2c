// docs/security-evidence.md is what `make prove` wrote for the attacks that there are.

import Attacks
import CLinux
import TestSupport
import Testing

@Suite struct EvidenceTests {
    private let lines: [Substring]

    init() throws {
        let text = try #require(File.text(Repository.path("docs/security-evidence.md")))
        lines = text.split(separator: "\n")
    }

    @Test func `the document was written by the command`() {
        #expect(lines.first == "<!-- Written by `make prove`; changes by hand are lost. -->")
    }

    /// The names in the tables of attacks.
    private var named: Set<String> {
        // A row of these tables has seven cells at least: the case, such as B06, then the name.
        let section = lines.drop { $0 != "## Attacks" }.prefix { $0 != "## What is left afterwards" }
        let rows = section.filter { $0.hasPrefix("| ") }.map { line in
            line.split(separator: "|").map { $0.drop { $0 == " " }.prefix { $0 != " " } }
        }
        return Set(
            rows.filter { $0.count >= 7 && $0[0] != "case" && $0[0] != "---" }.map { String($0[1]) })
    }

    @Test func `no attack is missing`() {
        #expect(Set(Attack.all.map(\.name)).subtracting(named) == [], "make prove writes it anew")
    }

    @Test(.enabled(if: clinux_landlock_abi() >= 6, "without scopes of landlock there are fewer attacks"))
    func `no attack is there that does not exist`() {
        #expect(named.subtracting(Attack.all.map(\.name)) == [], "make prove writes it anew")
    }

    @Test func `every layer and mechanism has a row`() {
        for protection in Protection.allCases {
            #expect(lines.contains { $0.hasPrefix("| \(protection) | ") }, "\(protection)")
        }
    }
}
