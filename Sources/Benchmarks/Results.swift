import Figures
import Glibc
import Linux
import Wire

/// Where measurements go: a table for people on standard output, and a line for each in a file that all
/// benchmarks of one run add to. `scripts/bench-report.py` makes the result of such files.
final class Results {
    private let file: Held<FileDescriptor>?

    /// - Parameter path: nil for no file.
    init(_ path: String?) throws(SystemError) {
        file = try path.map { (path) throws(SystemError) in
            Held(try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644))
        }
    }

    func add(_ measurement: Measurement) throws(SystemError) { try write(measurement.json) }

    /// What is not measured, and why.
    func leaveOut(_ name: String, _ reason: String) {
        complain("\(name) is left out: \(reason)")
        do {
            try write(Figures.leftOut(name, reason))
        } catch {
            complain("the result could not be written: \(error)")
        }
    }

    /// Shows rows and adds them, with their ratios to the reference.
    func add(_ rows: [Row], under name: String, _ options: Options) throws(SystemError) {
        print(table(rows, options), terminator: "")
        let reference = rows.first { $0.name == options.reference }?.measurement(under: name)
        for row in rows {
            var measurement = row.measurement(under: name)
            if let reference { measurement.relate(to: reference) }
            try add(measurement)
        }
    }

    private func write(_ line: JSONText) throws(SystemError) {
        // Whoever watches a pipe sees what there is so far.
        fflush(nil)
        guard let file else { return }
        try file.value.writeAll(line.bytes + [UInt8(ascii: "\n")])
    }
}
