import Glibc
import TestSupport
import Wire

/// Creates and kills sandboxes by the thousand, and fails when anything is left of them: `make soak`.
///
/// Three ways, each with the same number of cycles and a census between: by a resident process with the
/// `Launch` library, which is what a daemon does; by `corral run`, one after the other; and by
/// `corral run`, many at a time. In all of them most sandboxes are killed at a random moment, of their
/// start above all.
@main
struct Main {
    static func main() {
        do {
            let options = try Options(parsing: Array(CommandLine.arguments.dropFirst()))
            exit(try soak(options) ? 0 : 1)
        } catch {
            complain("Soak: \(error)")
            exit(2)
        }
    }

    /// - Returns: whether all was as it has to be.
    private static func soak(_ options: Options) throws -> Bool {
        say("soak: \(options.cycles) cycles of each kind, \(options.width) at a time, seed \(options.seed)")
        var random = Seeded(options.seed)
        // What the first run ever makes, such as the directory of the locks, is not left over by a cycle.
        try Crowd.sweep(options.corral)
        var phases: [Phase] = []
        for kind in Phase.Kind.allCases {
            let phase = try Phase.run(kind, options, &random)
            say(phase.summary(options))
            phases.append(phase)
        }
        let findings = phases.flatMap { $0.findings(options) }
        if let path = options.json {
            try File.makeDirectories(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
            let text = SoakReport(options: options, phases: phases, findings: findings).text
            try File.write(Array("\(text)\n".utf8), to: path)
        }
        for finding in findings { complain("soak: \(finding)") }
        say(findings.isEmpty ? "soak: nothing was left" : "soak: \(findings.count) findings")
        return findings.isEmpty
    }
}

/// Writes one line to standard output, at once.
func say(_ line: String) { write(line, to: 1) }

/// Writes one line to standard error.
func complain(_ line: String) { write(line, to: 2) }

private func write(_ line: String, to number: CInt) {
    let bytes = Array("\(line)\n".utf8)
    _ = unsafe bytes.span.withUnsafeBufferPointer { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
}
