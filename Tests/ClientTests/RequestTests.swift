import Testing
import Wire

@testable import Client

@Suite struct RequestTests {
    private func text(_ request: HTTPRequest) throws -> String {
        String(decoding: try request.encoded(), as: UTF8.self)
    }

    @Test func `a request is written as HTTP has it`() throws {
        #expect(
            try text(HTTPRequest(.get, ["v1", "sessions"], query: [("filter", "label=a b"), ("all", "1")]))
                == "GET /v1/sessions?filter=label%3Da%20b&all=1 HTTP/1.1\r\nHost: corral\r\n\r\n")
        let json = JSONText.object { $0.add("ttl", 5) }
        #expect(
            try text(HTTPRequest(.post, ["v1"]).with(json: json).with("Idempotency-Key", "k"))
                == "POST /v1 HTTP/1.1\r\nHost: corral\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
                + "Content-Length: 9\r\n\r\n{\"ttl\":5}")
        #expect(try text(HTTPRequest(.post, [])).hasSuffix("Content-Length: 0\r\n\r\n"))
        #expect(try text(HTTPRequest(.delete, ["a"])) == "DELETE /a HTTP/1.1\r\nHost: corral\r\n\r\n")
    }

    @Test(arguments: [
        ("../x", "/..%2Fx"), ("..", "/%2E%2E"), (".", "/%2E"), ("...", "/..."),
        ("a b\r\nX: y", "/a%20b%0D%0AX%3A%20y"),
        ("值", "/%E5%80%BC"), ("a?b#c%", "/a%3Fb%23c%25"), ("", "/"),
    ])
    func `no part of a path can be anything but that`(part: String, target: String) {
        #expect(HTTPRequest(.get, [part]).target == target)
    }

    @Test(arguments: [("A", "b\r\nC: d"), ("A", "b\0"), ("A b", "c"), ("", "c"), ("A:", "c")])
    func `a field that would be more than one is refused`(name: String, value: String) {
        #expect(throws: HTTPError.badField(name)) {
            _ = try HTTPRequest(.get, []).with(name, value).encoded()
        }
    }

    @Test(arguments: [
        (
            #"{"code":"limit","message":"8GiB is above 1GiB","field":"limits.memory","hint":"ask for less"}"#,
            "limits.memory: 8GiB is above 1GiB; ask for less", "limit"
        ),
        (
            #"{"code":"invalid","message":"ttl: 0 is too small","field":"ttl"}"#, "ttl: 0 is too small",
            "invalid"
        ),
        (#"{"error":{"code":"gone","message":"no such session"}}"#, "no such session", "gone"),
        (#"{"message":"x","field":null,"hint":""}"#, "x", "http_409"),
        (
            "<html>\u{1B}[31m", "the daemon answered 409 Conflict without saying why: \"<html>?[31m\"",
            "http_409"
        ),
        ("", "the daemon answered 409 Conflict without saying why", "http_409"),
        ("[]", "the daemon answered 409 Conflict without saying why: \"[]\"", "http_409"),
    ])
    func `a refusal is said with its field and its hint`(body: String, sentence: String, code: String) {
        let error = ServiceError(status: 409, reason: "Conflict", body: Array(body.utf8))
        #expect(error.description == sentence && error.code == code && error.status == 409)
    }
}
