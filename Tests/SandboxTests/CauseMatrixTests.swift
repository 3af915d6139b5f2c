// Every cause provoked many times: none may ever be taken for another.

import Glibc
import Sandbox
import TestSupport
import Testing
import Wire

extension OneAtATime {
    struct CauseMatrixTests {
        private static let rounds = Effort.rounds(10, full: 100)

        /// A way to provoke a cause.
        private struct Row: Sendable {
            let cause: Cause
            let options: [String]
            /// The command and the exit code that follows, of one round.
            let command: @Sendable (Int) -> (words: [String], code: Int32)
            /// Sent to `corral` once the program runs.
            var signal: CInt?
        }

        private static func fixed(_ words: [String], _ code: Int32) -> @Sendable (Int) -> ([String], Int32) {
            { _ in (words, code) }
        }

        private static let signals: [Int32] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25]

        private static let rows: [Row] = [
            Row(cause: .exited, options: []) { round in
                let code = Int32(round * 97 % 256)
                return (["sh", "-c", "exit \(code)"], code)
            },
            Row(cause: .signalled, options: []) { round in
                let signal = signals[round % signals.count]
                return (["sh", "-c", "kill -\(signal) $$; sleep 60"], 128 + signal)
            },
            Row(cause: .timeout, options: ["--timeout", "100ms"], command: fixed(["sleep", "60"], 124)),
            Row(
                cause: .cpu, options: ["--cpu-time", "40ms"],
                command: fixed(["sh", "-c", "while :; do :; done"], 152)),
            Row(
                cause: .memory, options: ["--memory", "32MiB"],
                command: fixed(["dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"], 137)),
            Row(
                cause: .pids, options: ["--pids", "4", "--pids-kill"],
                command: fixed(["sh", "-c", "for i in 1 2 3 4 5; do sleep 60 & done; wait"], 122)),
            Row(
                cause: .output, options: ["--output-limit", "1000", "--output-kill"],
                command: fixed(["yes"], 153)),
            Row(
                cause: .seccomp, options: [],
                command: fixed(
                    [Corral.python, "-ISc", "import ctypes; ctypes.CDLL(None).syscall(169, 0, 0, 0, 0)"], 159)
            ),
            Row(
                cause: .operator, options: [],
                command: fixed(["sh", "-c", "echo up; exec sleep 60"], 143), signal: SIGTERM),
            Row(cause: .launchFailed, options: [], command: fixed(["/no/such/program"], 127)),
        ]

        /// Side by side, each with all the others: twice ten at a time.
        @Test func `each cause, provoked many times, is never taken for another`() throws {
            var found = Dictionary(uniqueKeysWithValues: Self.rows.map { ($0.cause, [String: Int]()) })
            for round in stride(from: 0, to: Self.rounds, by: 2) {
                let started = [round, round + 1].flatMap { round in
                    Self.rows.map { Started($0, round) }
                }
                for run in started { found[run.row.cause, default: [:]][run.finish(), default: 0] += 1 }
            }
            try Self.record(found)
            // The diagonal and nothing else.
            let expected = Dictionary(
                uniqueKeysWithValues: Self.rows.map { ($0.cause, [$0.cause.rawValue: Self.rounds]) })
            #expect(found == expected)
        }

        /// The matrix as JSON, for `make prove`: how often each `PROVOKED is FOUND` was.
        private static func record(_ found: [Cause: [String: Int]]) throws {
            let text = JSONText.object { report in
                report.add("rounds", rounds)
                report.object("found") { counts in
                    for row in rows {
                        for (name, count) in (found[row.cause] ?? [:]).sorted(by: { $0.key < $1.key }) {
                            counts.add("\(row.cause.rawValue) is \(name)", count)
                        }
                    }
                }
            }
            try File.makeDirectories(Repository.path(".build/evidence"))
            try File.write(
                Array("\(text)\n".utf8), to: Repository.path(".build/evidence/causes.json"))
        }

        /// One run, on its way.
        private struct Started {
            let row: Row
            let code: Int32
            let running: Result<RunningProgram, any Error>

            init(_ row: Row, _ round: Int) {
                self.row = row
                let (words, code) = row.command(round)
                self.code = code
                running = Result { try Corral(row.options).program(words).start() }
            }

            /// The cause that was found, with everything there is to see where the code is not the cause's.
            func finish() -> String {
                do {
                    let running = try running.get()
                    if let signal = row.signal {
                        guard try running.waitForText("up\n", within: 300) else {
                            return "never ran"
                        }
                        try running.signal(signal)
                    }
                    let ended = Corral.Ended(try running.wait(timeout: 300))
                    let found = ended.cause ?? "none"
                    return ended.status == code ? found : "\(found) with \(ended)"
                } catch {
                    return "\(error)"
                }
            }
        }
    }
}
