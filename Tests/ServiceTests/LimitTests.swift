import Glibc
import Linux
import TestSupport
import Testing

@testable import Service

/// Clients that are slow, many, dying or mad, and the end of the service.
@Suite(.timeLimit(.minutes(20))) struct LimitTests {
    @Test func `fifty clients that send a byte now and then do not hold up a fast one, and are cut off`()
        throws
    {
        var limits = ServiceLimits()
        limits.head = 6_000_000_000
        let rig = try Rig(limits: limits)
        let began = Host.now
        let slow = try (0..<50).map { _ in try RawClient(rig.path) }
        let head = Array(
            "GET /v1/ping HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "y", count: 5_000))".utf8)
        for (index, client) in slow.enumerated() { client.send(Array(head[..<index])) }
        let fast = try RawClient(rig.path)
        var answered = 0
        var at = 50
        while !slow.allSatisfy(\.isClosed), Host.now < began + 60 * Host.patience {
            // Each time a connection is asked anew, its time begins anew.
            fast.forget()
            fast.get("/v1/ping")
            #expect(fast.sees("pong"))
            answered += 1
            for client in slow where at < head.count {
                _ = client.push([head[at]])
                client.read()
            }
            at += 1
            usleep(5_000)
        }
        #expect(slow.allSatisfy { $0.isClosed && $0.received.isEmpty })
        #expect(answered > 10)
        #expect(eventually { rig.ask { $0.service?.connections } == .some(1) })
    }

    @Test func `an idle connection is closed after its time`() throws {
        var limits = ServiceLimits()
        // Long enough for a request on a machine that is busy.
        limits.head = 3_000_000_000
        let rig = try Rig(limits: limits)
        let client = try RawClient(rig.path)
        let quiet = try RawClient(rig.path)
        client.get("/v1/ping")
        #expect(client.sees("pong"))
        #expect(client.seesEnd())
        #expect(quiet.seesEnd())
        #expect(eventually { rig.ask { $0.service?.connections } == .some(0) })
    }

    @Test func `one user has so many connections, and who is refused is told so`() throws {
        var limits = ServiceLimits()
        limits.connectionsPerUser = 4
        limits.refusals = 2
        let rig = try Rig(limits: limits)
        let clients = try (0..<4).map { _ in try RawClient(rig.path) }
        for client in clients {
            client.get("/v1/ping")
            #expect(client.sees("pong"))
        }
        let refused = try RawClient(rig.path)
        refused.get("/v1/ping")
        #expect(
            refused.sees(#"{"error":{"code":"limit","message":"user \#(geteuid()) has as many connections"#)
        )
        #expect(refused.status == 429)
        #expect(refused.seesEnd())
        // Those that wait to be told are few, and the rest is cut off without a word.
        let crowd = try (0..<20).map { _ in try RawClient(rig.path) }
        #expect(
            eventually {
                crowd.forEach { $0.read() }
                return crowd.count(where: \.isClosed) >= 18
            })
        #expect(
            eventually {
                crowd.forEach { $0.read() }
                return crowd.allSatisfy(\.isClosed)
            })
        clients[0].get("/v1/ping")
        #expect(clients[0].sees("pong"))
    }

    @Test func `who was not admitted yet has less time and fewer connections`() throws {
        var limits = ServiceLimits()
        limits.head = 600_000_000_000
        limits.strangersHead = 5_000_000_000
        limits.strangersPerUser = 2
        let rig = try Rig(limits: limits)
        let known = try (0..<3).map { _ in
            let client = try RawClient(rig.path)
            client.get("/v1/ping")
            #expect(client.sees("pong"))
            return client
        }
        let quiet = try (0..<2).map { _ in try RawClient(rig.path) }
        #expect(eventually { rig.ask { $0.service?.connections } == .some(5) })
        let refused = try RawClient(rig.path)
        refused.get("/v1/ping")
        #expect(refused.sees("as many connections already") && refused.status == 429)
        // A part of a head is none.
        quiet[0].send("GET /v1/ping HTTP/1.1\r\n")
        for client in quiet { #expect(client.seesEnd()) }
        for client in known {
            client.forget()
            client.get("/v1/ping")
            #expect(client.sees("pong"))
        }
        #expect(eventually { rig.ask { $0.service?.connections } == .some(3) })
        // Those who are gone are not counted any more.
        let again = try RawClient(rig.path)
        again.get("/v1/ping")
        #expect(again.sees("pong"))
    }

    @Test func `more connections than there may be wait until one ends`() throws {
        var limits = ServiceLimits()
        limits.connections = 4
        let rig = try Rig(limits: limits)
        var clients = try (0..<6).map { _ in try RawClient(rig.path) }
        clients.forEach { $0.get("/v1/ping") }
        #expect(
            eventually {
                clients.forEach { $0.read() }
                return clients.count { $0.text.contains("pong") } == 4
            })
        #expect(rig.ask { $0.service?.connections } == .some(4))
        // Those that wait are not looked at again and again.
        let before = rig.ask { $0.turns } ?? 0
        usleep(200_000)
        #expect((rig.ask { $0.turns } ?? .max) - before < 20)
        clients.removeAll { $0.text.contains("pong") }
        #expect(clients.count == 2)
        #expect(clients.allSatisfy { $0.sees("pong") })
    }

    @Test func `random bytes end in a refusal or a close, and the service goes on`() throws {
        var limits = ServiceLimits()
        limits.head = 100_000_000
        limits.body = 100_000_000
        limits.stall = 1
        let rig = try Rig(limits: limits)
        var generator = SystemRandomNumberGenerator()
        let words = [
            "GET ", "POST ", "PUT ", "/v1/json", "/v1/upload?portion=3", "/v1/items/%41", "/v1/socket",
            "/v1/later", " HTTP/1.1\r\n",
            "HTTP/1.0", "\r\n", "\r\n\r\n", "Host: x\r\n", "Content-Length: ", "5",
            "Transfer-Encoding: chunked\r\n",
            "Content-Type: application/json\r\n", "5\r\nhello\r\n", "0\r\n\r\n", "{\"a\":",
            "Connection: Upgrade\r\n",
            "Upgrade: websocket\r\n", "Sec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Expect: 100-continue\r\n", "\u{0}", ":", " ",
            "\n",
        ]
        for round in 0..<(Effort.isFull ? 3_000 : 300) {
            let client = try RawClient(rig.path)
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1..<24, using: &generator) {
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    bytes.append(.random(in: 0...255, using: &generator))
                } else {
                    bytes += Array((words.randomElement(using: &generator) ?? "").utf8)
                }
            }
            client.send(bytes)
            if round % 3 == 0 { client.halfClose() }
            client.read()
            if round % 50 == 0 {
                rig.mailbox.post { $0.pending.forEach { $0.complete(.text("x")) } }
                // On a busy machine one may be cut off before it has asked.
                #expect(
                    try eventually {
                        let other = try RawClient(rig.path)
                        other.get("/v1/ping")
                        return other.sees("pong", within: 1)
                    })
            }
        }
        rig.mailbox.post { $0.pending.forEach { $0.complete(.text("x")) } }
        #expect(eventually { rig.ask { $0.service?.connections } == .some(0) })
    }

    /// In a process of its own, where nobody else opens any.
    @Test func `clients that die at any moment leave nothing`() async {
        await #expect(processExitsWith: .success) {
            let rig = try Rig()
            func count() -> Int { File.names(in: "/proc/self/fd").count }
            let before = count()
            for round in 0..<200 {
                let client = try RawClient(rig.path)
                let target = [
                    "/v1/ping", "/v1/later", "/v1/events", "/v1/stream?bytes=100000000", "/v1/attach",
                ][round % 5]
                let upgrade = "Connection: Upgrade\r\nUpgrade: corral-attach/1\r\n"
                client.get(target, round % 5 == 4 ? upgrade : "")
                if round % 2 == 1 { continue }
                _ = eventually(within: 0.01) {
                    client.read()
                    return !client.received.isEmpty
                }
            }
            #expect(
                eventually {
                    rig.mailbox.post { desk in desk.attached = [] }
                    return rig.ask { $0.service?.connections } == .some(0)
                        && rig.ask { $0.service?.upgradedConnections } == .some(0)
                })
            #expect(rig.ask { $0.cancelled == $0.pending.count } == true)
            // A leak would be of one in each round of a kind; the runtime opens some of its own.
            #expect(eventually { count() < before + 10 }, "\(count()), \(before) before")
            rig.stop()
        }
    }

    @Test(.timeLimit(.minutes(20)), arguments: [false, true])
    func `without descriptors nobody is accepted, and with them everybody is again`(follower: Bool) async {
        await #expect(processExitsWith: .success) { [follower = follower as Bool] in
            let rig = try Rig()
            let early = try RawClient(rig.path)
            #expect(eventually { rig.ask { $0.service?.connections } == .some(1) })
            if follower {
                early.get("/v1/events")
                #expect(early.sees("text/event-stream"))
            }
            var limit = rlimit(rlim_cur: 200, rlim_max: 200)
            _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var fillers: [CInt] = []
            while case let number = dup(1), number >= 0 { fillers.append(number) }
            if let last = fillers.popLast() { close(last) }
            // Takes the last one.
            let client = try RawClient(rig.path)
            client.get("/v1/ping")
            let before = rig.ask { $0.turns } ?? 0
            usleep(500_000)
            client.read()
            #expect(client.received == [])
            // One look every tenth of a second and what keeps the follower, and not a loop that spins.
            #expect((rig.ask { $0.turns } ?? .max) - before < 400)
            fillers.forEach { close($0) }
            #expect(client.sees("pong"))
        }
    }

    @Test func `a service without clients sleeps`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/ping")
        #expect(client.sees("pong"))
        let before = rig.ask { $0.turns }
        usleep(300_000)
        let after = rig.ask { $0.turns }
        #expect((after ?? 0) - (before ?? 0) < 20)
    }
}

/// The graceful end.
@Suite(.timeLimit(.minutes(20))) struct StopTests {
    @Test func `answers under way are finished, followers and upgraded ones are ended, and nothing is left`()
        throws
    {
        let rig = try Rig()
        let idle = try RawClient(rig.path)
        idle.get("/v1/ping")
        #expect(idle.sees("pong"))
        let waiting = try RawClient(rig.path)
        waiting.get("/v1/later")
        let follower = try RawClient(rig.path)
        follower.get("/v1/events")
        let upgraded = try RawClient(rig.path)
        upgraded.get("/v1/attach", "Connection: Upgrade\r\nUpgrade: corral-attach/1\r\n")
        #expect(upgraded.sees("early:"))
        #expect(eventually { rig.ask { $0.pending.count == 1 && $0.events.count == 1 } == true })
        rig.mailbox.post { $0.stop(within: 60_000_000_000) }
        #expect(idle.seesEnd())
        #expect(follower.sees("\r\n0\r\n\r\n"))
        #expect(upgraded.seesEnd())
        #expect(throws: SystemError.self) { try RawClient(rig.path) }
        #expect(!waiting.isClosed)
        rig.mailbox.post { $0.pending[0].complete(.text("done")) }
        #expect(waiting.sees("done"))
        #expect(waiting.text.contains("Connection: close") || waiting.text.contains("Connection: Close"))
        #expect(waiting.seesEnd())
        rig.join()
    }

    @Test func `what does not end in time is cut off`() throws {
        var limits = ServiceLimits()
        // Has the timer set to an earlier time than the end's, and leaves a busy machine the time to ask.
        limits.head = 2_000_000_000
        let rig = try Rig(limits: limits)
        let waiting = try RawClient(rig.path)
        waiting.get("/v1/later")
        let stalled = try RawClient(rig.path)
        stalled.get("/v1/stream?bytes=1000000000")
        #expect(stalled.sees("HTTP/1.1 200"))
        let upload = try RawClient(rig.path)
        upload.send("PUT /v1/upload?portion=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        #expect(eventually { rig.ask { $0.pending.count == 1 && $0.uploads.count == 1 } == true })
        rig.mailbox.post { $0.stop(within: 3_000_000_000) }
        #expect(waiting.seesEnd())
        #expect(stalled.seesEnd())
        #expect(upload.seesEnd())
        rig.join()
    }

    @Test func `a WebSocket is told that the server goes away`() throws {
        let rig = try Rig()
        let program = """
            import asyncio, sys, websockets
            async def main():
                async with websockets.unix_connect(sys.argv[1], "ws://x/v1/socket") as s:
                    print("open", flush=True)
                    try:
                        await s.recv()
                    except websockets.ConnectionClosed as closed:
                        print(closed.rcvd.code)
            asyncio.run(main())
            """
        let client = try Program(["/usr/bin/python3", "-c", program, rig.path]).start()
        #expect(try client.waitForText("open"))
        rig.mailbox.post { $0.stop(within: 60_000_000_000) }
        #expect(try client.wait().output == "open\n1001\n")
        rig.join()
    }
}
