import Glibc
import TestSupport
import Wire

/// What a soak found, as JSON: `.build/evidence/soak.json`.
struct SoakReport {
    let options: Options
    let phases: [Phase]
    let findings: [String]

    var text: String {
        JSONText.object { report in
            report.add("cycles", options.cycles)
            report.add("width", options.width)
            report.add("seed", options.seed)
            report.add("kernel", kernel)
            report.add("processors", sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            report.add("time", Int64(time(nil)))
            report.add("leaks", phases.reduce(0) { $0 + $1.samples.reduce(0) { $0 + $1.leaks.count } })
            for phase in phases { summarize(phase, to: &report) }
            report.array("findings") { list in findings.forEach { list.add($0) } }
            report.array("phases") { list in
                for phase in phases { list.object { write(phase, to: &$0) } }
            }
        }.description
    }

    /// The figures to quote, of one kind of cycles.
    private func summarize(_ phase: Phase, to report: inout JSONObjectWriter) {
        let (kind, last) = (phase.kind.rawValue, phase.samples.last)
        report.add("\(kind) cycles", last?.cycle ?? 0)
        report.add(
            "\(kind) kills", phase.outcomes.filter { !$0.key.hasPrefix("left alone") }.values.reduce(0, +))
        report.add("\(kind) unexpected ends", phase.unexpected.count)
        if phase.kind.isTimed, let pace = phase.pace(options) {
            report.add("\(kind) start p50 first tenth us", pace.first / 1000)
            report.add("\(kind) start p50 last tenth us", pace.last / 1000)
            report.add("\(kind) program without a sandbox p50 first tenth us", pace.firstReference / 1000)
            report.add("\(kind) program without a sandbox p50 last tenth us", pace.lastReference / 1000)
        }
        guard phase.kind == .resident, let before = phase.samples.first?.state, let after = last?.state
        else { return }
        report.add("\(kind) rss KiB", "\(before.memory) before, \(after.memory) after")
        report.add("\(kind) descriptors", "\(before.descriptors) before, \(after.descriptors) after")
        report.add("\(kind) threads", "\(before.threads) before, \(after.threads) after")
    }

    private var kernel: String {
        (File.text("/proc/sys/kernel/osrelease") ?? "").split(separator: "\n").joined()
    }

    private func write(_ phase: Phase, to object: inout JSONObjectWriter) {
        object.add("kind", phase.kind.rawValue)
        object.add("width", phase.width)
        object.add("seconds", phase.seconds)
        if phase.kind.isTimed, let pace = phase.pace(options) {
            object.object("start_p50_us") { times in
                times.add("first", pace.first / 1000)
                times.add("last", pace.last / 1000)
                times.add("ratio", pace.ratio)
                times.add("machine_ratio", pace.machine)
            }
        }
        object.object("outcomes") { outcomes in
            for (name, count) in phase.outcomes.sorted(by: { $0.key < $1.key }) { outcomes.add(name, count) }
        }
        object.array("samples") { samples in
            for sample in phase.samples { samples.object { write(sample, to: &$0) } }
        }
    }

    private func write(_ sample: Sample, to object: inout JSONObjectWriter) {
        let state = sample.state
        object.add("cycle", sample.cycle)
        object.array("left") { left in sample.shortened.forEach { left.add($0) } }
        if let start = sample.start { object.add("start_p50_us", start / 1000) }
        if let start = sample.reference { object.add("reference_p50_us", start / 1000) }
        object.add("rss_kib", state.memory)
        object.add("descriptors", state.descriptors)
        object.add("threads", state.threads)
        object.add("slab_kib", state.slab)
        write(state.cgroups, as: "cgroups", to: &object)
        write(state.objects, as: "kernel_objects", to: &object)
    }

    private func write(_ counts: [String: Int], as name: String, to object: inout JSONObjectWriter) {
        object.object(name) { list in
            for (name, count) in counts.sorted(by: { $0.key < $1.key }) { list.add(name, count) }
        }
    }
}
