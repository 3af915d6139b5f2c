import Launch
import Sandbox
import Testing

@testable import Commands

@Suite struct RunOutcomeTests {
    /// Facts, and the one cause and exit code that follow from them.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let facts: RunFacts
        let cause: Cause
        let code: Int32
        var hit: [Layer] = []
        var testDescription: String { name }
    }

    private static func facts(
        _ status: ProcessExit.Status? = nil, timedOut: Bool = false, askedBy: Int32? = nil,
        outOfMemory: UInt64 = 0, pidsHits: UInt64 = 0, outputExceeded: Bool = false, violated: Bool = false
    ) -> RunFacts {
        RunFacts(
            status: status, timedOut: timedOut, outputExceeded: outputExceeded, violated: violated,
            askedBy: askedBy,
            outOfMemoryKills: outOfMemory,
            pidsHits: pidsHits)
    }

    private static let rows: [Row] = [
        Row(name: "exit 0", facts: facts(.exited(0)), cause: .exited, code: 0),
        Row(name: "its own status", facts: facts(.exited(42)), cause: .exited, code: 42),
        Row(name: "its own 137 is no memory limit", facts: facts(.exited(137)), cause: .exited, code: 137),
        Row(name: "SIGTERM", facts: facts(.signalled(15)), cause: .signalled, code: 143),
        Row(name: "SIGSEGV", facts: facts(.signalled(11)), cause: .signalled, code: 139),
        Row(name: "SIGKILL by nobody known", facts: facts(.signalled(9)), cause: .signalled, code: 137),
        Row(name: "SIGSYS", facts: facts(.signalled(31)), cause: .seccomp, code: 159),
        Row(name: "time limit", facts: facts(timedOut: true), cause: .timeout, code: 124),
        Row(
            name: "exited just before the time limit took effect", facts: facts(.exited(3), timedOut: true),
            cause: .exited, code: 3),
        Row(name: "output limit", facts: facts(outputExceeded: true), cause: .output, code: 153),
        Row(
            name: "exited with output that was cut off", facts: facts(.exited(0), outputExceeded: true),
            cause: .output, code: 153),
        Row(
            name: "killed for memory with output that was cut off",
            facts: facts(.signalled(9), timedOut: true, outOfMemory: 1, outputExceeded: true), cause: .output,
            code: 153, hit: [.memory]),
        Row(name: "a violation", facts: facts(violated: true), cause: .policy, code: 154),
        Row(
            name: "exited behind a violation", facts: facts(.exited(0), violated: true), cause: .policy,
            code: 154),
        Row(
            name: "time limit and signal beside a violation",
            facts: facts(timedOut: true, askedBy: 15, violated: true), cause: .policy, code: 154),
        Row(name: "SIGINT to us", facts: facts(askedBy: 2), cause: .operator, code: 130),
        Row(name: "SIGHUP to us", facts: facts(askedBy: 1), cause: .operator, code: 129),
        Row(name: "SIGTERM to us", facts: facts(askedBy: 15), cause: .operator, code: 143),
        Row(
            name: "exited just before a signal to us took effect", facts: facts(.exited(0), askedBy: 15),
            cause: .exited, code: 0),
        Row(
            name: "time limit comes before a signal to us", facts: facts(timedOut: true, askedBy: 15),
            cause: .timeout, code: 124),
        Row(
            name: "killed for memory", facts: facts(.signalled(9), outOfMemory: 1), cause: .memory, code: 137,
            hit: [.memory]),
        Row(
            name: "the init killed for memory", facts: facts(outOfMemory: 2), cause: .memory, code: 137,
            hit: [.memory]),
        Row(name: "the init gone", facts: facts(), cause: .signalled, code: 137),
        Row(
            name: "a child was killed for memory, the program went on",
            facts: facts(.exited(1), outOfMemory: 1),
            cause: .exited, code: 1, hit: [.memory]),
        Row(
            name: "SIGSEGV after a child was killed for memory", facts: facts(.signalled(11), outOfMemory: 1),
            cause: .signalled, code: 139, hit: [.memory]),
        Row(
            name: "the limit of processes ends nothing", facts: facts(.exited(0), pidsHits: 9),
            cause: .exited,
            code: 0, hit: [.pids]),
        Row(
            name: "both limits", facts: facts(timedOut: true, outOfMemory: 1, pidsHits: 1), cause: .timeout,
            code: 124, hit: [.memory, .pids]),
    ]

    @Test(arguments: rows)
    func `facts decide the cause and the exit code`(row: Row) {
        let outcome = RunOutcome(row.facts)
        #expect(outcome.cause == row.cause)
        #expect(outcome.exitCode == row.code)
        #expect(outcome.limitsHit == row.hit)
    }
}
