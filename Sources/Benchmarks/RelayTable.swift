import Figures
import Linux

/// One figure of a relay; a ratio is the median of the rounds' ratios.
struct RelayColumn {
    let name: String
    let unit: String
    let value: Double?

    init(_ name: String, _ unit: String, _ value: Double?) {
        self.name = name
        self.unit = unit
        self.value = value
    }
}

/// What the relays showed: one line of text, and one measurement for each unit, a relay.
struct RelayTable {
    private let path: String
    private let rounds: Int
    private let results: Results

    /// - Parameter path: what the measurements are called by, before the relay's name.
    init(title: String, path: String, _ rounds: Int, _ results: Results) {
        self.path = path
        self.rounds = rounds
        self.results = results
        print("\(title): \(path)")
    }

    func add(_ middle: Middle, _ columns: [RelayColumn]) throws(SystemError) {
        let known = columns.compactMap { column in column.value.map { (column, $0) } }
        let cells = known.map { "\($0.name) \(text($1))\($0.unit == "ratio" ? "" : " \($0.unit)")" }
        print("  \(left(middle.rawValue, 16))\(cells.joined(separator: ", "))")
        var units: [String] = []
        for (column, _) in known where !units.contains(column.unit) { units.append(column.unit) }
        for unit in units {
            let values = known.filter { $0.0.unit == unit }.map { ($0.0.name, $0.1) }
            try results.add(
                Measurement(
                    name: "\(path)/\(middle.rawValue)/\(unit)", unit: unit, samples: rounds, values: values))
        }
    }
}
