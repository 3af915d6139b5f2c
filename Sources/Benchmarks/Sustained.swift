import Figures
import Glibc
import Linux

/// Measures how many launches a second each program holds for `--seconds`, with as many at a time as
/// `--counts` says. `{}` in a word stands for a number that no other launch of this run has.
func sustainedBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    for count in options.counts {
        var reference: Measurement?
        // The one that the ratios are to comes first.
        let commands = try options.neededCommands().sorted { first, second in
            first.name == options.reference && second.name != options.reference
        }
        for command in commands {
            do {
                let run = try sustain(command, count, seconds: options.seconds)
                var rate = run.rate(named: "sustained/\(command.name)/\(count)")
                if command.name == options.reference { reference = rate }
                if let reference { rate.relate(to: reference) }
                try results.add(rate)
                if let times = run.times {
                    try results.add(
                        Measurement(
                            name: "sustained/\(command.name)/\(count)/times", unit: "ms",
                            samples: times.count, values: times.figures(per: 1e6)))
                }
                let figures = rate.values.map { "\($0.name) \(text($0.value))" }.joined(separator: ", ")
                print("\(command.name), \(count) at a time, launches a second: \(figures)")
            } catch let problem as Options.Problem {
                results.leaveOut("\(command.name), \(count) at a time", "\(problem)")
            }
        }
    }
}

/// Launches that ended within the time, by when.
private struct SustainedRun {
    let seconds: Int
    /// Nanoseconds of each launch.
    var durations: [UInt64] = []
    /// Nanoseconds from the beginning to the end of each.
    var ends: [UInt64] = []

    var times: Distribution? { Distribution(durations) }

    /// Launches a second: of all the time, and of its first and its last fifth, which differ when what
    /// is started leaves something behind.
    func rate(named name: String) -> Measurement {
        let fifth = UInt64(seconds) * 200_000_000
        let (first, last) = (ends.count { $0 < fifth }, ends.count { $0 >= 4 * fifth })
        let values = [
            ("all", Double(ends.count) / Double(seconds)),
            ("first fifth", Double(first) * 1e9 / Double(fifth)),
            ("last fifth", Double(last) * 1e9 / Double(fifth)),
        ]
        return Measurement(name: name, unit: "launches a second", samples: ends.count, values: values)
    }
}

private func sustain(_ command: Options.Command, _ count: Int, seconds: Int) throws -> SustainedRun {
    let null = try openNull()
    let silent = Array(repeating: null.number, count: 3)
    var run = SustainedRun(seconds: seconds)
    var running: [pid_t: (program: PreparedProgram, start: UInt64)] = [:]
    // None is left behind, whatever fails.
    defer {
        for pid in running.keys {
            var status: CInt = 0
            _ = unsafe waitpid(pid, &status, 0)
        }
    }
    let begin = monotonicTime()
    let end = begin + UInt64(seconds) * 1_000_000_000
    var number = 0
    while true {
        while running.count < count, monotonicTime() < end {
            number += 1
            let words = command.words.map { $0.replacing("{}", with: "\(count)-\(number)") }
            let program = PreparedProgram(words, silent)
            let start = monotonicTime()
            running[try program.start()] = (program, start)
        }
        if running.isEmpty { return run }
        var status: CInt = 0
        let pid = try call("waitpid") { unsafe waitpid(-1, &status, 0) }
        let now = monotonicTime()
        guard let ended = running.removeValue(forKey: pid) else { continue }
        try ended.program.check(status)
        guard now < end else { continue }
        run.durations.append(now - ended.start)
        run.ends.append(now - begin)
    }
}
