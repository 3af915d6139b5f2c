import CYardstick
import Glibc
import Linux

/// Measures the relay beside no relay, a relay in C that parses nothing, and socat:
/// `[--rounds N] [--only latency|cost|throughput]`.
///
/// A plugin answers what a host calls, each a process of its own and each frame a write of its own.
/// The conversations of all relays are open at once and take turns, a few milliseconds each, so that
/// what else the machine does hits all alike; a figure is the median of the rounds.
func relayBenchmark(_ words: [String]) throws {
    var rounds = 15
    var parts = ["latency", "cost", "throughput"]
    var rest = words[...]
    while let option = rest.popFirst() {
        switch (option, rest.popFirst()) {
        case ("--rounds", let value?) where (Int(value) ?? 0) > 0: rounds = Int(value) ?? rounds
        case ("--only", let part?) where parts.contains(part): parts = [part]
        default: throw LaunchOptions.Problem("expected --rounds N or --only \(parts.joined(separator: "|"))")
        }
    }
    let middles = Middle.allCases.filter { middle in
        guard middle == .socat, found("socat") == nil else { return true }
        complain("socat is left out: it is not installed")
        return false
    }
    if parts.contains("latency") {
        try latency(middles, "round trip of 1 KB, all on one processor", pins: (0, 0, 0), rounds)
        if sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 {
            try latency(middles, "the same, the ends on two processors", pins: (1, nil, 0), rounds)
        }
    }
    if parts.contains("cost") { try cost(middles, rounds) }
    if parts.contains("throughput") {
        try throughput(middles, .text, rounds)
        try throughput(middles, .table, rounds)
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

private func latency(_ middles: [Middle], _ title: String, pins: Pins, _ rounds: Int) throws {
    let calls = 1_000
    let samples = try measure(middles, .small, window: 1, pins: pins, calls: calls, rounds)
    let p50 = samples.mapValues { $0.map { Double($0.times.p50) / 1e3 } }
    let direct = p50[.direct] ?? []
    let added = p50.mapValues { zip($0, direct).map { $0 - $1 } }
    let plain = added[.plain] ?? []
    show(
        title, ["p50, us", "p99, us", "added, us", "added / plain", "p50 / direct", "cpu us/frame"], middles
    ) { middle in
        [
            median(p50[middle] ?? []), median((samples[middle] ?? []).map { Double($0.times.p99) / 1e3 }),
            middle == .direct ? nil : median(added[middle] ?? []),
            middle == .direct ? nil : median(zip(added[middle] ?? [], plain).map { $0 / $1 }),
            median(zip(p50[middle] ?? [], direct).map { $0 / $1 }),
            middle == .direct
                ? nil
                : median((samples[middle] ?? []).map { Double($0.processor) / Double(2 * calls) / 1e3 }),
        ]
    }
}

private func cost(_ middles: [Middle], _ rounds: Int) throws {
    // Calls and their answers are two frames.
    let calls = 5_000
    var memory: [Middle: (Int, Int)] = [:]
    let samples = try measure(
        middles, .small, window: 64, pins: (nil, nil, nil), calls: calls, rounds,
        memory: { memory[$0] = ($1, $2) })
    let columns = ["cpu us/frame", "frames/s", "KiB before", "KiB after"]
    show("1 KB, 64 calls on their way, \(2 * calls * rounds) frames", columns, middles) { middle in
        let samples = samples[middle] ?? []
        let cost = samples.map { Double($0.processor) / Double(2 * calls) / 1e3 }
        let speed = samples.map { Double(2 * calls) * 1e9 / Double($0.times.elapsed) }
        return [
            middle == .direct ? nil : median(cost), median(speed).map { $0.rounded() },
            middle == .direct ? nil : memory[middle].map { Double($0.0) },
            middle == .direct ? nil : memory[middle].map { Double($0.1) },
        ]
    }
}

private func throughput(_ middles: [Middle], _ kind: RelayMessages.Kind, _ rounds: Int) throws {
    let calls = 40
    let samples = try measure(middles, kind, window: 4, pins: (nil, nil, nil), calls: calls, rounds)
    let size = Double(RelayMessages(kind).answer.count)
    let speed = samples.mapValues { $0.map { size * Double(calls) * 1e3 / Double($0.times.elapsed) } }
    let plain = speed[.plain] ?? []
    let columns = ["MB/s", "/ plain", "cpu us/frame"]
    show("\(kind.rawValue), answers of 1 MiB, 4 calls on their way", columns, middles) { middle in
        let cost = (samples[middle] ?? []).map { Double($0.processor) / Double(calls) / 1e3 }
        return [
            median(speed[middle] ?? []), median(zip(speed[middle] ?? [], plain).map { $0 / $1 }),
            middle == .direct ? nil : median(cost),
        ]
    }
}

private func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    return values.sorted()[values.count / 2]
}

/// One table for people.
private func show(
    _ title: String, _ columns: [String], _ middles: [Middle], _ values: (Middle) -> [Double?]
) {
    let width = 16
    print("\(left(title, 0))\n\(left("", width))\(columns.map { right($0, 14) }.joined())")
    for middle in middles {
        let cells = values(middle).map { right($0.map { text($0) } ?? "", 14) }
        print(left(middle.rawValue, width) + cells.joined())
    }
    print("")
}
