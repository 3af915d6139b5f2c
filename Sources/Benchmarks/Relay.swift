import CYardstick
import Figures
import Glibc
import Linux

/// Measures the relay beside no relay, a relay in C that parses nothing, and socat:
/// `[--rounds N] [--only latency|cost|throughput] [--json FILE]`.
///
/// A plugin answers what a host calls, each a process of its own and each frame a write of its own.
/// The conversations of all relays are open at once and take turns, a few milliseconds each, so that
/// what else the machine does hits all alike; a figure is the median of the rounds.
func relayBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    let rounds = options.rounds
    let parts = try partsToMeasure(options)
    let middles = Middle.allCases.filter { middle in
        guard middle == .socat, found("socat") == nil else { return true }
        results.leaveOut("socat", "it is not installed")
        return false
    }
    if parts.contains("latency") {
        try latency(middles, "one processor", pins: (0, 0, 0), rounds, results)
        if sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 {
            try latency(middles, "two processors", pins: (1, nil, 0), rounds, results)
        }
    }
    if parts.contains("cost") { try cost(middles, rounds, results) }
    if parts.contains("throughput") {
        try throughput(middles, .text, rounds, results)
        try throughput(middles, .table, rounds, results)
    }
}

private typealias Pins = (plugin: Int?, relay: Int?, host: Int?)

/// What one conversation showed in one round.
private struct Sample {
    let times: yardstick_times
    let processor: UInt64
}

/// Has each conversation make `calls` calls in each round; returns the rounds of each.
private func measure(
    _ middles: [Middle], _ kind: RelayMessages.Kind, window: Int, pins: Pins, calls: Int, _ rounds: Int,
    memory: ((Middle, Int, Int) -> Void)? = nil
) throws -> [Middle: [Sample]] {
    var samples: [Middle: [Sample]] = [:]
    var directory = try ScratchDirectory()
    // Arrays hold no noncopyable values.
    var conversations: [ConversationBox] = []
    for (index, middle) in middles.enumerated() {
        let place = try directory.makeDirectory("\(index)")
        conversations.append(
            ConversationBox(try .start(middle, kind, window: window, pins: pins, directory: place)))
    }
    var before: [Int] = []
    for box in conversations {
        _ = try box.conversation.calls(calls)
        before.append(try box.conversation.memory())
    }
    for round in 0..<rounds {
        for turn in conversations.indices {
            let box = conversations[(round + turn) % conversations.count]
            let start = try box.conversation.processorTime()
            let times = try box.conversation.calls(calls)
            let processor = try box.conversation.processorTime() - start
            samples[box.conversation.middle, default: []].append(Sample(times: times, processor: processor))
        }
    }
    for (box, before) in zip(conversations, before) {
        memory?(box.conversation.middle, before, try box.conversation.memory())
    }
    for box in conversations { try box.conversation.end() }
    return samples
}

private final class ConversationBox {
    var conversation: Conversation
    init(_ conversation: consuming Conversation) { self.conversation = conversation }
}

private func partsToMeasure(_ options: Options) throws(Options.Problem) -> [String] {
    let parts = ["latency", "cost", "throughput"]
    guard let only = options.only else { return parts }
    guard parts.contains(only) else {
        throw Options.Problem("--only must be one of \(parts.joined(separator: ", ")), not \(only)")
    }
    return [only]
}

private func latency(
    _ middles: [Middle], _ name: String, pins: Pins, _ rounds: Int, _ results: Results
) throws {
    let calls = 1_000
    let samples = try measure(middles, .small, window: 1, pins: pins, calls: calls, rounds)
    let p50 = samples.mapValues { $0.map { Double($0.times.p50) / 1e3 } }
    let direct = p50[.direct] ?? []
    let added = p50.mapValues { zip($0, direct).map { $0 - $1 } }
    let plain = added[.plain] ?? []
    let table = RelayTable(title: "round trip of 1 KB", path: "relay/\(name)", rounds, results)
    for middle in middles {
        let (own, more) = (p50[middle] ?? [], added[middle] ?? [])
        let p99 = (samples[middle] ?? []).map { Double($0.times.p99) / 1e3 }
        var columns = [
            RelayColumn("p50", "us", median(own)), RelayColumn("p99", "us", median(p99)),
            RelayColumn("to direct", "ratio", median(zip(own, direct).map { $0 / $1 })),
        ]
        if middle != .direct {
            let cost = (samples[middle] ?? []).map { Double($0.processor) / Double(2 * calls) / 1e3 }
            columns += [
                RelayColumn("added", "us", median(more)),
                RelayColumn("added to plain", "ratio", median(zip(more, plain).map { $0 / $1 })),
                RelayColumn("cpu", "us", median(cost)),
            ]
        }
        try table.add(middle, columns)
    }
}

private func cost(_ middles: [Middle], _ rounds: Int, _ results: Results) throws {
    // Calls and their answers are two frames.
    let calls = 5_000
    var memory: [Middle: (Int, Int)] = [:]
    let samples = try measure(
        middles, .small, window: 64, pins: (nil, nil, nil), calls: calls, rounds,
        memory: { memory[$0] = ($1, $2) })
    let title = "1 KB, 64 calls on their way, \(2 * calls * rounds) frames"
    let table = RelayTable(title: title, path: "relay/64 calls", rounds, results)
    for middle in middles {
        let samples = samples[middle] ?? []
        let cost = samples.map { Double($0.processor) / Double(2 * calls) / 1e3 }
        let speed = samples.map { Double(2 * calls) * 1e9 / Double($0.times.elapsed) }
        var columns = [RelayColumn("frames", "frames a second", median(speed)?.rounded())]
        if middle != .direct {
            columns += [
                RelayColumn("cpu", "us", median(cost)),
                RelayColumn("before", "KiB", memory[middle].map { Double($0.0) }),
                RelayColumn("after", "KiB", memory[middle].map { Double($0.1) }),
            ]
        }
        try table.add(middle, columns)
    }
}

private func throughput(
    _ middles: [Middle], _ kind: RelayMessages.Kind, _ rounds: Int, _ results: Results
) throws {
    let calls = 40
    let samples = try measure(middles, kind, window: 4, pins: (nil, nil, nil), calls: calls, rounds)
    let size = Double(RelayMessages(kind).answer.count)
    let speed = samples.mapValues { $0.map { size * Double(calls) * 1e3 / Double($0.times.elapsed) } }
    let plain = speed[.plain] ?? []
    let title = "\(kind.rawValue), answers of 1 MiB, 4 calls on their way"
    let table = RelayTable(title: title, path: "relay/\(kind.rawValue)", rounds, results)
    for middle in middles {
        let cost = (samples[middle] ?? []).map { Double($0.processor) / Double(calls) / 1e3 }
        let own = speed[middle] ?? []
        var columns = [
            RelayColumn("speed", "MB/s", median(own)),
            RelayColumn("to plain", "ratio", median(zip(own, plain).map { $0 / $1 })),
        ]
        if middle != .direct { columns.append(RelayColumn("cpu", "us", median(cost))) }
        try table.add(middle, columns)
    }
}
