/// What a cell means at a glance.
package enum Tint: String, CaseIterable, Sendable {
    case good = "32"
    case doubtful = "33"
    case bad = "31"
    /// Over, or not of interest.
    case faint = "2"

    /// The text between the sequences that switch it on and off (ECMA-48, SGR).
    func around(_ text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
}

/// Rows under headings, each column as wide as its widest cell on a terminal.
package struct TextTable: Sendable {
    package struct Column: Hashable, Sendable {
        package let title: String
        /// Numbers stand at the right.
        package let isNumber: Bool
        /// May be cut down to this many columns where the terminal is narrow; nil for one that stays whole.
        package let least: Int?

        package init(_ title: String, isNumber: Bool = false, least: Int? = nil) {
            self.title = title
            self.isNumber = isNumber
            self.least = least
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []
    /// For each row, what its cells are shown in.
    private var tints: [[Tint?]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// - Parameters:
    ///   - cells: one for each column; what could disturb a terminal is escaped.
    ///   - tints: for terminals that have colours; nil cells stay as they are.
    package mutating func add(_ cells: [String], tints: [Tint?] = []) {
        let missing = max(0, columns.count - cells.count)
        rows.append(
            cells.prefix(columns.count).map(SafeText.of) + Array(repeating: "", count: missing))
        self.tints.append(tints)
    }

    private static let gap = 3

    /// The heading and a line for each row, without spaces at their ends.
    /// - Parameter width: the terminal's; nil to cut nothing.
    package func lines(width: Int? = nil) -> [String] {
        let widths = fitted(natural, to: width)
        let heading = line(columns.map(\.title), [], widths)
        return [heading] + zip(rows, tints).map { line($0, $1, widths) }
    }

    private func line(_ row: [String], _ tints: [Tint?], _ widths: [Int]) -> String {
        var line = ""
        // Spaces that something follows; those at the end are left out.
        var spaces = 0
        for (index, cell) in row.enumerated() {
            let text = DisplayWidth.cut(cell, to: widths[index])
            let room = widths[index] - DisplayWidth.of(text)
            if columns[index].isNumber { spaces += room }
            if !text.isEmpty {
                let tint = tints.indices.contains(index) ? tints[index] : nil
                line += String(repeating: " ", count: spaces) + (tint?.around(text) ?? text)
                spaces = 0
            }
            spaces += (columns[index].isNumber ? 0 : room) + Self.gap
        }
        return line
    }

    /// What each column would like.
    private var natural: [Int] {
        columns.indices.map { index in
            rows.reduce(DisplayWidth.of(columns[index].title)) { max($0, DisplayWidth.of($1[index])) }
        }
    }

    /// Takes from the widest column that may be cut, until the line fits or nothing more can be taken.
    private func fitted(_ natural: [Int], to width: Int?) -> [Int] {
        guard let width else { return natural }
        var widths = natural
        var excess = widths.reduce(0, +) + Self.gap * max(0, columns.count - 1) - width
        while excess > 0 {
            let candidates = columns.indices.filter { index in
                columns[index].least.map { widths[index] > max($0, 1) } ?? false
            }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}
