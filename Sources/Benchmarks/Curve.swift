import Figures
import Glibc
import Linux

/// Measures launches beside sandboxes that run already, and what each of those costs in memory.
///
/// For each `--idle` program, as many of it as `--counts` says are started and left alone while all
/// `--command` programs are launched in turn.
func curveBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    let candidates = try Candidates(options, results)
    for idle in options.idle {
        do {
            try curve(idle, candidates, options, results)
        } catch let problem as Options.Problem {
            results.leaveOut("launches beside \(idle.name)", "\(problem)")
        }
    }
}

private func curve(
    _ idle: Options.Command, _ candidates: Candidates, _ options: Options, _ results: Results
) throws {
    let crowd = try Crowd(idle.words)
    defer { crowd.end() }
    var alone: [String: Measurement] = [:]
    let before = try settledKernelMemory()
    for count in [0] + options.counts {
        try crowd.grow(to: count)
        if count > 0 { try results.add(memory(crowd, idle.name, since: before)) }
        print("beside \(count) of \(idle.name)")
        let measured = try candidates.measure(rounds: options.rounds)
        print(table(measured.times, options), terminator: "")
        let groups = [
            ("beside \(idle.name)", measured.times), ("beside \(idle.name) cpu", measured.processor),
        ]
        for (group, rows) in groups {
            for row in rows {
                var measurement = row.measurement(under: group)
                let name = measurement.name
                measurement.name += "/\(count)"
                if count == 0 { alone[name] = measurement }
                if let alone = alone[name] { measurement.relate(to: alone) }
                try results.add(measurement)
            }
        }
    }
}

/// Right after the crowd has grown, before anything else is launched.
private func memory(_ crowd: Crowd, _ name: String, since before: KernelMemory) throws -> Measurement {
    let kernel = try settledKernelMemory().figures(since: before, each: crowd.count)
    let processes = try crowd.processMemory()
    let shown = (processes + kernel).map { "\($0.name) \(text($0.value))" }
    print("memory of each of \(crowd.count) of \(name), KiB: \(shown.joined(separator: ", "))")
    return Measurement(
        name: "memory/\(name)/\(crowd.count)", unit: "KiB", samples: crowd.count, values: processes + kernel)
}

/// What ended just now is given back later, by the kernel's own threads.
func settledKernelMemory() throws -> KernelMemory {
    sleep(2)
    let text = try FileDescriptor.open("/proc/meminfo", O_RDONLY).readAll(limit: 65536)
    guard let memory = KernelMemory(meminfo: text) else {
        throw Options.Problem("/proc/meminfo does not tell the kernel's memory")
    }
    return memory
}
