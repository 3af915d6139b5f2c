import Glibc
import Linux

/// The distribution of one program's times, in milliseconds.
struct Row {
    let name: String
    let min, p50, p90, p99: Double

    /// - Parameter times: nanoseconds, at least one.
    init(name: String, times: [UInt64]) {
        let sorted = times.sorted()
        // Nearest rank: the smallest time that at least that share of all times does not exceed.
        func rank(_ percent: Int) -> Double {
            let index = (sorted.count * percent + 99) / 100 - 1
            return Double(sorted[Swift.max(0, index)]) / 1e6
        }
        self.name = name
        (min, p50, p90, p99) = (rank(0), rank(50), rank(90), rank(99))
    }

    var columns: [Double] { [min, p50, p90, p99] }
}

private let headings = ["min", "p50", "p90", "p99"]

/// Three decimals, without Foundation's formats.
func text(_ value: Double) -> String {
    let thousandths = Int((value * 1_000).rounded())
    let fraction = String(thousandths % 1_000)
    return "\(thousandths / 1_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
}

func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// The rows for people: milliseconds, and the ratio of each figure to the reference's.
func table(_ rows: [Row], _ options: LaunchOptions) -> String {
    let width = (rows.map(\.name.count).max() ?? 0) + 2
    let reference = rows.first { $0.name == options.reference }
    var lines = [left("ms", width) + headings.map { right($0, 9) }.joined()]
    if let reference { lines[0] += "   " + headings.map { right("\($0)/\(reference.name)", 11) }.joined() }
    for row in rows {
        var line = left(row.name, width) + row.columns.map { right(text($0), 9) }.joined()
        if let reference {
            let ratios = zip(row.columns, reference.columns).map { right(text($0 / $1), 11) }
            line += "   " + ratios.joined()
        }
        lines.append(line)
    }
    return lines.joined(separator: "\n") + "\n"
}

/// The same for programs.
func writeJSON(_ rows: [Row], _ options: LaunchOptions, to path: String) throws(SystemError) {
    let reference = rows.first { $0.name == options.reference }
    let objects = rows.map { row in
        var fields = ["\"name\":\"\(row.name)\""]
        fields += zip(headings, row.columns).map { "\"\($0)_ms\":\(text($1))" }
        if let reference {
            fields += zip(headings, zip(row.columns, reference.columns)).map { heading, pair in
                "\"\(heading)_ratio\":\(text(pair.0 / pair.1))"
            }
        }
        return "{\(fields.joined(separator: ","))}"
    }
    let relative = reference.map { "\"\($0.name)\"" } ?? "null"
    let head = "\"rounds\":\(options.rounds),\"relative_to\":\(relative)"
    let file = FileDescriptor(
        owning: try call("open", on: path) {
            unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        })
    try file.writeAll(Array("{\(head),\"rows\":[\n\(objects.joined(separator: ",\n"))\n]}\n".utf8))
}
