import Attacks
import Sandbox

/// The ablation matrix: protections by the attacks that come to something else without them.
struct AblationSection {
    let matrix: AblationMatrix

    /// One row as a line for a terminal.
    static func line(_ row: AblationMatrix.Row) -> String {
        let names = row.changes.prefix(4).map { "\($0.attack.name) (\($0.with) -> \($0.without))" }
        if row.isWithoutEvidence { return "FAILED: \(row.protection): no attack changes without it" }
        if let why = row.unprovable { return "skipped: \(row.protection): \(why)" }
        let more = row.changes.count > names.count ? " and \(row.changes.count - names.count) more" : ""
        return "passed: \(row.protection): \(row.changes.count) in \(row.profile)\(also(row)): "
            + names.joined(separator: ", ") + more
    }

    private static func also(_ row: AblationMatrix.Row) -> String {
        row.companions.isEmpty ? "" : " (\(row.companions.names.joined(separator: ", ")) out in both)"
    }

    var text: String {
        let rows = matrix.rows.map { row in
            [row.protection.description, count(row), names(row)]
        }
        let shown = matrix.rows.count { !$0.changes.isEmpty }
        return """
            \(shown) of \(matrix.rows.count) are shown by at least one attack; without evidence: \
            \(without).

            \(Markdown.table(["left out", "attacks that change", "which"], rows))
            """
    }

    private var without: String {
        let names = matrix.rows.filter { $0.changes.isEmpty }.map { row in
            row.unprovable.map { "\(row.protection) (\($0))" } ?? "**\(row.protection)**"
        }
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }

    private func count(_ row: AblationMatrix.Row) -> String {
        var words = String(row.changes.count)
        if row.profile != "default" { words += " in \(row.profile)" }
        return words + Self.also(row)
    }

    /// All of them, those that the table says it stops first.
    private func names(_ row: AblationMatrix.Row) -> String {
        let named = row.changes.filter { $0.attack.isStopped(by: row.protection) }
        let others = row.changes.filter { !$0.attack.isStopped(by: row.protection) }
        let list = (named + others).map {
            "\($0.attack.name) (\(Markdown.code($0.without.text, atMost: 30)))"
        }
        let most = 12
        let cut = list.prefix(most).joined(separator: ", ")
        return list.count > most ? "\(cut) and \(list.count - most) more" : cut
    }
}
