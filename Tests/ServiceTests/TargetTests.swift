import Testing

@testable import Service

@Suite struct TargetTests {
    private func target(_ text: String) throws(ServiceError) -> Target {
        try Target(parsing: Array(text.utf8))
    }

    @Test(arguments: [
        ("/", []), ("/v1", ["v1"]), ("/v1/a%20b", ["v1", "a b"]), ("/%E4%B8%AD/x+y", ["中", "x+y"]),
        ("/a:b@c,d;e=f", ["a:b@c,d;e=f"]), ("/a?", ["a"]), ("/%7e%7E", ["~~"]),
    ])
    func `segments are decoded`(text: String, segments: [String]) throws {
        #expect(try target(text).segments == segments)
    }

    @Test(arguments: [
        "", "v1", "http://x/v1", "*", "/a%", "/a%4", "/a%zz", "/a%00b", "/a%0ab", "/a%7f", "/a%2Fb", "/a%2f",
        "/.",
        "/a/../b", "/%2e%2E/b", "/a/%2e", "/%ff", "/%c0%af", "/%ed%a0%80", "/a?x=%", "/a?x=%00", "/a?x=1&x=2",
        "/a?x&x", "/a?=1", "/a?x=1&", "/a?&", "/a?%78=1&x=1", "/a?x=%80", "/ä", "/a b", "/a\u{7f}",
    ])
    func `what could be read in two ways is refused`(text: String) {
        let error = #expect(throws: ServiceError.self) { try target(text) }
        #expect(error?.code == .invalid)
    }

    @Test(arguments: ["/v1/", "//v1", "/v1//a", "//"])
    func `a slash too many leads nowhere`(text: String) {
        let error = #expect(throws: ServiceError.self) { try target(text) }
        #expect(error?.code == .notFound)
        #expect(error?.hint != nil)
    }

    @Test(arguments: [
        ("/a?x=1", ["x": "1"]), ("/a?x=", ["x": ""]), ("/a?x", ["x": ""]),
        ("/a?x=a=b&y=c%26d", ["x": "a=b", "y": "c&d"]),
        ("/a?l%20k=a+b%2B", ["l k": "a b+"]), ("/a?x=/?", ["x": "/?"]), ("/a?", [:]),
    ])
    func `the query is decoded`(text: String, query: [String: String]) throws {
        #expect(try target(text).query == query)
        #expect(try target(text).controlled.isEmpty)
    }

    @Test func `which parameters have control characters is told`() throws {
        let target = try target("/a?x=a%0Ab&y=%7f&z=c")
        #expect(target.query == ["x": "a\nb", "y": "\u{7f}", "z": "c"] && target.controlled == ["x", "y"])
    }

    @Test func `no bytes make it trap, and what it takes has no separator left in it`() throws {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("/%2eEfF0.?&=+ab\u{0}\u{7f}ä".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<16, using: &generator)).map { _ in
                letters.randomElement(using: &generator) ?? 0
            }
            guard let target = try? Target(parsing: [Letter.slash] + bytes) else { continue }
            for segment in target.segments {
                #expect(!segment.isEmpty && segment != "." && segment != ".." && !segment.contains("/"))
                #expect(!segment.utf8.contains(0))
            }
        }
    }
}

@Suite struct RouterTests {
    private let endpoints = [
        Endpoint(.get, "/v1/things", name: "list"), Endpoint(.post, "/v1/things", name: "make"),
        Endpoint(.get, "/v1/things/{id}", name: "look"), Endpoint(.get, "/v1/things/all", name: "all"),
        Endpoint(.delete, "/v1/things/{id}", name: "remove"),
        Endpoint(.post, "/v1/things/{id}/parts/{part}", name: "part"), Endpoint(.get, "/", name: "root"),
    ]

    @Test(arguments: [
        ("GET", ["v1", "things"], 0, [:]), ("HEAD", ["v1", "things"], 0, [:]),
        ("POST", ["v1", "things"], 1, [:]),
        ("GET", ["v1", "things", "a b"], 2, ["id": "a b"]), ("GET", ["v1", "things", "all"], 3, [:]),
        ("DELETE", ["v1", "things", "all"], 4, ["id": "all"]), ("GET", [], 6, [:]),
        ("POST", ["v1", "things", "x", "parts", "y"], 5, ["id": "x", "part": "y"]),
    ])
    func `a path leads to its endpoint, a literal before a parameter`(
        method: String, segments: [String], index: Int, parameters: [String: String]
    ) {
        #expect(Router(endpoints).resolve(method, segments) == .found(index, parameters))
    }

    @Test func `another method is told which there are`() {
        let router = Router(endpoints)
        #expect(
            router.resolve("PUT", ["v1", "things"]) == .otherMethods(["GET", "HEAD", "OPTIONS", "POST"]))
        #expect(
            router.resolve("get", ["v1", "things"]) == .otherMethods(["GET", "HEAD", "OPTIONS", "POST"]))
        #expect(
            router.resolve("HEAD", ["v1", "things", "x", "parts", "y"]) == .otherMethods(["OPTIONS", "POST"]))
    }

    @Test(arguments: [["v1"], ["v1", "things", "a", "parts"], ["v2", "things"], ["things"]])
    func `what is not in the table is not there`(segments: [String]) {
        #expect(Router(endpoints).resolve("GET", segments) == .nothing)
    }

    @Test func `a table that is wrong is described`() {
        let wrong =
            endpoints + [
                Endpoint(.get, "/v1/things/{name}", name: "look"), Endpoint(.get, "/v1/end/", name: "end"),
                Endpoint(.get, "/v1/{a}/{a}", name: "twice"),
            ]
        #expect(Router.problems(in: endpoints) == [])
        #expect(
            Router.problems(in: wrong) == [
                "GET /v1/things/{name} is there twice", "the name look is there twice",
                "/v1/end/ must begin with a slash and not end with one", "/v1/{a}/{a} has a parameter twice",
            ])
    }
}
