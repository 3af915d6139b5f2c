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

    package init(_ columns: [Column]) { self.columns = columns }

    /// - Parameter cells: one for each column; what could disturb a terminal is escaped.
    package mutating func add(_ cells: [String]) {
        let missing = max(0, columns.count - cells.count)
        rows.append(
            cells.prefix(columns.count).map(SafeText.of) + Array(repeating: "", count: missing))
    }

    private static let gap = 3

    /// The heading and a line for each row, without spaces at their ends.
    /// - Parameter width: the terminal's; nil to cut nothing.
    package func lines(width: Int? = nil) -> [String] {
        let widths = fitted(natural, to: width)
        return ([columns.map(\.title)] + rows).map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                let text = DisplayWidth.cut(cell, to: widths[index])
                let padded = DisplayWidth.padded(text, to: widths[index], atEnd: columns[index].isNumber)
                line += (index == 0 ? "" : String(repeating: " ", count: Self.gap)) + padded
            }
            while line.last == " " { line.removeLast() }
            return line
        }
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
