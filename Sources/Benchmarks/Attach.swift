import Capture
import Figures
import Glibc
import Linux

/// Measures how fast output goes from a process that writes 64 KiB at a time to a client that throws it
/// away: `[--rounds N] [--json FILE]`. Beside it `cat` between two pipes.
///
/// The scenes take turns; a figure is the median of the rounds, and a ratio that of the rounds' ratios.
func attachBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    var flows: [AttachScene: [Flow]] = [:]
    for round in 0...options.rounds {
        for turn in AttachScene.allCases.indices {
            let scene = AttachScene.allCases[(round + turn) % AttachScene.allCases.count]
            let flow = try scene.run()
            // The first round finds everything cold.
            if round > 0 { flows[scene, default: []].append(flow) }
        }
    }
    print("output of a process")
    let cat = flows[.cat] ?? []
    for scene in AttachScene.allCases {
        let own = flows[scene] ?? []
        let ratios = zip(own, cat).map { $0.speed / $1.speed }
        guard let speed = median(own.map(\.speed)), let ratio = median(ratios),
            let cost = median(own.map(\.cost))
        else { continue }
        print(
            "  \(left(scene.rawValue, 8))\(right(text(speed), 10)) MB/s, to cat \(text(ratio))",
            terminator: "")
        print(", processor time \(text(cost)) ms a GB")
        let figures = [("MB/s", "speed", speed), ("ratio", "to cat", ratio), ("ms", "cpu", cost)]
        for (unit, name, value) in figures {
            let path = "attach/\(scene.rawValue)/\(unit)"
            try results.add(Measurement(name: path, unit: unit, samples: own.count, values: [(name, value)]))
        }
    }
}

/// What one run of a scene showed.
struct Flow {
    /// MB/s (10^6 bytes) that arrived.
    let speed: Double
    /// Milliseconds of processor time for each GB that arrived, of all on the way but who writes. Other load
    /// hardly changes it.
    let cost: Double

    /// Times from now on.
    struct Start {
        let time = monotonicTime()
        let processor = ownProcessorTime()

        /// - Parameter others: nanoseconds on a processor, of other processes.
        func flow(of bytes: Int, and others: UInt64) -> Flow {
            let cost = Double(ownProcessorTime() - processor + others) / Double(bytes) * 1e3
            return Flow(speed: Double(bytes) * 1_000 / Double(monotonicTime() - time), cost: cost)
        }
    }
}

/// Nanoseconds on a processor, of this process.
private func ownProcessorTime() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Which way the bytes go, from a process of its own to another.
enum AttachScene: String, CaseIterable {
    /// Pipe, `cat`, pipe.
    case cat
    /// Pipe and ring, to nobody.
    case ring
    /// Pipe, ring, unix socket, as they come.
    case attach
    /// Ring and unix socket, what was kept.
    case replay

    private static let total = 512 << 20
    private static let kept = 64 << 20

    func run() throws -> Flow {
        switch self {
        case .cat: try Self.throughCat()
        case .ring: try Self.captured(kept: 1 << 20, isAttached: false)
        case .attach: try Self.captured(kept: 1 << 20, isAttached: true)
        case .replay: try Self.replayed()
        }
    }

    private static func throughCat() throws -> Flow {
        let (first, second) = (try Ends(), try Ends())
        let null = try openNull()
        let start = Flow.Start()
        let writer = try role("write", [null.number, first.writing.numberOrNone])
        let others = [
            try Child(["cat"], [first.reading.numberOrNone, second.writing.numberOrNone, 2], pin: nil),
            try role("read", [second.reading.numberOrNone, null.number]),
        ]
        first.close()
        second.close()
        _ = try end([writer])
        return start.flow(of: total, and: try end(others))
    }

    private static func captured(kept: UInt64, isAttached: Bool) throws -> Flow {
        let loop = try EventLoop()
        defer { loop.removeAll() }
        let pipe = try Ends()
        let count = try Ends()
        let output = try newOutput(keeping: kept, from: pipe, loop)
        let client = Client()
        let readers = isAttached ? [try attach(to: output, counting: count, client)] : []
        let start = Flow.Start()
        let writer = try role("write", [2, pipe.writing.numberOrNone])
        pipe.close()
        while !output.rings[0].isEnded { _ = try loop.turn(timeout: -1) }
        output.ended(Array("{}".utf8))
        while isAttached, !client.isOver { _ = try loop.turn(timeout: -1) }
        _ = try end([writer])
        let others = try end(readers)
        return start.flow(of: isAttached ? try received(count) : total, and: others)
    }

    private static func replayed() throws -> Flow {
        let loop = try EventLoop()
        defer { loop.removeAll() }
        let pipe = try Ends()
        let count = try Ends()
        let output = try newOutput(keeping: UInt64(kept), from: pipe, loop)
        let writer = try role("write", [2, pipe.writing.numberOrNone])
        pipe.close()
        while !output.rings[0].isEnded { _ = try loop.turn(timeout: -1) }
        output.ended(Array("{}".utf8))
        _ = try end([writer])
        var bytes = 0
        var others: UInt64 = 0
        let start = Flow.Start()
        for _ in 0..<total / kept {
            let client = Client()
            let reader = try attach(to: output, counting: count, client)
            while !client.isOver { _ = try loop.turn(timeout: -1) }
            others += try end([reader])
            bytes += try received(count)
        }
        return start.flow(of: bytes, and: others)
    }

    // MARK: Parts

    /// A pipe whose ends go one by one.
    private final class Ends {
        var reading: FileDescriptor?
        var writing: FileDescriptor?

        init() throws(SystemError) {
            let pipe = try Pipe.make()
            reading = try pipe.reading.duplicate()
            writing = try pipe.writing.duplicate()
        }

        func close() {
            reading = nil
            writing = nil
        }
    }

    private final class Client: AttachDelegate {
        var isOver = false
        func received(_ frame: AttachFrame, from reader: AttachedReader) {}
        func ended(_ reader: AttachedReader, _ end: AttachEnd) { isOver = true }
    }

    private static func newOutput(
        keeping kept: UInt64, from pipe: Ends, _ loop: EventLoop
    ) throws -> ProcessOutput {
        let output = ProcessOutput(retention: .last(kept), on: loop)
        if let source = pipe.reading.take() {
            let ring = try OutputRing.adopt(try OutputRing.makeMemory(name: "benchmark"))
            output.add(ring, from: .pipe(source))
        }
        try output.start()
        return output
    }

    private static func attach(
        to output: ProcessOutput, counting count: Ends, _ client: Client
    ) throws -> Child {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        _ = try call("socketpair") { unsafe socketpair(AF_UNIX, kind, 0, &ends) }
        let theirs = FileDescriptor(owning: ends[1])
        _ = try output.attach(FileDescriptor(owning: ends[0]), from: [.oldest], delegate: client)
        return try role("read", [theirs.number, count.writing.numberOrNone])
    }

    private static func role(_ name: String, _ descriptors: [CInt]) throws -> Child {
        let words = ["/proc/self/exe", "attach-role", name, "\(total)"]
        return try Child(words, descriptors + [2], pin: nil)
    }

    /// - Returns: what they took on a processor, in nanoseconds.
    private static func end(_ children: [Child]) throws -> UInt64 {
        var time: UInt64 = 0
        for child in children {
            if let problem = try child.end(addingTime: &time) { throw Options.Problem(problem) }
        }
        return time
    }

    private static func received(_ count: Ends) throws -> Int {
        var bytes: UInt64 = 0
        let number = count.reading.numberOrNone
        _ = try call("read") { unsafe read(number, &bytes, 8) }
        return Int(bytes)
    }
}

/// One end of the benchmark, which starts it under this word: `attach-role write|read COUNT`. What is
/// written goes to descriptor 1; what is read comes from descriptor 0 and is counted to descriptor 1.
func attachRole(_ words: [String]) throws {
    guard words.count == 2, let total = Int(words[1]) else {
        throw Options.Problem("attach-role: expected a role and a count")
    }
    let input = FileDescriptor(owning: 0)
    let output = FileDescriptor(owning: 1)
    if words[0] == "write" {
        let bytes = [UInt8](repeating: 0x78, count: 64 << 10)
        for _ in 0..<total / bytes.count { try output.writeAll(bytes) }
        return
    }
    var room = [UInt8](repeating: 0, count: 256 << 10)
    var sum: UInt64 = 0
    while true {
        var span = room.mutableSpan
        let count = try input.read(into: &span)
        if count == 0 { break }
        sum += UInt64(count)
    }
    _ = unsafe write(1, &sum, 8)
}
