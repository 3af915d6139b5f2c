import Glibc
import Linux
import TestSupport
import Testing

@testable import Service

/// Bodies of requests: collected, checked, counted, handed on.
@Suite(.timeLimit(.minutes(20))) struct BodyTests {
    private let json = "Content-Type: application/json\r\n"

    private func post(_ client: RawClient, _ path: String, _ body: String, _ headers: String) {
        client.send(
            "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
    }

    @Test(arguments: [
        ("{}", "an object"), (" [1, 2]\n", "a list"), ("\"a\"", "a string"), ("12", "a number"),
        ("null", "null"),
    ])
    func `a JSON body is parsed`(body: String, kind: String) throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        post(client, "/v1/json", body, json)
        #expect(client.sees(#"{"kind":"\#(kind)"}"#))
    }

    @Test(arguments: [
        ("{", "1:2"), ("{\n \"a\": tru}", "2:7"), ("{\"a\":1,\"a\":2}", "1:8"), ("[1,]", "1:4"),
        ("{} {}", "1:4"),
        (String(repeating: "[", count: 65), "1:65"), ("", "1:1"), ("\u{FEFF}{}", "1:1"),
    ])
    func `a body that is not JSON is refused with its place`(body: String, place: String) throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        post(client, "/v1/json", body, json + (body.isEmpty ? "Transfer-Encoding: chunked\r\n" : ""))
        if body.isEmpty { client.send("0\r\n\r\n") }
        #expect(client.sees("the body is not JSON: \(place): "))
        #expect(client.status == 400)
    }

    @Test(arguments: [
        ("", 415), ("Content-Type: text/plain\r\n", 415),
        ("Content-Type: application/json; charset=latin1\r\n", 415),
        ("Content-Type: application/json\r\nContent-Type: text/plain\r\n", 400),
        ("Content-Type: application/json; charset=UTF-8\r\n", 200),
        ("Content-Type: Application/JSON\r\n", 200),
    ])
    func `the body's type must be JSON where JSON is wanted`(header: String, status: Int) throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        post(client, "/v1/json", "{}", header)
        #expect(client.sees("\r\n\r\n{\""))
        #expect(client.status == status)
    }

    @Test func `a body may be optional, needed or not wanted`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send("POST /v1/optional HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        #expect(client.sees(#"{"kind":null}"#))
        client.send("POST /v1/json HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        #expect(client.sees("needs a body"))
        client.send("GET /v1/ping HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        #expect(client.sees("takes no body"))
        #expect(client.seesEnd())
    }

    @Test func `a body that says it is too long is refused before it is sent`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send("POST /v1/json HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\(json)\r\n")
        #expect(client.sees("the body may have 1000 bytes, and has 1001"))
        #expect(client.status == 413)
        #expect(client.seesEnd())
        let huge = try RawClient(rig.path)
        huge.send("POST /v1/json HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551614\r\n\(json)\r\n")
        #expect(huge.seesEnd())
        #expect(huge.status == 413)
    }

    @Test func `a body of unknown length is counted, and refused where it passes the limit`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send("PUT /v1/bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = "2710\r\n\(String(repeating: "x", count: 10_000))\r\n"
        for _ in 0..<10 { client.send(chunk) }
        client.send("0\r\n\r\n")
        #expect(client.sees(#"{"count":100000}"#))
        client.forget()
        client.send("PUT /v1/bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<11 { client.send(chunk) }
        #expect(client.sees("the body may have 100000 bytes, and has more"))
        #expect(client.status == 413)
        #expect(client.seesEnd())
        #expect(eventually { rig.ask { $0.service?.connections } == .some(0) })
    }

    @Test func `curl uploads 20 MB to a sink in constant memory`() throws {
        let rig = try Rig()
        let bytes = [UInt8](repeating: 3, count: 20_000_000)
        let answer = try rig.curl(["-T", "-", "http://x/v1/upload"], input: bytes)
        #expect(answer.output == #"{"count":20000000,"sum":60000000}"#, "\(answer.errors)")
    }

    @Test func `a sink that is full holds its client until it has room`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send("PUT /v1/upload?portion=1000 HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n")
        let bytes = [UInt8](repeating: 1, count: 5_000_000)
        var sent = 0
        // What the socket and the library hold, and no more.
        _ = eventually(within: 0.5) {
            sent += client.push(Array(bytes[sent...]))
            return false
        }
        #expect(eventually { rig.ask { $0.uploads.first?.count } == .some(1_000) })
        #expect(sent < 2_000_000)
        let other = try RawClient(rig.path)
        other.get("/v1/ping")
        #expect(other.sees("pong"))
        #expect(
            eventually {
                rig.mailbox.post { $0.uploads[0].makeRoom() }
                if sent < bytes.count { sent += client.push(Array(bytes[sent...].prefix(1_000_000))) }
                return rig.ask { $0.uploads[0].count } ?? 0 > 20_000
            })
        rig.mailbox.post { $0.uploads[0].abort() }
    }

    @Test func `a sink may refuse, and its client is told in the middle of its body`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send("PUT /v1/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        client.send([1, 2, 3])
        #expect(eventually { rig.ask { $0.uploads.first?.count } == .some(3) })
        client.send([0xFF])
        #expect(client.sees("no space for that"))
        #expect(client.status == 507)
        #expect(client.seesEnd())
        #expect(eventually { rig.ask { $0.uploads[0].isAborted } == true })
    }

    @Test(arguments: [false, true]) func `a client that goes in the middle of its body aborts the upload`(
        full: Bool
    ) throws {
        let rig = try Rig()
        do {
            let client = try RawClient(rig.path)
            client.send(
                "PUT /v1/upload\(full ? "?portion=1" : "") HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"
            )
            #expect(eventually { rig.ask { $0.uploads.first?.count } == .some(full ? 1 : 3) })
        }
        #expect(eventually { rig.ask { $0.uploads[0].isAborted } == true })
        #expect(eventually { rig.ask { $0.service?.connections } == .some(0) })
    }

    @Test func `a body that comes too slowly is cut off`() throws {
        var limits = ServiceLimits()
        limits.body = 3_000_000_000
        limits.bodyRate = 1 << 20
        let rig = try Rig(limits: limits)
        let client = try RawClient(rig.path)
        client.send("PUT /v1/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        var pieces = 0
        // Never idle for so long, and yet it would take a day.
        #expect(
            eventually {
                _ = client.push([1])
                pieces += 1
                client.read()
                return client.isClosed
            })
        #expect(pieces > 10)
        #expect(eventually { rig.ask { $0.uploads[0].isAborted } == true })
    }
}
