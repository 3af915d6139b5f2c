import Glibc

/// Measures what `docs/benchmarks.md` publishes: one word of the command line, one benchmark.
@main
struct Main {
    private static let benchmarks: [(name: String, run: @Sendable ([String]) throws -> Void)] = [
        ("launch", launchBenchmark), ("seccomp", seccompBenchmark), ("json", jsonBenchmark),
        ("allocations", allocationCount), ("relay", relayBenchmark), ("curve", curveBenchmark),
        ("sustained", sustainedBenchmark), ("attach", attachBenchmark), ("session", sessionBenchmark),
        ("workspace", workspaceBenchmark),
        // What benchmarks start this program again as.
        ("relay-role", relayRole), ("floor-role", playFloor), ("attach-role", attachRole),
        ("session-role", sessionRole),
    ]

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        guard let benchmark = benchmarks.first(where: { $0.name == words.first }) else {
            let names = benchmarks.map(\.name).joined(separator: " | ")
            complain("usage: Benchmarks \(names) [options]")
            exit(2)
        }
        // A program that ended early is an error of write(2).
        signal(SIGPIPE, SIG_IGN)
        do {
            try benchmark.run(Array(words.dropFirst()))
        } catch {
            complain("Benchmarks \(benchmark.name): \(error)")
            exit(1)
        }
    }
}

/// Writes one line to standard error.
func complain(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = unsafe bytes.span.withUnsafeBufferPointer { unsafe write(2, $0.baseAddress, $0.count) }
}
