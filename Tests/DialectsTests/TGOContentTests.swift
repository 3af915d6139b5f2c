import Testing

@testable import Dialects

/// What answers may hold.
@Suite struct TGOContentTests {
    @Test(arguments: [
        (#"{"action":"noop"}"#, nil), (#"{"success":true}"#, nil), ("null", nil), (#""x""#, nil),
        (#"{"action":"run_script","data":{}}"#, "\"run_script\""),
        (#"{"action":"n\u006fop"}"#, nil), (#"{"action":"No\u006fp"}"#, "\"Noop\""),
        (#"{"action":7}"#, "that is not a string"),
        (#"{"action":"batch","data":{"actions":[{"action":"refresh"},{"action":"noop","data":null}]}}"#, nil),
        (#"{"action":"batch","data":{"actions":[{"action":"noop"},{"action":"evil"}]}}"#, "\"evil\""),
        (
            #"{"action":"batch","data":{"actions":[{"action":"batch","data":{"actions":[{"action":"evil"}]}}]}}"#,
            "\"evil\""
        ),
        (#"{"data":{"actions":[{"action":"evil"}]},"action":"b\u0061tch"}"#, "\"evil\""),
        (#"{"action":"show_modal","data":{"actions":[{"action":"evil"}]}}"#, nil),
    ])
    func `actions are those listed, in batches too`(result: String, found: String?) {
        for method in ["a/event", "a/action", "a/select", "a/submit"] {
            var talk = Talk.open()
            #expect(talk.ask(method, result).refusal == found.map { .action($0) }, "\(method)")
        }
        // Elsewhere nobody carries it out.
        var talk = Talk.open()
        #expect(talk.ask("a/render", result) == .forward)
    }

    @Test func `batches inside one another end somewhere`() {
        var result = #"{"action":"noop"}"#
        for _ in 0..<9 { result = #"{"action":"batch","data":{"actions":[\#(result)]}}"# }
        var talk = Talk.open()
        #expect(talk.ask("a/event", result).refusal == .action("batch, too deep inside others"))
    }

    @Test func `a foreign address is found behind thousands of good ones`() {
        let good = [String](repeating: #"{"url":"https://example.org"}"#, count: 5_000).joined(separator: ",")
        var talk = Talk.open()
        #expect(talk.ask("a/render", "[\(good)]") == .forward)
        let refusal = talk.ask("a/render", #"[\#(good),{"src":"javascript:1"}]"#).refusal
        #expect(refusal == .scheme(#""javascript""#))
    }

    @Test(arguments: [
        ("https://example.org/x", nil), ("HTTP://example.org", nil), ("/relative?a=b:c", nil),
        ("page.html", nil), ("#a:b", nil), ("", nil), ("mailto:a@example.org", nil),
        ("//example.org", nil), (#"\\\\example.org"#, nil), ("1:2", nil), ("a b", nil),
        ("javascript:alert(1)", "javascript"), ("JavaScript:alert(1)", "javascript"),
        (#" \tjava\nscript\u003aalert(1)"#, "javascript"), (#"\u0001javascript:x"#, "javascript"),
        ("data:text/html,x", "data"), ("file:///etc/passwd", "file"), ("vbscript:x", "vbscript"),
        ("é:x", nil),
    ])
    func `URLs have schemes that are listed`(url: String, found: String?) {
        let places = [
            #"{"action":"open_url","data":{"url":"\#(url)"}}"#,
            #"{"template":"links","data":{"items":[{"text":"x","url":"\#(url)"}]}}"#,
            #"[[{"a":{"link":"\#(url)"},"b":1}]]"#, #"{"\u0068ref":"\#(url)"}"#,
        ]
        for result in places {
            var talk = Talk.open()
            #expect(talk.ask("a/event", result).refusal == found.map { .scheme("\"\($0)\"") }, "\(result)")
        }
        // Text is no URL, whatever it looks like.
        var talk = Talk.open()
        #expect(talk.ask("a/render", #"{"text":"\#(url)","url2":"\#(url)"}"#) == .forward)
    }

    @Test func `a scheme without end is refused without being kept`() {
        var talk = Talk.open()
        let url = String(repeating: "a", count: 10_000)
        let refusal = talk.ask("a/render", #"{"url":"\#(url)"}"#).refusal
        #expect(refusal == .scheme("\"\(String(repeating: "a", count: 64))\""))
    }

    @Test func `what a plugin registers with has URLs too`() {
        var talk = Talk()
        let frame = #"{"id":1,"method":"register","params":{"capabilities":[{"url":"javascript:x"}]}}"#
        #expect(talk.plugin(frame).refusal == .scheme("\"javascript\""))
    }

    @Test(arguments: [
        ("*/render", "a/render", true), ("*/render", "/render", true), ("*/render", "a/b/render", false),
        ("*", "", true), ("*", "a/b", false), ("a*b*c", "aXbYc", true), ("a*b*c", "abcbc", true),
        ("a*b*c", "abcb", false), ("**", "x", true), ("", "", true), ("", "x", false), ("a", "a", true),
        ("a*", "a", true), ("*a", "aaa", true), ("*/*", "a/b", true), ("*/*", "a/b/c", false),
    ])
    func `a star stands for anything but a slash`(pattern: String, name: String, fits: Bool) {
        #expect(Glob(pattern).matches(Array(name.utf8).span) == fits)
    }
}
