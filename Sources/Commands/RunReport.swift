import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Relay
import Sandbox
import Wire

/// What `--json` and `--report` say about a run. docs/run.md describes the fields.
struct RunReport {
    let id: String
    let outcome: RunOutcome
    let ended: RunLoop.Ended
    let statistics: GroupStatistics
    let layers: [Layer: LayerState]
    /// By a test; shown among the layers, so that no such run passes for a whole one.
    var leftOut: Set<Mechanism> = []
    let relay: RelayTotals?
    /// CLOCK_BOOTTIME, in nanoseconds.
    let began: UInt64
    var tags = RunTags.none

    static let leftOut = LayerState.off("left out by a test")

    /// One line.
    var text: String {
        JSONText.object { report in
            report.add("id", id)
            tags.write(to: &report)
            report.add("cause", outcome.cause.rawValue)
            report.add("exit", exitStatus)
            report.add("signal", signalNumber)
            report.add("code", Int(outcome.exitCode))
            report.array("limits_hit") { list in
                for limit in outcome.limitsHit { list.add(limit.rawValue) }
            }
            report.object("times", times)
            report.object("memory") { $0.add("peak_bytes", peakMemory) }
            report.object("output") { object in
                object.add("stdout_bytes", Int(clamping: ended.output.output))
                object.add("stderr_bytes", Int(clamping: ended.output.errors))
                // What comes behind a limit that ends the program is not read, and so not known.
                object.add(
                    "left_out_bytes",
                    ended.facts.outputExceeded ? nil : Int(clamping: ended.facts.outputLeftOut))
            }
            report.object("layers") { object in
                for layer in Layer.allCases {
                    object.add(layer.rawValue, layers[layer].map(String.init(describing:)) ?? "off(unknown)")
                }
                for name in leftOut.map(\.rawValue).sorted() { object.add(name, "\(RunReport.leftOut)") }
            }
            if let relay { report.object("relay") { RelayReport.write(relay, to: &$0) } }
        }.description
    }

    private var exitStatus: Int? {
        if case .exited(let code) = ended.facts.status { return Int(code) }
        return nil
    }

    private var signalNumber: Int? {
        if case .signalled(let number) = ended.facts.status { return Int(number) }
        return nil
    }

    private func times(_ object: inout JSONObjectWriter) {
        let end = ended.exited ?? clinux_boottime()
        object.add("launch_us", ended.started.map { Int(($0 - began) / 1000) })
        object.add("wall_us", ended.started.map { Int((max(end, $0) - $0) / 1000) })
        let ofProcess = ended.exit.map { Int($0.userTime + $0.systemTime) }
        object.add("cpu_us", statistics.cpuTime.map { Int(clamping: $0) } ?? ofProcess)
    }

    private var peakMemory: Int? {
        statistics.peakMemory.map { Int(clamping: $0) } ?? ended.exit.map { Int($0.peakMemory) * 1024 }
    }
}

/// The report of a program that never ran: the same fields, as far as there is anything to say.
struct FailureReport {
    private let error: CommandError
    private let tags: RunTags

    init(_ error: CommandError, _ tags: RunTags = .none) {
        self.error = error
        self.tags = tags
    }

    var text: String {
        JSONText.object { report in
            tags.write(to: &report)
            report.add("cause", Cause.launchFailed.rawValue)
            report.add("exit", Int?.none)
            report.add("signal", Int?.none)
            report.add("code", Int(error.code))
            report.add("error", error.description)
            report.array("limits_hit") { _ in }
        }.description
    }

    /// As `--json` and `--report` ask for it. What cannot be written is not told: an error was.
    func deliver(_ options: RunOptions) {
        if options.json { Terminal.error(text) }
        guard let path = options.report else { return }
        let file = try? FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        switch file {
        case .some(let file): try? file.writeAll(Array((text + "\n").utf8))
        case .none: return
        }
    }
}
