import Figures

/// Measures sessions through the daemon's API: `--command corrald -- PATH [--rounds N] [--counts N]
/// [--seconds N] [--only SCENE] [--floor NAME -- PART...] [--json FILE]`, as root.
///
/// Each scene has a daemon of its own, so each says the same alone as behind others. `--counts` is how many
/// sessions there are where it says a thousand, `--seconds` how long they are watched while they idle.
func sessionBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    let program = try options.neededCommands()[0].words[0]
    let scenes: [(name: String, run: (String, Options, Results) throws -> Void)] = [
        ("launch", measureLaunches), ("thousand", measureThousand), ("idle", measureIdle),
        ("restart", measureRestart), ("attach", measureAttach), ("files", measureFiles),
        ("reading", measureReading), ("listing", measureListing), ("tenants", measureTenants),
        ("strangers", measureStrangers),
    ]
    if let only = options.only, !scenes.contains(where: { $0.name == only }) {
        throw Options.Problem("--only takes \(scenes.map(\.name).joined(separator: ", ")), not \(only)")
    }
    for scene in scenes where options.only == nil || options.only == scene.name {
        do {
            try scene.run(program, options, results)
        } catch let problem as Options.Problem {
            results.leaveOut("sessions, \(scene.name)", problem.description)
        }
    }
}

/// What the benchmark starts this program again as: `session-role guard DIRECTORY`,
/// `session-role flood SOCKET TENANT` or
/// `session-role create SOCKET COUNT TTL PROGRAM`, with 0 for no time to live and no text for no program.
func sessionRole(_ words: [String]) throws {
    if words.count == 2, words[0] == "guard" { return try guardDaemon(of: words[1]) }
    if words.count == 3, words[0] == "flood" { return try floodSessionsForever(at: words[1], of: words[2]) }
    guard words.count == 5, words[0] == "create", let count = Int(words[2]), let ttl = Int(words[3]) else {
        throw Options.Problem("session-role: expected a role and what it takes")
    }
    try createSessions(count, at: words[1], ttl: ttl == 0 ? nil : ttl, running: words[4])
}

/// Figures of one kind of thing, shown and added.
func add(
    _ name: String, _ unit: String, _ values: [Measurement.Figure], samples: Int, _ results: Results
) throws {
    let shown = values.map { "\($0.name) \(text($0.value))" }.joined(separator: ", ")
    print("\(name), \(unit): \(shown)")
    try results.add(Measurement(name: name, unit: unit, samples: samples, values: values))
}
