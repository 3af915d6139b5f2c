/// The little of Markdown that the document is made of.
enum Markdown {
    /// A table; every row has as many cells as there are heads.
    static func table(_ heads: [String], _ rows: [[String]]) -> String {
        ([heads, heads.map { _ in "---" }] + rows.map { $0.map(cell) })
            .map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }

    /// What programs print, as code; a word of it that is long is cut.
    static func code(_ text: String, atMost most: Int = 60) -> String {
        let cut = text.count > most ? text.prefix(most - 1) + "…" : text[...]
        return "`\(cut.replacing("`", with: "'"))`"
    }

    private static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("\n", with: " ")
    }
}

/// Names of the areas of the security reference.
enum Area {
    static func title(_ letter: String) -> String {
        let titles = [
            "A": "system calls", "B": "namespaces, mounts, procfs, identity", "C": "files",
            "D": "resources", "E": "lifetime and kill", "F": "relay", "J": "environment, names, logs",
        ]
        return titles[letter].map { "\(letter): \($0)" } ?? letter
    }
}
