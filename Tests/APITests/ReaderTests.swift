// What a body may be, and what is said of one that may not.

import Testing

@testable import API

struct ReaderTests {
    private func read(_ text: String, as object: APIObject) throws(FieldProblem) -> APIReader {
        try APIReader(Array(text.utf8), as: object)
    }

    @Test func `members come out as they went in`() throws {
        let text = """
            {"name": "build", "labels": {"a": "1", "b": "\\u4e2d"}, "ttl": null, "idle": 60000,
             "limits": {"memory": 18446744073709551615, "cpu_time": null}, "persistent": true}
            """
        let session = try read(text, as: .sessionRequest)
        #expect(session.text("name") == "build" && session.text("profile") == nil)
        #expect(session.map("labels")?.map(\.value) == ["1", "中"])
        #expect(session.isNull("ttl") && !session.isNull("idle") && !session.isNull("max"))
        #expect(session.whole("idle") == 60_000 && session.whole("ttl") == nil)
        #expect(session.flag("persistent") == true)
        let limits = try #require(session.object("limits"))
        #expect(limits.whole("memory") == .max && limits.isNull("cpu_time"))
        let exec = try read(#"{"argv": ["a", ""], "stdin": "AP8="}"#, as: .execRequest)
        #expect(exec.texts("argv") == ["a", ""] && exec.bytes("stdin") == [0, 255])
    }

    private static let refused: [(body: String, object: APIObject, message: String)] = [
        ("", .sessionRequest, "the body is not JSON: 1:1: a value was expected, but the text ends"),
        ("[]", .sessionRequest, "an object was expected, and this is a list"),
        (
            #"{"profil": "x"}"#, .sessionRequest,
            "profil: there is no such member of SessionRequest; did you mean profile?"
        ),
        (
            #"{"ttl": 0}"#, .sessionRequest,
            "ttl: a whole number from 1 to 3162240000000 was expected, and this is 0"
        ),
        (
            #"{"ttl": 1.5}"#, .sessionRequest,
            "ttl: a whole number from 1 to 3162240000000 was expected, and this is 1.5"
        ),
        (
            #"{"ttl": "1h"}"#, .sessionRequest,
            #"ttl: a whole number from 1 to 3162240000000 was expected, and this is "1h""#
        ),
        (
            #"{"limits": {"memory": -1}}"#, .sessionRequest,
            "limits.memory: a whole number of at least 1 was expected, and this is -1"
        ),
        (
            #"{"limits": {"memory": null}}"#, .sessionRequest,
            "limits.memory: a whole number of at least 1 was expected, and this is null"
        ),
        (
            #"{"labels": {"a": 1}}"#, .sessionRequest,
            "labels.a: a text of at most 255 bytes was expected, and this is 1"
        ),
        (
            #"{"name": "a", "name": "b"}"#, .sessionRequest,
            #"the body is not JSON: 1:15: the key "name" was already given"#
        ),
        (
            #"{"argv": ["a", 2]}"#, .execRequest,
            "argv[1]: a text of at most 131071 bytes was expected, and this is 2"
        ),
        (
            #"{"argv": ["a\u0000"]}"#, .execRequest,
            #"argv[0]: a text of at most 131071 bytes was expected, and this is "a\u{0}""#
        ),
        (
            #"{"stdin": "AP8"}"#, .execRequest,
            #"stdin: base64 of at most 8388608 bytes was expected, and this is "AP8""#
        ),
        (
            #"{"columns": 80}"#, .resizeRequest,
            "rows: is missing; a whole number from 1 to 65535 was expected"
        ),
        (
            #"{"restart": "sometimes"}"#, .processRequest,
            #"restart: one of no, on-failure, always was expected, and this is "sometimes""#
        ),
    ]

    @Test(arguments: refused)
    func `a body that is wrong is refused with its place`(
        body: String, object: APIObject, message: String
    ) throws {
        let problem = #expect(throws: FieldProblem.self) { try read(body, as: object) }
        #expect(problem?.description == message)
    }

    @Test func `a body may be no deeper than the parser goes`() {
        let deep = String(repeating: "[", count: 100)
        let problem = #expect(throws: FieldProblem.self) { try read(deep, as: .execRequest) }
        #expect(problem?.description.contains("at most 64") == true)
    }

    @Test func `long lists, maps and texts are refused by their bounds`() {
        let labels = (0..<65).map { "\"l\($0)\": \"\"" }.joined(separator: ", ")
        let long = String(repeating: "x", count: 64)
        for (body, field) in [("{\"labels\": {\(labels)}}", "labels"), ("{\"name\": \"\(long)\"}", "name")] {
            let problem = #expect(throws: FieldProblem.self) { try read(body, as: .sessionRequest) }
            #expect(problem?.field == field)
        }
    }
}
