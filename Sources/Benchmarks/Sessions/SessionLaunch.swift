import Client
import Figures
import Linux

/// A session of one command, made, used and removed through the API, beside the floor program; and a command in
/// a session that runs, beside fork and exec of the same. All take turns, so a ratio is the median of the
/// rounds' ratios.
func measureLaunches(_ corrald: String, _ options: Options, _ results: Results) throws {
    let daemon = try MeasuredDaemon(corrald)
    let null = try openNull()
    let program = ["/usr/bin/true"]
    let direct = PreparedProgram(program, Array(repeating: null.number, count: 3))
    let floor = floorLauncher(options, results)
    let client = daemon.client
    let lasting = try client.id(of: SessionCall.create())
    var times: [String: [UInt64]] = [:]
    var turns: [() throws -> [(String, UInt64)]] = [
        {
            let (created, answer) = try client.timed(SessionCall.create())
            let id = try client.id(in: answer)
            let executed = try client.timed(SessionCall.exec(id, program)).time
            let removed = try client.timed(SessionCall.remove(id)).time
            return [
                ("all three", created + executed + removed), ("create", created), ("first exec", executed),
                ("remove", removed),
            ]
        }, { [("exec", try client.timed(SessionCall.exec(lasting, program)).time)] },
        { [("fork+exec", try direct.timedRun().elapsed)] },
    ]
    if let floor { turns.append { [("floor program", try floor.launch().elapsed)] } }
    for round in 0..<options.warmup + options.rounds {
        for turn in turns.indices {
            let measured = try turns[(round + turn) % turns.count]()
            // The first rounds find everything cold.
            if round < options.warmup { continue }
            for (name, time) in measured { times[name, default: []].append(time) }
        }
    }
    let names = ["all three", "create", "first exec", "remove", "floor program", "exec", "fork+exec"]
    let rows = names.compactMap { Row(name: $0, times: times[$0] ?? []) }
    print("sessions")
    try results.add(rows, under: "session", options)
    for (name, other) in [("all three", "floor program"), ("exec", "fork+exec")] {
        let ratios = zip(times[name] ?? [], times[other] ?? []).map { Double($0) / Double($1) }
        guard let ratio = median(ratios) else { continue }
        try add("session/\(name)/ratio", "ratio", [("to \(other)", ratio)], samples: ratios.count, results)
    }
}

private func floorLauncher(_ options: Options, _ results: Results) -> FloorLauncher? {
    guard let floor = options.floor else { return nil }
    do {
        let launcher = try FloorLauncher(policy: floor.words)
        _ = try launcher.launch()
        return launcher
    } catch {
        results.leaveOut("sessions beside the \(floor.name)", "\(error)")
        return nil
    }
}
