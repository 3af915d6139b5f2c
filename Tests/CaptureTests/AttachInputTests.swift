import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Capture

@Suite(.timeLimit(.minutes(20))) struct AttachInputTests {
    @Test func `input, sizes and signals reach the delegate in their order`() throws {
        let stage = try Stage()
        let notes = Notes()
        let (client, reader) = try stage.attach(delegate: notes)
        reader.acceptInput()
        #expect(
            try stage.run {
                try client.receive(); return client.credit == 65_536
            })
        let frames: [AttachFrame] = [
            .input(Array("abc".utf8), offset: 0), .resize(columns: 80, rows: 24), .signal(2),
            .input([], offset: 3, isEnd: true),
        ]
        try client.send(frames.flatMap(\.bytes))
        #expect(try stage.run { notes.frames == frames })
        reader.inputTaken(3)
        #expect(
            try stage.run {
                try client.receive(); return client.credit == 65_539
            })
    }

    @Test func `bytes that came with the request count`() throws {
        let stage = try Stage()
        let notes = Notes()
        let ends = try StreamPair.make()
        let bytes = AttachFrame.signal(2).bytes + AttachFrame.signal(3).bytes.prefix(5)
        _ = try stage.output.attach(ends.ours, from: [.oldest], behind: bytes, delegate: notes)
        #expect(try stage.run { notes.frames == [.signal(2)] })
    }

    @Test(
        arguments: [
            ([.input(Array("abc".utf8), offset: 1)], "input from 1 on where 0 was expected"),
            (
                [.input([], offset: 0, isEnd: true), .input([1], offset: 0)],
                "input behind the end of the input"
            ),
            ([.credit(5)], "the frame at byte 0: a frame of type credit is not for this side to send"),
        ] as [([AttachFrame], String)])
    func `who breaks the rules is told how, and let go of`(frames: [AttachFrame], text: String) throws {
        let stage = try Stage()
        let notes = Notes()
        let (client, reader) = try stage.attach(delegate: notes)
        reader.acceptInput()
        try client.send(frames.flatMap(\.bytes) + AttachFrame.signal(9).bytes)
        #expect(
            try stage.run {
                try client.receive(); return client.isOver
            })
        #expect(client.error == text)
        #expect(notes.end == .refused(text))
        #expect(!notes.frames.contains(.signal(9)))
        #expect(stage.output.readerCount == 0)
    }

    @Test func `more input than was granted is refused`() throws {
        let stage = try Stage()
        let notes = Notes()
        let (client, _) = try stage.attach(delegate: notes)
        try client.send(AttachFrame.input([1], offset: 0).bytes)
        #expect(
            try stage.run {
                try client.receive(); return client.isOver
            })
        #expect(client.error == "input up to 1, and 0 was granted")
        #expect(notes.frames.isEmpty)
    }

    @Test func `a client that sends no more still reads on`() throws {
        let stage = try Stage()
        let notes = Notes()
        let (client, _) = try stage.attach(delegate: notes)
        try client.send(AttachFrame.signal(1).bytes)
        _ = shutdown(client.socket.numberOrNone, CInt(SHUT_WR))
        #expect(try stage.run { notes.frames.count == 1 })
        try stage.write(100_000)
        #expect(
            try stage.run {
                try client.receive(); return client.counts[0] == 100_000
            })
        #expect(notes.end == nil)
    }

    @Test func `what a client said before it left counts`() throws {
        let stage = try Stage()
        let notes = Notes()
        let (client, _) = try stage.attach(delegate: notes)
        try stage.settle()
        try client.send(AttachFrame.signal(1).bytes)
        client.socket = nil
        #expect(try stage.run { notes.end == .left })
        #expect(notes.frames == [.signal(1)])
    }

    // MARK: The process's input

    @Test func `a process that does not read stops the input of its clients and nothing else`() throws {
        let stage = try Stage()
        let pipe = try Pipe.make()
        let feed = try InputFeed.make(to: try pipe.writing.duplicate(), on: stage.loop)
        let notes = Notes()
        notes.action = { frame, reader in
            if frame.kind == .input { feed.offer(frame.payload, from: reader) }
        }
        let (client, reader) = try stage.attach(delegate: notes)
        reader.acceptInput()
        var sent: UInt64 = 0
        // As much as credit and pipe let.
        for _ in 0..<200 {
            try client.receive()
            if client.credit > sent {
                let part = min(client.credit - sent, 10_000)
                try client.send(AttachFrame.input(Pattern.bytes(sent..<sent + part), offset: sent).bytes)
                sent += part
            }
            try stage.settle()
        }
        #expect(sent == client.credit && feed.waiting == 65_536)
        #expect(sent == feed.delivered + 65_536)
        try client.send(AttachFrame.signal(15).bytes)
        #expect(try stage.run { notes.frames.last == .signal(15) })
        // The process reads again, and everything arrives.
        try pipe.reading.setNonBlocking()
        var bytes: [UInt8] = []
        #expect(
            try stage.run {
                bytes += (try? pipe.reading.readOnce(limit: 65_536)) ?? []
                return bytes.count == Int(sent)
            })
        #expect(Pattern.mismatch(bytes, at: 0) == nil)
        #expect(feed.waiting == 0)
    }

    private final class Sender: InputSender {
        var taken = 0
        func inputTaken(_ count: Int) { taken += count }
    }

    /// As small as they can be, which costs most.
    @Test func `each sender is told of its own bytes, and pieces arrive in their order`() throws {
        let loop = try EventLoop()
        defer { loop.removeAll() }
        let pipe = try Pipe.make()
        let feed = try InputFeed.make(to: try pipe.writing.duplicate(), on: loop)
        let senders = [Sender(), Sender(), Sender()]
        for index in 0..<120_000 {
            feed.offer([UInt8(truncatingIfNeeded: index)], from: senders[index / 7 % 3])
            feed.offer([], from: senders[0])
        }
        #expect(feed.waiting > 0)
        #expect(senders.map(\.taken).reduce(0, +) + feed.waiting == 120_000)
        var bytes: [UInt8] = []
        while bytes.count < 120_000 {
            bytes += try pipe.reading.readOnce(limit: 65_536)
            _ = try loop.turn(timeout: 0)
        }
        #expect(bytes == (0..<120_000).map { UInt8(truncatingIfNeeded: $0) })
        #expect(senders.map(\.taken) == [40_004, 39_998, 39_998])
    }

    @Test func `the end of the input comes behind what waits`() throws {
        let loop = try EventLoop()
        defer { loop.removeAll() }
        let pipe = try Pipe.make()
        let reading = try pipe.reading.duplicate()
        let feed = try InputFeed.make(to: try pipe.writing.duplicate(), on: loop)
        try closing(pipe)
        feed.offer(Pattern.bytes(0..<100_000), from: Sender())
        feed.finish()
        #expect(feed.isOpen)
        let late = Sender()
        feed.offer([1, 2], from: late)
        #expect(late.taken == 2)
        var bytes: [UInt8] = []
        while bytes.count < 100_000 {
            bytes += try reading.readOnce(limit: 65_536)
            _ = try loop.turn(timeout: 0)
        }
        #expect(Pattern.mismatch(bytes, at: 0) == nil)
        #expect(!feed.isOpen)
        #expect(try reading.readOnce(limit: 1) == [])
    }

    @Test func `input that nobody reads is thrown away, without a signal`() throws {
        let loop = try EventLoop()
        defer { loop.removeAll() }
        let pipe = try Pipe.make()
        let feed = try InputFeed.make(to: try pipe.writing.duplicate(), on: loop)
        try closing(pipe)
        let sender = Sender()
        feed.offer(Pattern.bytes(0..<100_000), from: sender)
        #expect(sender.taken == 100_000 && !feed.isOpen)
        feed.offer([1], from: sender)
        #expect(sender.taken == 100_001)
    }

    private func closing(_ pipe: consuming Pipe) throws {}
}
