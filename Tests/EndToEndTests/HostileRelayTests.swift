// The attempts on the host application that `make demo` shows: with the relay between, and without.

import Glibc
import Linux
import TestSupport
import Testing

@Suite struct HostileRelayTests {
    private static let names = [
        "a forbidden method", "a second registration", "another plugin's name", "an id never asked",
        "a 4 GiB length", "duplicate keys", "a descriptor", "a flood",
    ]

    private static let examples = Repository.path("examples/hostile")

    /// What the script that judges them says, line by line, and with which status.
    private func judge(_ report: String, _ record: String) throws -> Program.Outcome {
        try Program.run([Corral.python, Repository.path("scripts/attempts.py"), report, record])
    }

    /// Runs the host and `body` against its socket; returns the file of what the host received.
    private func record(
        _ directory: TemporaryDirectory, _ name: String, _ body: (String) throws -> Void
    ) throws -> String {
        let (socket, record) = (directory("\(name).sock"), directory("\(name).record"))
        let script = #"exec "$0" -B "$1" "$2" >"$3""#
        let words = ["/bin/sh", "-c", script, Corral.python, Self.examples + "/host.py", socket, record]
        let host = try Program(words).start()
        try #require(eventually { Host.listens(at: socket) })
        try body(socket)
        #expect(eventually { (File.text(record) ?? "").split(separator: "\"ended\"").count == 5 })
        try host.signal(SIGKILL)
        _ = try host.wait()
        return record
    }

    @Test func `eight attempts are denied, each by its rule, and succeed where no relay is between`() throws {
        let directory = try TemporaryDirectory()
        let report = directory("report.json")
        let denied = try record(directory, "relayed") { socket in
            let outcome = try Corral.run([
                "--profile", Self.examples + "/rules.yaml", "--relay", "tgo=\(socket)", "--report", report,
                "--", Corral.python, "-c", File.text(Self.examples + "/relay.py") ?? "",
            ])
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let judged = try judge(report, denied)
        #expect(judged.status == 0, "\(judged.output) \(judged.errors)")
        let lines = judged.output.split(separator: "\n")
        #expect(lines.count == Self.names.count)
        for (line, name) in zip(lines, Self.names) { #expect(line.hasPrefix("\(name): DENIED "), "\(line)") }

        let direct = try record(directory, "direct") { socket in
            let environment = Program.environment.merging(
                ["TGO_SOCKET_PATH": socket, "ANSWER_SECONDS": "0.3"]) { $1 }
            let outcome = try Program.run(
                [Corral.python, "-B", Self.examples + "/relay.py"], environment: environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        // Even with the report of a relay that refused everything.
        let undone = try judge(report, direct)
        #expect(undone.status == 1)
        #expect(undone.output == Self.names.map { "\($0): SUCCEEDED\n" }.joined())
    }
}
