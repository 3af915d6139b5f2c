import Capture
import Service

/// Goes through what a process wrote, one stream or both, in the order of the times as far as they are known.
struct LogReader {
    private var cursors: [(ring: OutputRing, offset: UInt64)] = []

    /// - Parameter rings: those that are asked for.
    init(_ rings: [OutputRing], from start: StartPoint) throws(CaptureError) {
        for ring in rings {
            var offset = try ring.offset(of: start)
            // Times and lines may lead to what is gone.
            if case .dropped(let range) = ring.window.place(of: offset) { offset = range.upperBound }
            cursors.append((ring, offset))
        }
    }

    /// The next bytes; empty when there are none now.
    mutating func next(atMost most: Int) throws(CaptureError) -> [UInt8] {
        while let index = earliest() {
            let (ring, offset) = cursors[index]
            switch try ring.read(from: offset, atMost: min(most, longest(index))) {
            case .bytes(let bytes):
                cursors[index].offset += UInt64(bytes.count)
                return bytes
            case .lost(let range): cursors[index].offset = range.upperBound
            case .nothing, .end: return []
            }
        }
        return []
    }

    /// The stream whose next byte came first.
    private func earliest() -> Int? {
        let waiting = cursors.indices.filter { cursors[$0].offset < cursors[$0].ring.position }
        return waiting.min { time($0) < time($1) }
    }

    private func time(_ index: Int) -> UInt64 {
        cursors[index].ring.times.time(of: cursors[index].offset) ?? 0
    }

    /// Where the other stream waits as well, only what has the same time goes at once.
    private func longest(_ index: Int) -> Int {
        let (ring, offset) = cursors[index]
        let others = cursors.indices.contains {
            $0 != index && cursors[$0].offset < cursors[$0].ring.position
        }
        guard others, let next = ring.times.entries.first(where: { $0.offset > offset }) else { return .max }
        return Int(clamping: next.offset - offset)
    }
}

/// An answer that goes on with what a process writes, until it has ended.
final class LogFollower: StreamSource {
    private var reader: LogReader
    private let output: ProcessOutput
    private let run: ProcessRun
    private weak var stream: ResponseStream?
    private var pending: ArraySlice<UInt8> = []

    init(_ reader: LogReader, of output: ProcessOutput, _ run: ProcessRun) {
        self.reader = reader
        self.output = output
        self.run = run
    }

    func response() -> Response {
        let stream = ResponseStream(self)
        self.stream = stream
        run.followers.append(self)
        return .stream(stream, type: "application/octet-stream")
    }

    func wake() { stream?.wake() }

    func next(into memory: inout MutableSpan<UInt8>) -> StreamStep {
        if pending.isEmpty {
            guard let bytes = try? reader.next(atMost: 64 << 10) else { return .broken }
            pending = bytes[...]
        }
        if pending.isEmpty {
            // Another run has another output, and this one is over.
            return run.output === output ? .nothingYet : .end
        }
        let count = min(memory.count, pending.count)
        for (index, byte) in pending.prefix(count).enumerated() { memory[index] = byte }
        pending = pending.dropFirst(count)
        return .bytes(count)
    }

    func finished(_ how: StreamEnd) { run.followers.removeAll { $0 === self } }
}
