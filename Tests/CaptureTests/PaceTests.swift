import Linux
import TestSupport
import Testing

@testable import Capture

/// A process that waits for one reader, as it would in a pipeline.
@Suite(.timeLimit(.minutes(20))) struct PaceTests {
    /// Writes as much as is taken, in a pipe that is not waited for.
    private func flood(_ stage: Stage, _ stream: OutputStream = .output) throws -> UInt64 {
        switch stage.pipes[stream.rawValue] {
        case .some(let pipe): try pipe.value.setNonBlocking()
        case .none: return 0
        }
        var isFull = false
        while !isFull {
            let start = stage.written[stream.rawValue]
            do {
                try stage.pipes[stream.rawValue]?.value.writeAll(Pattern.bytes(start..<start + 4096))
                stage.written[stream.rawValue] += 4096
            } catch {
                // As it stands in the pipe, some turns later.
                let before = stage.output.rings[stream.rawValue].position
                try stage.settle()
                isFull = stage.output.rings[stream.rawValue].position == before
            }
        }
        return stage.output.rings[stream.rawValue].position
    }

    @Test func `nothing is taken that is far ahead of the reader that leads, which loses nothing`() throws {
        let stage = try Stage(.ends(1000))
        let (client, _) = try stage.attach(leads: true)
        let (late, _) = try stage.attach()
        let taken = try flood(stage)
        // The socket holds some as well.
        #expect(taken >= ProcessOutput.lead && taken < ProcessOutput.lead + (4 << 20))
        #expect(stage.output.kept(.output)?.kept == 1000)
        for _ in 0..<5 {
            #expect(
                try stage.run {
                    try client.receive()
                    return client.counts[0] == stage.output.rings[0].position
                })
            _ = try flood(stage)
        }
        try client.receive()
        #expect(client.gaps.isEmpty)
        // Whom nobody waits for is told what it lost.
        try late.receive()
        #expect(stage.output.rings[0].position > 3 * ProcessOutput.lead)
    }

    @Test func `a process that waits goes on when its reader has left`() throws {
        let stage = try Stage(.last(100_000))
        stage.output.pace()
        // Also before it has come.
        let first = try flood(stage)
        #expect(first == ProcessOutput.lead)
        let (client, reader) = try stage.attach(leads: true)
        // Its end would be a reader that left.
        defer { withExtendedLifetime(client) {} }
        _ = try flood(stage)
        let held = try flood(stage)
        reader.detach()
        try stage.settle()
        #expect(stage.output.rings[0].position >= held)
        try stage.write(8 << 20)
        #expect(stage.output.rings[0].window.kept == 100_000)
    }

    @Test func `a window spares what is still to be sent`() {
        let window = Window(head: 100, tail: 900, position: 1000)
        #expect(window.sparing(from: 950) == window)
        #expect(window.sparing(from: 500) == Window(head: 100, tail: 500, position: 1000))
        #expect(window.sparing(from: 50) == Window(head: 0, tail: 0, position: 1000))
    }
}
