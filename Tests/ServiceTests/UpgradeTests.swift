import Glibc
import Linux
import TestSupport
import Testing

@testable import Service

/// Connections that leave HTTP: raw ones and WebSockets.
@Suite(.timeLimit(.minutes(20))) struct UpgradeTests {
    @Test func `an upgraded connection is the owner's, with the bytes that came too early`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send(
            "GET /v1/attach HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: corral-attach/1\r\n\r\nabc"
        )
        #expect(client.sees("\r\n\r\nearly:abc"))
        #expect(client.status == 101)
        #expect(client.text.contains("Upgrade: corral-attach/1\r\n"))
        #expect(
            client.text.contains("Connection: Upgrade\r\n") || client.text.contains("Connection: upgrade\r\n")
        )
        // It is no connection of HTTP any more, and counted all the same.
        #expect(eventually { rig.ask { $0.service?.connections } == .some(0) })
        #expect(rig.ask { $0.service?.upgradedConnections } == .some(1))
        #expect(!client.isClosed)
        rig.mailbox.post { _ = $0.attached[0].socket.value.send(Array("raw".utf8).span) }
        #expect(client.sees("raw"))
        rig.mailbox.post { $0.attached = [] }
        #expect(client.seesEnd())
        #expect(rig.ask { $0.service?.upgradedConnections } == .some(0))
    }

    @Test(arguments: [
        "Connection: Upgrade\r\n", "Upgrade: corral-attach/1\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: corral-attach/2\r\n",
    ])
    func `who asks for another protocol is told which there is`(headers: String) throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/attach", headers)
        #expect(client.sees("upgrade-required"))
        #expect(client.status == 426)
        #expect(client.text.contains("Upgrade: corral-attach/1\r\n"))
    }

    private let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    private let version = "Sec-WebSocket-Version: 13\r\n"
    private let asking = "Connection: Upgrade\r\nUpgrade: websocket\r\n"

    @Test func `the handshake is that of the RFC`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/socket", asking + key + version)
        #expect(client.sees("\r\n\r\n"))
        #expect(client.status == 101)
        #expect(client.text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
    }

    @Test func `a handshake that is wrong is refused`() throws {
        let rig = try Rig()
        let wrong = [
            (asking + key, 426), (asking + key + "Sec-WebSocket-Version: 8\r\n", 426),
            (asking + version, 400),
            (asking + version + "Sec-WebSocket-Key: short\r\n", 400), (asking + version + key + key, 400),
            (asking + version + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n", 400),
            (asking + version + key + "Origin: http://evil.example\r\n", 403), (key + version, 426),
        ]
        for (headers, status) in wrong {
            let client = try RawClient(rig.path)
            client.get("/v1/socket", headers)
            #expect(client.sees("\r\n\r\n{\"error\""), "\(headers)")
            #expect(client.status == status, "\(headers)")
        }
        let good = try RawClient(rig.path)
        good.get("/v1/socket", asking + version + key + "Origin: http://good.example\r\n")
        #expect(good.sees("HTTP/1.1 101"))
    }

    /// Sends what it is asked to with Python's `websockets` and prints what it gets.
    private let python = """
        import asyncio, sys, websockets
        async def main():
            async with websockets.unix_connect(sys.argv[1], "ws://x/v1/socket", max_size=None) as s:
                for message in ("hello", "", "中文", b"\\x00\\xff", "x" * 200_000, b"y" * 1_000_000):
                    await s.send(message)
                    assert await s.recv() == message, message[:10]
                await s.send(["frag", "men", "ted"])
                assert await s.recv() == "fragmented"
                await asyncio.wait_for(await s.ping(b"are you there"), 60)
                await s.send("close me")
                try:
                    await s.recv()
                except websockets.ConnectionClosed as closed:
                    print(closed.rcvd.code, closed.rcvd.reason)
        asyncio.run(main())
        """

    @Test func `Python's websockets talks to it: text, binary, fragments, ping, large messages, close`()
        throws
    {
        let rig = try Rig()
        let outcome = try rig.python(python)
        #expect(outcome.errors == "")
        #expect(outcome.output == "4000 asked\n")
        #expect(eventually { rig.ask { $0.closeCodes } == [4_000] })
        #expect(eventually { rig.ask { $0.service?.upgradedConnections } == .some(0) })
    }

    private func open(_ rig: Rig) throws -> RawClient {
        let client = try RawClient(rig.path)
        client.get("/v1/socket", asking + key + version)
        #expect(client.sees("\r\n\r\n"))
        client.forget()
        return client
    }

    /// A frame of a client: masked with zeros.
    private func frame(_ opcode: UInt8, _ payload: [UInt8], masked: Bool = true, final: Bool = true)
        -> [UInt8]
    {
        var bytes = [(final ? 0x80 : 0) | opcode]
        let mask: UInt8 = masked ? 0x80 : 0
        if payload.count < 126 {
            bytes.append(mask | UInt8(payload.count))
        } else {
            bytes.append(mask | 126)
            bytes += [UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        }
        if masked { bytes += [0, 0, 0, 0] }
        return bytes + payload
    }

    @Test func `a frame that came with the handshake is not lost`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send(
            Array("GET /v1/socket HTTP/1.1\r\nHost: x\r\n\(asking)\(key)\(version)\r\n".utf8)
                + frame(1, Array("early".utf8)))
        #expect(client.sees("early"))
    }

    @Test func `what breaks the protocol ends with the code for it`() throws {
        var limits = WebSocket.Limits()
        limits.message = 1_000
        limits.goodbye = 100_000_000
        let rig = try Rig(webSocket: limits)
        let cases: [([UInt8], Int)] = [
            (frame(1, [0x41], masked: false), 1002), (frame(3, []), 1002), (frame(1, [0xFF]), 1007),
            (frame(9, [], final: false), 1002), (frame(0, [1]), 1002),
            (frame(2, [UInt8](repeating: 0, count: 1_001)), 1009),
            (
                frame(1, [UInt8](repeating: 0x61, count: 900), final: false)
                    + frame(0, [UInt8](repeating: 0x61, count: 101)), 1009
            ),
        ]
        for (bytes, code) in cases {
            let client = try open(rig)
            client.send(bytes)
            #expect(client.seesEnd(), "\(code)")
            #expect(client.received.starts(with: [0x88]), "\(code): \(client.received.prefix(8))")
            let sent = client.received.dropFirst(2).prefix(2).reduce(0) { $0 << 8 | Int($1) }
            #expect(sent == code, "\(bytes.prefix(4))")
        }
        #expect(eventually { rig.ask { $0.service?.upgradedConnections } == .some(0) })
    }

    @Test func `a client that goes without a word is noticed`() throws {
        let rig = try Rig()
        do { _ = try open(rig) }
        #expect(eventually { rig.ask { $0.closeCodes } == [1006] })
        let other = try open(rig)
        other.send(frame(1, Array("cut me".utf8)))
        #expect(other.seesEnd())
        #expect(eventually { rig.ask { $0.closeCodes } == [1006, 1006] })
    }

    @Test func `a WebSocket that is not read from holds its client, and goes on where it was`() throws {
        let rig = try Rig()
        let client = try open(rig)
        client.send(frame(1, Array("pause".utf8)))
        #expect(client.sees("pause"))
        client.forget()
        let bytes = (0..<20_000).flatMap { _ in frame(2, [UInt8](repeating: 7, count: 100)) }
        var sent = 0
        _ = eventually(within: 0.3) {
            sent += client.push(Array(bytes[sent...]))
            return false
        }
        #expect(sent < bytes.count)
        client.read()
        #expect(client.received == [])
        rig.mailbox.post { $0.sockets[0].isReadingEnabled = true }
        // Each of them comes back: 2 bytes of head and 100.
        #expect(
            eventually {
                if sent < bytes.count { sent += client.push(Array(bytes[sent...].prefix(200_000))) }
                client.read()
                return client.received.count == 20_000 * 102
            })
    }

    @Test func `a client that dies while it is not read from is noticed`() throws {
        let rig = try Rig()
        do {
            let client = try open(rig)
            client.send(frame(1, Array("pause".utf8)))
            #expect(client.sees("pause"))
            client.send(frame(1, Array("last words".utf8)))
        }
        #expect(eventually { rig.ask { $0.closeCodes } == [1006] })
        let before = rig.ask { $0.turns } ?? 0
        usleep(100_000)
        #expect((rig.ask { $0.turns } ?? .max) - before < 20)
    }

    @Test func `what waits for a client that does not read is bounded, and it is cut off`() throws {
        var limits = WebSocket.Limits()
        limits.waiting = 100_000
        limits.stall = 500_000_000
        let rig = try Rig(webSocket: limits)
        let client = try open(rig)
        #expect(
            eventually {
                rig.ask { desk in
                    let message = WebSocket.Message.binary([UInt8](repeating: 0, count: 10_000))
                    for _ in 0..<1_000 where !desk.sockets[0].send(message) {
                        return desk.sockets[0].waitingBytes <= 100_000
                    }
                    return false
                } == true
            })
        #expect(eventually { rig.ask { $0.closeCodes } == [1006] })
        #expect(client.seesEnd())
    }

    @Test func `a client that only sends pings does not fill the memory`() throws {
        var limits = WebSocket.Limits()
        limits.stall = 500_000_000
        let rig = try Rig(webSocket: limits)
        let client = try open(rig)
        let pings = (0..<10_000).flatMap { _ in frame(9, []) }
        var sent = 0
        let isHeld = eventually {
            let count = client.push(pings)
            sent += count
            return count == 0 && rig.ask { $0.closeCodes } == [1006]
        }
        #expect(isHeld)
        #expect(sent < 4_000_000)
    }
}
