import Glibc
import Synchronization
import Testing

@testable import Linux

@Suite(.timeLimit(.minutes(20))) struct EventLoopTests {
    private final class Recorder: EventHandler {
        var seen: [(EventLoop.Token, Events)] = []
        var action: ((EventLoop.Token, Events) -> Void)?

        func ready(_ token: EventLoop.Token, _ events: Events) {
            seen.append((token, events))
            action?(token, events)
        }
    }

    private func write(_ count: Int, to descriptor: borrowing FileDescriptor) throws {
        let bytes = [UInt8](repeating: 1, count: count)
        #expect(try descriptor.write(bytes.span) == count)
    }

    @Test func `a level-triggered descriptor is told for as long as it is ready, an edge-triggered one once`()
        throws
    {
        let loop = try EventLoop()
        let level = try Pipe.make()
        let edge = try Pipe.make()
        let (levels, edges) = (Recorder(), Recorder())
        _ = try loop.add(level.reading, for: .readable, handler: levels)
        _ = try loop.add(edge.reading, for: [.readable, .edgeTriggered], handler: edges)
        #expect(try loop.turn(timeout: 0) == 0)
        try write(1, to: level.writing)
        try write(1, to: edge.writing)
        for _ in 0..<3 { _ = try loop.turn(timeout: 0) }
        #expect(levels.seen.count == 3)
        #expect(edges.seen.count == 1)
        #expect(edges.seen.first?.1 == .readable)
        try write(1, to: edge.writing)
        _ = try loop.turn(timeout: 0)
        #expect(edges.seen.count == 2)
        loop.removeAll()
    }

    /// Whichever of its two is told first, it lets go of both and gives the places away.
    private final class Quitter: EventHandler {
        let loop: EventLoop
        let one: Pipe
        let two: Pipe
        let other: Pipe
        var tokens: [EventLoop.Token] = []
        var calls = 0
        let next = Recorder()

        init(_ loop: EventLoop) throws {
            self.loop = loop
            one = try Pipe.make()
            two = try Pipe.make()
            other = try Pipe.make()
            tokens = [
                try loop.add(one.reading, for: .readable, handler: self),
                try loop.add(two.reading, for: .readable, handler: self),
            ]
        }

        func ready(_ token: EventLoop.Token, _ events: Events) {
            calls += 1
            loop.remove(one.reading, tokens[0])
            loop.remove(two.reading, tokens[1])
            tokens = [
                (try? loop.add(one.reading, for: .writable, handler: next)) ?? token,
                (try? loop.add(other.reading, for: .readable, handler: next)) ?? token,
            ]
        }
    }

    @Test func `an event fetched for a removed handler reaches neither it nor the next user of its place`()
        throws
    {
        let loop = try EventLoop()
        let quitter = try Quitter(loop)
        let before = quitter.tokens
        try write(1, to: quitter.one.writing)
        try write(1, to: quitter.two.writing)
        #expect(try loop.turn(timeout: 0) == 2)
        #expect(quitter.calls == 1)
        #expect(quitter.next.seen.isEmpty)
        #expect(Set(before).isDisjoint(with: quitter.tokens))
        try write(1, to: quitter.other.writing)
        #expect(try loop.turn(timeout: 0) == 1)
        #expect(quitter.next.seen.map(\.0) == [quitter.tokens[1]])
        loop.removeAll()
    }

    @Test func `a handler that asks for another turn gets it behind those that are ready`() throws {
        let loop = try EventLoop()
        let busy = try Pipe.make()
        let other = try Pipe.make()
        let (first, second) = (Recorder(), Recorder())
        let token = try loop.add(busy.reading, for: [.readable, .edgeTriggered], handler: first)
        first.action = { token, _ in if first.seen.count < 3 { loop.again(token) } }
        try write(1, to: busy.writing)
        #expect(try loop.turn(timeout: 0) == 1)
        _ = try loop.add(other.reading, for: [.readable, .edgeTriggered], handler: second)
        try write(1, to: other.writing)
        // Must not wait, although nothing may be ready.
        #expect(try loop.turn(timeout: -1) == 2)
        #expect(try loop.turn(timeout: -1) == 1)
        #expect(try loop.turn(timeout: 0) == 0)
        #expect(first.seen.map(\.1) == [.readable, [], []])
        #expect(first.seen.allSatisfy { $0.0 == token })
        #expect(second.seen.count == 1)
        first.action = nil
        loop.removeAll()
    }

    @Test func `what can wait is done one at a time, in turns in which nothing is ready`() throws {
        let loop = try EventLoop()
        let pipe = try Pipe.make()
        let recorder = Recorder()
        _ = try loop.add(pipe.reading, for: .readable, handler: recorder)
        var done: [Int] = []
        loop.whenIdle { done.append(recorder.seen.count) }
        loop.whenIdle { done.append(recorder.seen.count) }
        try write(1, to: pipe.writing)
        for _ in 0..<3 { #expect(try loop.turn(timeout: -1) == 1) }
        #expect(done.isEmpty)
        var byte: UInt8 = 0
        let number = pipe.reading.number
        #expect(unsafe read(number, &byte, 1) == 1)
        // It does not wait for events then.
        #expect(try loop.turn(timeout: -1) == 1)
        #expect(done == [3])
        #expect(try loop.turn(timeout: -1) == 1)
        #expect(done == [3, 3])
        #expect(try loop.turn(timeout: 0) == 0)
        loop.removeAll()
    }

    @Test func `what is watched can be changed`() throws {
        let loop = try EventLoop()
        let pipe = try Pipe.make()
        let recorder = Recorder()
        let token = try loop.add(pipe.writing, for: [.edgeTriggered], handler: recorder)
        #expect(try loop.turn(timeout: 0) == 0)
        try loop.change(pipe.writing, token, to: [.edgeTriggered, .writable])
        #expect(try loop.turn(timeout: 0) == 1)
        #expect(recorder.seen.map(\.1) == [.writable])
        loop.removeAll()
    }

    @Test func `removing every handler frees those that hold the loop`() throws {
        weak var held: Quitter?
        do {
            let loop = try EventLoop()
            let quitter = try Quitter(loop)
            held = quitter
            loop.removeAll()
        }
        #expect(held == nil)
    }
}

/// Lives on a loop's thread and is not Sendable.
private final class Counter {
    let loop: EventLoop
    var values: [Int] = []
    init(_ loop: EventLoop) { self.loop = loop }
}

private final class Result: Sendable {
    let values = Mutex<[Int]>([])
}

@Suite(.timeLimit(.minutes(20))) struct MailboxTests {
    @Test func `work from several threads is done once, in each thread's order`() throws {
        let mailbox = try Mailbox<Counter>()
        let counter = Counter(try EventLoop())
        try mailbox.attach(to: counter.loop, owner: counter)
        let (parcel, result) = (Parcel(counter), Result())
        let loop = try Thread.start {
            guard let counter = parcel.take() else { return }
            try? counter.loop.run()
            result.values.withLock { $0 = counter.values }
            counter.loop.removeAll()
        }
        func sender(_ first: Int) throws -> Thread {
            try Thread.start {
                for value in first..<first + 1_000 { mailbox.post { $0.values.append(value) } }
            }
        }
        let one = try sender(0)
        let two = try sender(1_000)
        one.join()
        two.join()
        mailbox.post { $0.loop.stop() }
        loop.join()
        let values = result.values.withLock { $0 }
        #expect(values.filter { $0 < 1_000 } == Array(0..<1_000))
        #expect(values.filter { $0 >= 1_000 } == Array(1_000..<2_000))
    }

    @Test func `a closed mailbox refuses work`() throws {
        let mailbox = try Mailbox<Counter>()
        #expect(mailbox.post { $0.values.append(1) })
        mailbox.close()
        #expect(!mailbox.post { $0.values.append(2) })
    }

    @Test func `a parcel is taken once`() {
        let parcel = Parcel([1, 2])
        #expect(parcel.take() == [1, 2])
        #expect(parcel.take() == nil)
    }

    @Test func `a thread takes no signal of the process`() throws {
        let result = Result()
        let thread = try Thread.start {
            var blocked = sigset_t()
            unsafe pthread_sigmask(SIG_SETMASK, nil, &blocked)
            let signals = [SIGTERM, SIGINT, SIGHUP, SIGCHLD].filter { unsafe sigismember(&blocked, $0) == 1 }
            result.values.withLock { $0 = signals.map(Int.init) }
        }
        thread.join()
        #expect(result.values.withLock { $0 } == [SIGTERM, SIGINT, SIGHUP, SIGCHLD].map(Int.init))
    }
}
