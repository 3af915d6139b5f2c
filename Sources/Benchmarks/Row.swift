import Figures

/// The distribution of one program's times, in milliseconds.
struct Row {
    let name: String
    let times: Distribution

    /// Nil for no times.
    init?(name: String, times: [UInt64]) {
        guard let times = Distribution(times) else { return nil }
        self.name = name
        self.times = times
    }

    var figures: [Measurement.Figure] { times.figures(per: 1e6) }

    func measurement(under group: String) -> Measurement {
        Measurement(name: "\(group)/\(name)", unit: "ms", samples: times.count, values: figures)
    }
}

/// Three decimals, without Foundation's formats.
func text(_ value: Double) -> String {
    let thousandths = Int((value.magnitude * 1_000).rounded())
    let fraction = String(thousandths % 1_000)
    let zeros = String(repeating: "0", count: 3 - fraction.count)
    return "\(value < 0 ? "-" : "")\(thousandths / 1_000).\(zeros)\(fraction)"
}

func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// The rows for people: milliseconds, and the ratio of each figure to the reference's.
func table(_ rows: [Row], _ options: Options) -> String {
    let headings = rows.first?.figures.map(\.name) ?? []
    let width = (rows.map(\.name.count).max() ?? 0) + 2
    let reference = rows.first { $0.name == options.reference }
    var lines = [left("ms", width) + headings.map { right($0, 9) }.joined()]
    if let reference { lines[0] += "   " + headings.map { right("\($0)/\(reference.name)", 11) }.joined() }
    for row in rows {
        var line = left(row.name, width) + row.figures.map { right(text($0.value), 9) }.joined()
        if let reference {
            let ratios = zip(row.figures, reference.figures).map {
                right(text($0.value / $1.value), 11)
            }
            line += "   " + ratios.joined()
        }
        lines.append(line)
    }
    return lines.joined(separator: "\n") + "\n"
}
