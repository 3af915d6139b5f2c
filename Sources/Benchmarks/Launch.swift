/// Measures the time from the start of each program to the reaping of it, and that on a processor.
func launchBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    let measured = try Candidates(options, results).measure(rounds: options.rounds)
    try results.add(measured.times, under: "launch", options)
    print("on a processor")
    try results.add(measured.processor, under: "launch cpu", options)
}
