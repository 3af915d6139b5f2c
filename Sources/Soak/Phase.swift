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

    typealias Start = (cycle: Int, nanoseconds: UInt64)

    let kind: Kind
    let width: Int
    var seconds = 0.0
    /// How many cycles ended in each way, such as `SIGKILL to init -> exit 137`.
    var outcomes: [String: Int] = [:]
    /// Ends that no such cycle may have, the first of them in full.
    var unexpected: [String] = []
    /// Nanoseconds of starts that were not interrupted, in the order of the cycles.
    var starts: [Start] = []
    /// Those of a program without a sandbox, between the cycles.
    var references: [Start] = []
    /// Before the first cycle, after every thousand, after the last.
    var samples: [Sample] = []

    static func run(_ kind: Kind, _ options: Options, _ random: inout Seeded) throws -> Phase {
        var phase = Phase(kind: kind, width: kind == .crowd ? options.width : 1)
        // For memory that is allocated once, before memory is compared.
        let warmUp = min(options.every, options.cycles / 10)
        let resident = try kind == .resident ? Resident() : nil
        try phase.cycles(0, warmUp, resident, options, &random)
        (phase.starts, phase.references) = ([], [])
        if options.dropsCaches { try KernelState.dropCaches() }
        let before = Census.take()
        let state = KernelState.take()
        phase.samples.append(Sample(cycle: 0, state: state, leaks: []))
        let began = Host.now
        var done = 0
        var end = options.cycles
        while done < end {
            let count = min(options.every, end - done)
            try phase.slices(done, count, resident, options, &random)
            done += count
            // What a killed corral leaves is swept by the next one.
            try Crowd.sweep(options.corral)
            if done >= options.cycles, options.dropsCaches { try KernelState.dropCaches() }
            let planted = try options.plants ? Planted(kind.rawValue) : nil
            var sample = try Sample.take(
                done, since: before, state, within: options.patience, corral: options.corral)
            sample.start = phase.median(phase.starts, from: done - count, to: done)
            sample.reference = phase.median(phase.references, from: done - count, to: done)
            phase.samples.append(sample)
            try planted?.remove()
            say("\(kind.rawValue) \(sample.line)")
            // A machine that others use as well has slow minutes. They pass; what grows with the cycles
            // does not.
            if done == end, end < options.cycles + 3 * phase.tenth(options), !phase.slowdown(options).isEmpty
            {
                end += phase.tenth(options)
                say("\(kind.rawValue): the last starts took longer; \(end - done) cycles more")
            }
        }
        phase.seconds = Host.now - began
        return phase
    }

    /// Cycles, with references between them where starts are timed.
    private mutating func slices(
        _ first: Int, _ count: Int, _ resident: Resident?, _ options: Options, _ random: inout Seeded
    ) throws {
        for slice in stride(from: first, to: first + count, by: Reference.every) {
            try cycles(slice, min(Reference.every, first + count - slice), resident, options, &random)
            for _ in 0..<(kind.isTimed ? Reference.starts : 0) {
                references.append((slice, try Reference.start()))
            }
        }
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

    /// What starts took when the cycles began, and when they ended.
    struct Pace {
        /// Medians of the first tenth of the cycles and of the last, in nanoseconds.
        let first, last: UInt64
        /// Those of a program without a sandbox.
        let firstReference, lastReference: UInt64

        var ratio: Double { Double(last) / Double(first) }
        /// How much slower the machine itself is at the end.
        var machine: Double { Double(lastReference) / Double(firstReference) }

        var description: String {
            "median start \(first / 1000) µs in the first tenth, \(last / 1000) µs in the last; without "
                + "a sandbox \(firstReference / 1000) µs and \(lastReference / 1000) µs"
        }
    }

    func pace(_ options: Options) -> Pace? {
        let (tenth, end) = (tenth(options), samples.last?.cycle ?? 0)
        // There are few references, and in a short soak none in its last tenth.
        let few = max(tenth, Reference.every)
        guard let first = median(starts, from: 0, to: tenth),
            let last = median(starts, from: end - tenth, to: end),
            let firstReference = median(references, from: 0, to: few),
            let lastReference = median(references, from: end - few, to: end)
        else { return nil }
        return Pace(
            first: first, last: last, firstReference: firstReference, lastReference: lastReference)
    }

    private func tenth(_ options: Options) -> Int { max(1, options.cycles / 10) }

    private func median(_ starts: [Start], from first: Int, to end: Int) -> UInt64? {
        let times = starts.filter { $0.cycle >= first && $0.cycle < end }.map(\.nanoseconds).sorted()
        return times.isEmpty ? nil : times[times.count / 2]
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
        found += slowdown(options)
        return found
    }

    private func slowdown(_ options: Options) -> [String] {
        guard kind.isTimed, let ratio = options.ratio else { return [] }
        guard let pace = pace(options) else {
            return ["\(kind.rawValue): too few starts to compare the last with the first"]
        }
        if pace.ratio <= ratio * max(1, pace.machine) { return [] }
        return ["\(kind.rawValue): the last starts took longer: \(pace.description)"]
    }

    func summary(_ options: Options) -> String {
        let cycles = samples.last?.cycle ?? 0
        var text = "\(kind.rawValue): \(cycles) cycles in \(Int(seconds)) s"
        if kind.isTimed, let pace = pace(options) { text += ", \(pace.description)" }
        for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) { text += "\n  \(count) \(outcome)" }
        return text
    }
}

/// What there was after some cycles.
struct Sample {
    let cycle: Int
    let state: KernelState
    let leaks: [String]
    /// Medians of the cycles since the last sample, in nanoseconds; nil where none was timed.
    var start: UInt64?
    var reference: UInt64?

    /// Looks until nothing is left or it has been there for as long as a busy machine may take: other
    /// processes come and go meanwhile, and only what was there all the time was left by a cycle.
    ///
    /// One `corral` was run before, to sweep what killed ones left; more follow, because on a busy machine the init
    /// that was killed last may not have been dead by then.
    static func take(
        _ cycle: Int, since before: Census, _ first: KernelState, within seconds: Double, corral: String
    ) throws -> Sample {
        var left: Set<String>?
        var state = first
        var nextSweep = Host.now + 1
        _ = try eventually(within: seconds) {
            if Host.now >= nextSweep {
                try Crowd.sweep(corral)
                nextSweep = Host.now + 1
            }
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
            + (start.map { ", start \($0 / 1000) µs" } ?? "")
            + (reference.map { " (without a sandbox \($0 / 1000))" } ?? "")
            + shortened.map { "\n  left: \($0)" }.joined()
    }
}
