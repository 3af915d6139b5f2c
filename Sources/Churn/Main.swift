import Glibc
import TestSupport

/// Clients of a corrald that is killed again and again, and a model of what has to be true all the same:
/// `make churn`.
///
/// - `mixed`: many clients with random operations, and kills at random moments;
/// - `points`: every fail point of corrald and its warden, each met by a short life of sessions;
/// - `tenants`: many tenants with quotas that are met, and nobody is killed;
/// - `restart`: how long a killed corrald takes until it serves again, with many sessions.
///
/// 0: all was as it has to be. 1: it was not, and standard error says what. 2: it could not be tried.
@main
struct Main {
    static func main() {
        do {
            let options = try Options(parsing: Array(CommandLine.arguments.dropFirst()))
            let findings = try run(options)
            say(findings.isEmpty ? "churn: all is as it has to be" : "churn: \(findings.count) findings")
            exit(findings.isEmpty ? 0 : 1)
        } catch {
            complain("Churn: \(error)")
            exit(2)
        }
    }

    private static func run(_ options: Options) throws -> [String] {
        say("churn: \(options.mode.rawValue), seed \(options.seed)")
        let before = options.isAlone ? Census.take(processes: Leftovers.names) : nil
        let world = try World(options)
        switch options.mode {
        case .mixed:
            var run = MixedRun(world, options)
            try run.run()
        case .points:
            var run = PointsRun(world, options)
            try run.run()
        case .tenants: try TenantsRun(world, options).run()
        case .restart: try RestartRun(world, options).run()
        }
        return world.end(before)
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
