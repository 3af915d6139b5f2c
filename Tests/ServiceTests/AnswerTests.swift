import Glibc
import Linux
import Synchronization
import TestSupport
import Testing

@testable import Service

/// Answers that come later, and those that are made while they are sent.
@Suite(.timeLimit(.minutes(20))) struct AnswerTests {
    @Test func `an answer may come later, and others do not wait for it`() throws {
        let rig = try Rig()
        let first = try RawClient(rig.path)
        let second = try RawClient(rig.path)
        first.get("/v1/later")
        second.get("/v1/later")
        #expect(eventually { rig.ask { $0.pending.count } == 2 })
        let other = try RawClient(rig.path)
        other.get("/v1/ping")
        #expect(other.sees("pong"))
        rig.mailbox.post {
            $0.pending[1].complete(.text("two"))
            $0.pending[1].complete(.text("two again"))
            $0.pending[0].fail(ServiceError(.gone, "it is gone"))
        }
        #expect(second.sees("two"))
        #expect(first.sees("it is gone") && first.status == 410)
        // Both connections go on.
        first.forget()
        first.get("/v1/soon")
        #expect(first.sees("at once"))
        second.get("/v1/ping")
        #expect(second.sees("pong"))
        #expect(!second.text.contains("again"))
        // Nothing of a request is kept.
        #expect(rig.ask { $0.pending.allSatisfy { $0.exchange == nil } } == true)
        #expect(rig.ask { $0.cancelled } == 0)
    }

    @Test func `an answer goes out at once where that is asked for, before the loop's next turn`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/later")
        #expect(eventually { rig.ask { $0.pending.count } == 1 })
        let isSeen = Flag()
        let hadTurn = Flag()
        rig.mailbox.post { desk in
            desk.pending[0].complete(.text("before anything else"))
            if desk.service?.sendAnswers() == true { hadTurn.raise() }
            // So long the loop has none.
            _ = eventually(within: 60) { isSeen.isUp }
        }
        #expect(client.sees("before anything else"))
        #expect(hadTurn.isUp)
        isSeen.raise()
        client.forget()
        client.get("/v1/ping")
        #expect(client.sees("pong"))
    }

    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isUp: Bool { value.withLock { $0 } }
        func raise() { value.withLock { $0 = true } }
    }

    @Test func `a client that dies while it waits is noticed at once`() throws {
        let rig = try Rig()
        let survivor = try RawClient(rig.path)
        survivor.get("/v1/later")
        #expect(eventually { rig.ask { $0.pending.count } == 1 })
        do {
            let client = try RawClient(rig.path)
            client.get("/v1/later")
            #expect(eventually { rig.ask { $0.pending.count } == 2 })
        }
        #expect(eventually { rig.ask { $0.cancelled } == 1 })
        #expect(eventually { rig.ask { $0.service?.connections } == .some(1) })
        rig.mailbox.post { $0.pending.forEach { $0.complete(.text("late")) } }
        #expect(survivor.sees("late"))
    }

    @Test func `curl that is killed while it waits is noticed`() throws {
        let rig = try Rig()
        let curl = try Program(["curl", "-sS", "--unix-socket", rig.path, "http://x/v1/later"]).start()
        #expect(eventually { rig.ask { $0.pending.count } == 1 })
        try curl.signal(SIGKILL)
        #expect(eventually { rig.ask { $0.cancelled } == 1 })
    }

    @Test(arguments: [0, 1, 16_384, 16_385, 5_000_000]) func `a stream arrives whole, in chunks`(count: Int)
        throws
    {
        let rig = try Rig()
        let answer = try rig.curl(["-D", "/dev/stderr", "http://x/v1/stream?bytes=\(count)"])
        #expect(answer.errors.contains("Transfer-Encoding: chunked"))
        #expect(answer.stdout.count == count)
        #expect(answer.stdout.indices.allSatisfy { answer.stdout[$0] == UInt8(truncatingIfNeeded: $0) })
        #expect(eventually { rig.ask { $0.streamEnds } == [.complete] })
    }

    @Test func `a stream is made no faster than it is read, and cut when its client stalls`() throws {
        var limits = ServiceLimits()
        limits.stall = 1
        let rig = try Rig(limits: limits)
        let client = try RawClient(rig.path)
        client.get("/v1/stream?bytes=1000000000")
        #expect(client.sees("HTTP/1.1 200"))
        #expect(eventually { rig.ask { $0.streamEnds } == [.cut] })
        #expect(eventually { rig.ask { $0.service?.connections } == .some(0) })
        #expect(client.seesEnd())
        #expect(client.received.count < 2_000_000)
    }

    @Test func `HEAD of a stream ends it`() throws {
        let rig = try Rig()
        #expect(try rig.curl(["-I", "http://x/v1/stream?bytes=100000"]).output.hasPrefix("HTTP/1.1 200"))
        #expect(eventually { rig.ask { $0.streamEnds.count } == 1 })
    }

    @Test func `events arrive as they happen, with comments in between`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/events", "Last-Event-ID: 7\r\n")
        #expect(client.sees("Content-Type: text/event-stream"))
        #expect(rig.ask { $0.lastEventIDs } == [7])
        rig.mailbox.post { $0.events[0].send(id: 8, event: "made", data: #"{"a":"b"}"#) }
        #expect(client.sees("id: 8\nevent: made\ndata: {\"a\":\"b\"}\n\n"))
        #expect(client.sees(":\n\n"))
        client.forget()
        #expect(client.sees(":\n\n"))
        rig.mailbox.post { $0.events[0].send(data: "one\ntwo\r\nid: 9") }
        #expect(client.sees("data: one\ndata: two\ndata: id: 9\n\n"))
        rig.mailbox.post { $0.events[0].end() }
        #expect(client.sees("\r\n0\r\n\r\n"))
        client.get("/v1/ping")
        #expect(client.sees("pong"))
        #expect(rig.ask { $0.streamEnds.count } == 1)
    }

    @Test func `a last event that is no number is refused`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/events", "Last-Event-ID: x\r\n")
        #expect(client.sees("Last-Event-ID must be a whole number"))
        #expect(client.status == 400)
    }

    @Test func `a follower that does not read is cut off, and costs bounded memory`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/events")
        #expect(eventually { rig.ask { $0.events.count } == 1 })
        let text = String(repeating: "x", count: 1_000)
        #expect(
            eventually {
                rig.ask { desk in
                    var isOpen = true
                    for _ in 0..<100 where isOpen { isOpen = desk.events[0].send(data: text) }
                    return !isOpen && desk.events[0].waitingBytes <= 64 << 10
                } == true
            })
        #expect(eventually { rig.ask { $0.streamEnds.count } == 1 })
        #expect(client.seesEnd())
    }

    @Test func `a follower that dies is noticed without an event`() throws {
        let rig = try Rig()
        do {
            let client = try RawClient(rig.path)
            client.get("/v1/events")
            #expect(eventually { rig.ask { $0.events.count } == 1 })
            #expect(client.sees("text/event-stream"))
        }
        #expect(eventually { rig.ask { $0.streamEnds.count } == 1 })
        #expect(eventually { rig.ask { $0.service?.connections } == .some(0) })
        #expect(rig.ask { $0.events[0].send(data: "x") } == false)
    }
}
