import CYardstick
import Figures
import Glibc
import Linux
import Wire

/// Measures the scanner in nanoseconds of processor time a byte; with `--samples DIRECTORY` it also
/// writes the texts as files, for other parsers to be measured with.
///
/// All texts are scanned in turn, round by round, each for about a millisecond.
func jsonBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    if let directory = options.samples { try writeSamples(to: directory) }
    var scanner = JSONScanner()
    var rows: [(sample: JSONSample, scan: [Double], envelope: [Double])] = JSONSample.all.map { ($0, [], []) }
    for _ in 0..<options.rounds {
        for index in rows.indices {
            let bytes = rows[index].sample.bytes
            rows[index].scan.append(perByte(bytes) { text in _ = try? scanner.scan(text) })
            rows[index].envelope.append(
                perByte(bytes) { text in _ = try? RPCEnvelope(scanning: text, by: &scanner) })
        }
    }
    print(left("ns per byte", 24) + ["bytes", "min", "p50", "envelope"].map { right($0, 10) }.joined())
    for row in rows {
        let values = [
            ("min", row.scan.min() ?? 0), ("p50", median(row.scan) ?? 0),
            ("envelope", median(row.envelope) ?? 0),
        ]
        let cells = ["\(row.sample.bytes.count)"] + values.map { text($0.1) }
        print(left(row.sample.name, 24) + cells.map { right($0, 10) }.joined())
        let name = "scan/\(row.sample.name)"
        try results.add(
            Measurement(name: name, unit: "ns a byte", samples: options.rounds, values: values))
        try results.add(
            Measurement(
                name: "\(name)/size", unit: "bytes", samples: 1,
                values: [("bytes", Double(row.sample.bytes.count))]))
    }
}

private func perByte(_ bytes: [UInt8], _ body: (Span<UInt8>) -> Void) -> Double {
    let turns = max(1, (1 << 20) / bytes.count)
    let start = processorTime()
    for _ in 0..<turns { body(bytes.span) }
    return Double(processorTime() - start) / Double(turns * bytes.count)
}

private func processorTime() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

private func writeSamples(to directory: String) throws {
    for (index, sample) in JSONSample.all.enumerated() {
        let path = "\(directory)/\(index) \(sample.name).json"
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.writeAll(sample.bytes)
    }
}

/// Prints how often scanning each text allocates, once the scanner has seen it; and, to show that
/// allocations are counted, how often making a list does.
func allocationCount(_ words: [String]) throws {
    let results = try Results(try Options(parsing: words).json)
    var scanner = JSONScanner()
    for sample in JSONSample.all {
        _ = try RPCEnvelope(scanning: sample.bytes.span, by: &scanner)
        let before = yardstick_allocations()
        let envelope = try RPCEnvelope(scanning: sample.bytes.span, by: &scanner)
        let count = yardstick_allocations() - before
        print("\(sample.name), \(envelope.kind): \(count)")
        try results.add(
            Measurement(
                name: "allocations/\(sample.name)", unit: "count", samples: 1,
                values: [("allocations", Double(count))]))
    }
    let before = yardstick_allocations()
    let list = [UInt64](repeating: before, count: 100)
    let count = yardstick_allocations() - before
    print("a list of \(list.count): \(count)")
}
