import Figures
import Linux

/// A way to start `/usr/bin/true`, and what its launches took.
private struct Candidate {
    let name: String
    let run: () throws -> TimedRun
    var runs: [TimedRun] = []
}

/// Programs that are run in turn, round by round, so that whatever else the machine does hits them
/// alike; each round begins with another one, so that none always follows the same.
struct Candidates {
    private var list: [Candidate] = []
    private let null: Held<FileDescriptor>

    /// Those of the programs that work; the others are told to `results`.
    init(_ options: Options, _ results: Results) throws {
        null = Held(try openNull())
        for command in try options.neededCommands() {
            let quiet = PreparedProgram(command.words, Array(repeating: null.value.number, count: 3))
            let loud = PreparedProgram(command.words, [null.value.number, null.value.number, 2])
            // Whoever fails may say why, once.
            try add(command.name, options, results, first: loud.timedRun) { try quiet.timedRun() }
        }
        if let floor = options.floor {
            do {
                let launcher = try FloorLauncher(policy: floor.words)
                try add(floor.name, options, results, first: launcher.launch) { try launcher.launch() }
            } catch {
                results.leaveOut(floor.name, "\(error)")
            }
        }
        if list.isEmpty { throw Options.Problem("none of the programs ran") }
    }

    private mutating func add(
        _ name: String, _ options: Options, _ results: Results, first: () throws -> TimedRun,
        run: @escaping () throws -> TimedRun
    ) throws {
        do {
            _ = try first()
            for _ in 1..<max(1, options.warmup) { _ = try run() }
            list.append(Candidate(name: name, run: run))
        } catch {
            results.leaveOut(name, "\(error)")
        }
    }

    /// The times of `rounds` runs of each, and those on a processor where they are counted.
    func measure(rounds: Int) throws -> (times: [Row], processor: [Row]) {
        var measured = list
        for round in 0..<rounds {
            for turn in measured.indices {
                let index = (round + turn) % measured.count
                measured[index].runs.append(try measured[index].run())
            }
        }
        return (
            measured.compactMap { Row(name: $0.name, times: $0.runs.map(\.elapsed)) },
            measured.compactMap { Row(name: $0.name, times: $0.runs.compactMap(\.processor)) }
        )
    }
}
