import Linux
import TestSupport
import Testing

@testable import Capture

/// The client of docs/attach.md, as it stands there, against the real thing.
@Suite(.timeLimit(.minutes(20))) struct AttachPageTests {
    private func example() throws -> String {
        let page = try #require(File.text(Repository.path("docs/attach.md")))
        let parts = page.split(separator: "```python\n", omittingEmptySubsequences: false)
        try #require(parts.count == 2)
        return String(parts[1].prefix { $0 != "`" })
    }

    @Test func `the bytes of the example are those of the page`() throws {
        let page = try #require(File.text(Repository.path("docs/attach.md")))
        let rows = page.split(separator: "\n").filter {
            $0.hasPrefix("| server | `") || $0.hasPrefix("| client | `")
        }
        let frames: [AttachFrame] = [
            .credit(65_536), .input(Array("hi".utf8), offset: 0, isEnd: true), .credit(65_538),
            .bytes(Array("hi".utf8), of: .output, offset: 0), .bytes([], of: .output, offset: 2, isEnd: true),
            .bytes([], of: .errors, offset: 0, isEnd: true), .exit(Array(#"{"status":0}"#.utf8)),
        ]
        #expect(rows.count == frames.count)
        for (row, frame) in zip(rows, frames) {
            let cell = row.split(separator: "|")[1].filter(\.isHexDigit)
            let bytes = stride(from: 0, to: cell.count, by: 2).compactMap { start in
                UInt8(cell.dropFirst(start).prefix(2), radix: 16)
            }
            #expect(bytes == frame.bytes, "\(row)")
        }
    }

    @Test func `a client in Python made from the page talks to a process`() throws {
        let stage = try Stage()
        let input = try Pipe.make()
        let feed = try InputFeed.make(to: try input.writing.duplicate(), on: stage.loop)
        let process = try Program(
            [
                "/bin/sh", "-c",
                "exec 6<&- 7>&-; wc -c <&3 >&5; head -c 300000 /dev/zero >&4; echo gone >&5",
            ],
            descriptors: [
                input.reading.number, stage.pipes[0]?.value.number ?? -1, stage.pipes[1]?.value.number ?? -1,
            ]
        ).start()
        stage.pipes = [nil, nil]
        try closing(input)
        let notes = Notes()
        notes.action = { frame, reader in
            guard frame.kind == .input else { return }
            feed.offer(frame.payload, from: reader)
            if frame.isEnd { feed.finish() }
        }
        let ends = try StreamPair.make()
        let reader = try stage.output.attach(ends.ours, from: [.oldest], delegate: notes)
        reader.acceptInput()
        let script =
            try example() + """

                import socket
                streams, result = run(socket.socket(fileno=3), b"x" * 500000)
                print(len(streams[OUTPUT]), set(streams[OUTPUT]), streams[ERRORS], result)
                """
        let client = try Program(["/usr/bin/python3", "-c", script], descriptors: [ends.theirs.number])
            .start()
        #expect(try stage.run { stage.output.rings.allSatisfy(\.isEnded) })
        #expect(try process.wait().status == 0)
        stage.output.ended(Array(#"{"status":0}"#.utf8))
        #expect(try stage.run { notes.end == .finished })
        let outcome = try client.wait()
        #expect(outcome.output == "300000 {0} b'500000\\ngone\\n' {'status': 0}\n", "\(outcome.errors)")
    }

    private func closing(_ pipe: consuming Pipe) throws {}
}
