import CYardstick
import Glibc
import Linux
import Wire

/// Measures the scanner in nanoseconds of processor time a byte: `[--rounds N] [--samples DIRECTORY]`,
/// which also writes the texts as files, for other parsers to be measured with.
///
/// All texts are scanned in turn, round by round, each for about a millisecond.
func jsonBenchmark(_ words: [String]) throws {
    var rounds = 30
    var rest = words[...]
    while let option = rest.popFirst() {
        switch (option, rest.popFirst()) {
        case ("--rounds", let value?) where (Int(value) ?? 0) > 0: rounds = Int(value) ?? rounds
        case ("--samples", let directory?): try writeSamples(to: directory)
        default: throw LaunchOptions.Problem("expected --rounds N or --samples DIRECTORY")
        }
    }
    var scanner = JSONScanner()
    var rows: [(sample: JSONSample, scan: [Double], envelope: [Double])] = JSONSample.all.map { ($0, [], []) }
    for _ in 0..<rounds {
        for index in rows.indices {
            let bytes = rows[index].sample.bytes
            rows[index].scan.append(perByte(bytes) { text in _ = try? scanner.scan(text) })
            rows[index].envelope.append(
                perByte(bytes) { text in _ = try? RPCEnvelope(scanning: text, by: &scanner) })
        }
    }
    print(left("ns per byte", 24) + ["bytes", "min", "p50", "envelope"].map { right($0, 10) }.joined())
    for row in rows {
        let scan = row.scan.sorted()
        let envelope = row.envelope.sorted()
        let cells = [
            "\(row.sample.bytes.count)", text(scan[0]), text(scan[scan.count / 2]),
            text(envelope[envelope.count / 2]),
        ]
        print(left(row.sample.name, 24) + cells.map { right($0, 10) }.joined())
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
        let file = FileDescriptor(
            owning: try call("open", on: path) {
                unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            })
        try file.writeAll(sample.bytes)
    }
}

/// Prints how often scanning each text allocates, once the scanner has seen it; and, to show that
/// allocations are counted, how often making a list does.
func allocationCount(_ words: [String]) throws {
    var scanner = JSONScanner()
    for sample in JSONSample.all {
        _ = try RPCEnvelope(scanning: sample.bytes.span, by: &scanner)
        let before = yardstick_allocations()
        let envelope = try RPCEnvelope(scanning: sample.bytes.span, by: &scanner)
        let count = yardstick_allocations() - before
        print("\(sample.name), \(envelope.kind): \(count)")
    }
    let before = yardstick_allocations()
    let list = [UInt64](repeating: before, count: 100)
    let count = yardstick_allocations() - before
    print("a list of \(list.count): \(count)")
}
