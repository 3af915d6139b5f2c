import Glibc
import Linux
import TestSupport
import Testing

@testable import Service

/// Requests and answers, with curl and on bare sockets.
@Suite(.timeLimit(.minutes(20))) struct RequestTests {
    private func body(_ outcome: Program.Outcome) -> String {
        #expect(outcome.errors == "")
        return outcome.output
    }

    @Test func `curl gets JSON, and the peer's user is known`() throws {
        let rig = try Rig()
        let answer = try rig.curl(["-i", "http://x/v1/ping"])
        #expect(answer.output.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.output.contains("Content-Type: application/json\r\n"))
        #expect(answer.output.contains("Content-Length: 13\r\n"))
        #expect(answer.output.hasSuffix("\r\n\r\n{\"pong\":true}"))
        #expect(try body(rig.curl(["http://x/v1/who"])).hasPrefix("{\"uid\":\(geteuid()),\"pid\":"))
    }

    @Test(.enabled(if: Host.isRoot, "needs root to be somebody else"))
    func `another user's request is known as that user's`() throws {
        let rig = try Rig()
        _ = unsafe chmod(rig.path, 0o666)
        let answer = try Program.run(
            ["curl", "-sS", "--unix-socket", rig.path, "http://x/v1/who"], uid: Host.ordinaryUser)
        #expect(answer.output.hasPrefix("{\"uid\":\(Host.ordinaryUser),"))
    }

    @Test func `path and query parameters are decoded for the endpoint`() throws {
        let rig = try Rig()
        #expect(
            try body(rig.curl(["http://x/v1/items/a%20b?verbose=%E4%B8%AD"]))
                == #"{"id":"a b","verbose":"中"}"#)
    }

    @Test(arguments: [
        ("/v1/nothing", 404, "not-found"), ("/v1/ping/", 404, "not-found"), ("/v1//ping", 404, "not-found"),
        ("/v1/items/a%2Fb", 400, "invalid"), ("/v1/items/a%00b", 400, "invalid"),
        ("/v1/items/%zz", 400, "invalid"),
        ("/v1/items/..%2f", 400, "invalid"), ("/v1/items/../ping", 400, "invalid"),
        ("/v1/ping?x=1", 400, "invalid"), ("/v1/items/a?verbose=a%0ab", 400, "invalid"),
        ("/v1/items/a?verbose=1&verbose=2", 400, "invalid"),
        ("/v1/fail", 409, "conflict"), ("/forbidden", 403, "forbidden"), ("/v1/json", 405, "method"),
        ("/v1/socket", 426, "upgrade-required"), ("/v1/attach", 426, "upgrade-required"),
    ])
    func `a refusal has a status and a code`(path: String, status: Int, code: String) throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get(path)
        #expect(client.sees("\r\n\r\n{\"error\":{\"code\":\"\(code)\",\"message\":\""))
        #expect(client.status == status)
        // The connection goes on.
        client.forget()
        client.get("/v1/ping")
        #expect(client.sees("pong"))
    }

    @Test func `a refusal has one shape with message, field and hint`() throws {
        let rig = try Rig()
        let expected =
            #"{"error":{"code":"conflict","message":"it is \"taken\"","field":"limits.memory","hint":"ask later"}}"#
        #expect(try body(rig.curl(["http://x/v1/fail"])) == expected)
    }

    @Test func `every code has a status of its own among the errors of HTTP`() {
        let statuses = ServiceError.Code.allCases.map(\.status)
        #expect(statuses.allSatisfy { (400..<600).contains($0) })
        #expect(Set(statuses).count == statuses.count)
    }

    @Test func `HEAD has the length and no body, OPTIONS and 405 say what is allowed`() throws {
        let rig = try Rig()
        let head = try body(rig.curl(["-I", "http://x/v1/ping"]))
        #expect(head.hasPrefix("HTTP/1.1 200") && head.contains("Content-Length: 13\r\n"))
        let options = try body(rig.curl(["-i", "-X", "OPTIONS", "http://x/v1/items/a"]))
        #expect(options.hasPrefix("HTTP/1.1 204"))
        #expect(options.contains("Allow: DELETE, GET, HEAD, OPTIONS\r\n"))
        let wrong = try body(rig.curl(["-i", "-X", "POST", "http://x/v1/items/a"]))
        #expect(wrong.hasPrefix("HTTP/1.1 405") && wrong.contains("Allow: DELETE, GET, HEAD, OPTIONS\r\n"))
        let all = try RawClient(rig.path)
        all.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(all.sees("HTTP/1.1 204"))
    }

    @Test func `requests that follow each other on one connection are answered in order`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        for _ in 0..<50 { client.get("/v1/ping") }
        client.get("/v1/items/last")
        #expect(client.sees(#"{"id":"last""#))
        #expect(client.text.components("\"pong\"") == 50)
        #expect(rig.ask { $0.service?.connections } == .some(1))
    }

    @Test(arguments: ["hello", "\r\n\r\n", "GET", "GET / HTTP/9.9\r\n\r\n", "GET /v1/ping HTTP/1.1\r\n\r\n"])
    func `what is no request of HTTP 1_1 ends in a refusal or a close`(text: String) throws {
        // The library does not see the end of a half request when it comes with its last byte.
        var limits = ServiceLimits()
        limits.stall = 1
        let rig = try Rig(limits: limits)
        let client = try RawClient(rig.path)
        client.send(text)
        client.halfClose()
        #expect(client.seesEnd())
        if let status = client.status { #expect((400..<600).contains(status)) }
    }

    @Test func `a NUL in the target does not end it`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.send("GET /v1/ping\u{0}/../secret HTTP/1.1\r\nHost: x\r\n\r\n")
        client.halfClose()
        #expect(client.sees("HTTP/1.1 4"))
        #expect(!client.text.contains("pong"))
    }

    @Test func `a head that is too large is refused`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/ping", "X: \(String(repeating: "a", count: 60_000))\r\n")
        #expect(client.seesEnd())
        #expect(client.status == 431)
        let many = try RawClient(rig.path)
        many.get("/v1/ping", (0..<70).map { "X\($0): y\r\n" }.joined())
        #expect(many.sees(#""code":"limit""#))
    }

    @Test func `a client that sends nothing more still gets its answer`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/later")
        client.halfClose()
        #expect(eventually { rig.ask { $0.pending.count } == 1 })
        rig.mailbox.post { $0.pending[0].complete(.text("there")) }
        #expect(client.sees("there"))
        #expect(rig.ask { $0.cancelled } == 0)
    }
}

extension String {
    /// How often `part` is in it.
    func components(_ part: String) -> Int {
        var (count, rest) = (0, self[...])
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
