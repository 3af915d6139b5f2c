/// Measures the time from the start of each program to the reaping of it.
func launchBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    let rows = try Candidates(options, results).measure(rounds: options.rounds)
    try results.add(rows, under: "launch", options)
}
