import TestSupport
import Testing
import Wire

@testable import Service

private let knownTrace = "0af7651916cd43dd8448eb211c80319c"

/// What the library refuses by itself, byte for byte on the socket.
@Suite(.timeLimit(.minutes(20))) struct RefusalTests {
    /// The last answer's body, which has to be all that there is.
    private func refusal(_ client: RawClient) throws -> (code: String?, message: String?) {
        let text = client.text
        let start = try #require(text.range(of: "HTTP/1.1 ", from: .end), "\(text)")
        let answer = text[start...]
        let gap = try #require(answer.firstRange(of: "\r\n\r\n"))
        #expect(answer.lowercased().contains("content-type: application/json"))
        let tree = try JSONTree(parsing: Array(answer[gap.upperBound...].utf8))
        guard case .object(let members) = tree.value, members.count == 1, members[0].key == "error",
            case .object(let error) = members[0].value.value
        else { return (nil, nil) }
        func member(_ key: String) -> String? {
            guard case .string(let text)? = error.first(where: { $0.key == key })?.value.value else {
                return nil
            }
            return text
        }
        return (member("code"), member("message"))
    }

    @Test(arguments: [
        ("no line at all", "\u{1}\u{2}\u{3} x y z\r\n\r\n", "invalid"),
        ("a version of the future", "GET /v1/ping HTTP/7.3\r\nHost: x\r\n\r\n", "invalid"),
        ("no host", "GET /v1/ping HTTP/1.1\r\n\r\n", "invalid"),
        (
            "a length that is none", "PUT /v1/bytes HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
            "invalid"
        ),
        (
            "pieces of no size",
            "PUT /v1/bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", "invalid"
        ),
    ])
    func `what is no request is refused in our shape, and others go on`(
        what: String, text: String, code: String
    ) throws {
        let rig = try Rig()
        let idle = try (0..<3).map { _ in try RawClient(rig.path) }
        let steady = try RawClient(rig.path)
        steady.get("/v1/ping")
        #expect(steady.sees("pong"))
        let client = try RawClient(rig.path)
        client.send(text)
        #expect(client.seesEnd())
        #expect(!client.text.contains("<html>"), "\(client.text)")
        if let status = client.status {
            #expect((400..<600).contains(status))
            #expect(try refusal(client).code == code)
        }
        steady.forget()
        steady.get("/v1/ping")
        #expect(steady.sees("pong"))
        #expect(idle.allSatisfy { !$0.isClosed })
    }

    @Test func `a head that is too large, behind a good request on the same connection, is refused so`()
        throws
    {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/ping")
        #expect(client.sees("pong"))
        client.forget()
        client.get("/v1/ping", "X: \(String(repeating: "a", count: 60_000))\r\n")
        #expect(client.seesEnd())
        #expect(client.status == 431)
        #expect(try refusal(client).code == "too-large")
        #expect(!client.text.contains("<html>"))
    }

    @Test func `a half sent request of somebody else's is not taken for the wrong one`() throws {
        let rig = try Rig()
        let half = try RawClient(rig.path)
        half.send("GET /v1/ping HTTP/1.1\r\nHo")
        // It has been read by the time that another one is answered.
        let other = try RawClient(rig.path)
        other.get("/v1/ping")
        #expect(other.sees("pong"))
        let bad = try RawClient(rig.path)
        bad.send("GET /v1/ping HTTP/1.1\r\n\r\n")
        #expect(bad.seesEnd())
        #expect(try refusal(bad).code == "invalid")
        half.send("st: x\r\n\r\n")
        #expect(half.sees("pong"))
    }

    // MARK: Traces

    private func headers(_ given: [String]) -> Headers {
        var headers = Headers()
        for value in given { headers.add("traceparent", value) }
        return headers
    }

    @Test(arguments: [
        "00-\(knownTrace)-b7ad6b7169203331-01", "01-\(knownTrace)-b7ad6b7169203331-01-more",
        "cc-\(knownTrace)-b7ad6b7169203331-00",
    ])
    func `a client's trace is gone on with`(text: String) {
        let trace = TraceContext(headers([text]))
        #expect(trace.id == knownTrace)
        #expect(trace.span != "b7ad6b7169203331" && trace.span.utf8.count == 16)
        #expect(trace.header.value.hasPrefix("00-\(knownTrace)-\(trace.span)-0"))
    }

    @Test(arguments: [
        [], ["00-\(knownTrace)-b7ad6b7169203331-01", "00-\(knownTrace)-b7ad6b7169203331-01"], [""], ["00"],
        ["ff-\(knownTrace)-b7ad6b7169203331-01"], ["00-\(knownTrace)-b7ad6b7169203331-01-more"],
        ["00-\(String(repeating: "0", count: 32))-b7ad6b7169203331-01"],
        ["00-\(knownTrace)-0000000000000000-01"],
        ["00-\(knownTrace.uppercased())-b7ad6b7169203331-01"], ["00-\(knownTrace)-b7ad6b7169203331-0g"],
        ["01-\(knownTrace)-b7ad6b7169203331-01more"], ["00_\(knownTrace)-b7ad6b7169203331-01"],
    ])
    func `what is no trace begins another one`(given: [String]) {
        let (first, second) = (TraceContext(headers(given)), TraceContext(headers(given)))
        #expect(first.id != knownTrace && first.id != second.id)
        #expect(first.id.utf8.count == 32 && first.id.contains { $0 != "0" })
    }

    @Test func `every answer has its trace, a refusal as well`() throws {
        let rig = try Rig()
        let client = try RawClient(rig.path)
        client.get("/v1/fail", "traceparent: 00-\(knownTrace)-b7ad6b7169203331-01\r\n")
        #expect(client.sees("traceresponse: 00-\(knownTrace)-"))
        client.forget()
        client.get("/v1/ping")
        #expect(client.sees("traceresponse: 00-"))
        #expect(!client.text.contains(knownTrace))
    }
}

extension String {
    fileprivate enum End { case end }

    /// Where the last occurrence of `part` begins.
    fileprivate func range(of part: String, from end: End) -> String.Index? {
        var found: String.Index?
        var rest = self[...]
        while let range = rest.firstRange(of: part) {
            found = range.lowerBound
            rest = rest[range.upperBound...]
        }
        return found
    }
}
