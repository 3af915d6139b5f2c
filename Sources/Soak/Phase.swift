import TestSupport

/// One kind of cycles, all of them: what they did, and what was there after every thousand.
struct Phase {
    enum Kind: String, CaseIterable {
        /// Launches of this process.
        case resident
        /// `corral run`, one after the other.
        case sequential
        /// `corral run`, many at a time.
        case crowd

        var isTimed: Bool { self != .crowd }
    }

    let kind: Kind
    let width: Int
    var seconds = 0.0
    /// How many cycles ended in each way, such as `SIGKILL to init -> exit 137`.
    var outcomes: [String: Int] = [:]
    /// Ends that no such cycle may have, the first of them in full.
    var unexpected: [String] = []
    /// Nanoseconds of starts that were not interrupted, in the order of the cycles.
    var starts: [(cycle: Int, nanoseconds: UInt64)] = []
    /// Before the first cycle, after every thousand, after the last.
    var samples: [Sample] = []

    static func run(_ kind: Kind, _ options: Options, _ random: inout Seeded) throws -> Phase {
        var phase = Phase(kind: kind, width: kind == .crowd ? options.width : 1)
        // For memory that is allocated once, before memory is compared.
        let warmUp = min(options.every, options.cycles / 10)
        let resident = try kind == .resident ? Resident() : nil
        try phase.cycles(0, warmUp, resident, options, &random)
        phase.starts = []
        if options.dropsCaches { try KernelState.dropCaches() }
        let before = Census.take()
        let state = KernelState.take()
        phase.samples.append(Sample(cycle: 0, state: state, leaks: []))
        let began = Host.now
        var done = 0
        while done < options.cycles {
            let count = min(options.every, options.cycles - done)
            try phase.cycles(done, count, resident, options, &random)
            done += count
            // What a killed corral leaves is swept by the next one.
            try Crowd.sweep(options.corral)
            if done == options.cycles, options.dropsCaches { try KernelState.dropCaches() }
            let planted = try options.plants ? Planted(kind.rawValue) : nil
            phase.samples.append(Sample.take(done, since: before, state, within: options.patience))
            try planted?.remove()
            if let sample = phase.samples.last { say("\(kind.rawValue) \(sample.line)") }
        }
        phase.seconds = Host.now - began
        return phase
    }

    private mutating func cycles(
        _ first: Int, _ count: Int, _ resident: Resident?, _ options: Options, _ random: inout Seeded
    ) throws {
        guard let resident else {
            let workspace = try options.isMixed ? TemporaryDirectory(mode: 0o777) : nil
            let crowd = Crowd(
                corral: options.corral, width: width, timed: kind.isTimed, workspace: workspace?.path)
            try crowd.run(count, from: first, into: &self, &random)
            return withExtendedLifetime(workspace) {}
        }
        for cycle in first..<first + count {
            try resident.cycle(cycle, into: &self, &random)
        }
    }

    mutating func count(_ outcome: String, isExpected: Bool, _ details: @autoclosure () -> String = "") {
        outcomes[outcome, default: 0] += 1
        if isExpected { return }
        unexpected.append(unexpected.count < 20 ? "\(outcome) \(details())" : outcome)
    }

    // MARK: What it comes to

    /// The median start of the first tenth of the cycles, and of the last; in nanoseconds.
    func medians(_ cycles: Int) -> (first: UInt64, last: UInt64)? {
        let tenth = max(1, cycles / 10)
        guard let first = median(starts.filter { $0.cycle < tenth }.map(\.nanoseconds)),
            let last = median(starts.filter { $0.cycle >= cycles - tenth }.map(\.nanoseconds))
        else { return nil }
        return (first, last)
    }

    private func median(_ values: [UInt64]) -> UInt64? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }

    /// All that must not be, one line each.
    func findings(_ options: Options) -> [String] {
        var found = samples.flatMap { sample in
            sample.shortened.map { "\(kind.rawValue): left after \(sample.cycle) cycles: \($0)" }
        }
        found += unexpected.map { "\(kind.rawValue): not expected: \($0)" }
        if let first = samples.first?.state, let last = samples.last?.state {
            found += last.growth(since: first, cycles: options.cycles, slab: options.dropsCaches).map {
                "\(kind.rawValue): \($0)"
            }
        }
        if kind.isTimed, let ratio = options.ratio { found += slowdown(ratio, options.cycles) }
        return found
    }

    private func slowdown(_ ratio: Double, _ cycles: Int) -> [String] {
        guard let (first, last) = medians(cycles) else {
            return ["\(kind.rawValue): too few starts to compare the last with the first"]
        }
        if Double(last) <= Double(first) * ratio { return [] }
        return ["\(kind.rawValue): the last starts took \(last) ns, the first ones \(first)"]
    }

    var summary: String {
        let cycles = samples.last?.cycle ?? 0
        var text = "\(kind.rawValue): \(cycles) cycles in \(Int(seconds)) s"
        if kind.isTimed, let (first, last) = medians(cycles) {
            text += ", median start \(first / 1000) µs in the first tenth, \(last / 1000) µs in the last"
        }
        for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) { text += "\n  \(count) \(outcome)" }
        return text
    }
}

/// What there was after some cycles.
struct Sample {
    let cycle: Int
    let state: KernelState
    let leaks: [String]

    /// Looks until nothing is left or it has been there for as long as a busy machine may take: other
    /// processes come and go meanwhile, and only what was there all the time was left by a cycle.
    static func take(
        _ cycle: Int, since before: Census, _ first: KernelState, within seconds: Double
    ) -> Sample {
        var left: Set<String>?
        var state = first
        _ = eventually(within: seconds) {
            state = KernelState.take()
            let now = Set(Census.take().added(since: before) + state.added(since: first))
            left = left?.intersection(now) ?? now
            return left?.isEmpty ?? true
        }
        return Sample(cycle: cycle, state: state, leaks: (left ?? []).sorted())
    }

    /// The leaks, or as many as somebody will read.
    var shortened: [String] {
        leaks.count <= 12 ? leaks : Array(leaks.prefix(10)) + ["and \(leaks.count - 10) more"]
    }

    var line: String {
        "\(cycle): \(leaks.count) left, \(state.memory) KiB, \(state.descriptors) descriptors, "
            + "\(state.threads) threads, cgroups \(state.cgroups.map { "\($0.key) \($0.value)" }.sorted())"
            + shortened.map { "\n  left: \($0)" }.joined()
    }
}
