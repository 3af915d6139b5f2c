import Sandbox
import Tables
import Testing

@Suite struct FiltersTests {
    private static let keys: [Filters.Key] = [
        .init("label", .label), .init("state", .words(["running", "ended"])), .init("name"),
        .init("since", .time),
    ]
    private let now = WallTime(milliseconds: 1_700_000_000_000)

    private func filters(_ words: String...) throws -> Filters {
        try Filters(words, keys: Self.keys, now: now)
    }

    private func shows(_ filters: Filters, _ name: String, _ state: String, _ labels: [String: String])
        -> Bool
    {
        filters.accept { filter in
            switch filter.key.name {
            case "label": Filters.label(filter.value, matches: labels)
            case "state": filter.value == state
            default: name.contains(filter.value)
            }
        }
    }

    @Test func `values of a key are alternatives, labels and different keys hold together`() throws {
        let none = try filters()
        #expect(shows(none, "a", "ended", [:]))
        let state = try filters("state=running", "state=ended")
        #expect(shows(state, "a", "ended", [:]) && !shows(state, "a", "starting", [:]))
        let both = try filters("state=running", "name=web")
        #expect(shows(both, "my-web", "running", [:]))
        #expect(!shows(both, "my-web", "ended", [:]) && !shows(both, "db", "running", [:]))
        let labels = try filters("label=team=a=b", "label=tier")
        #expect(shows(labels, "", "", ["team": "a=b", "tier": ""]))
        #expect(!shows(labels, "", "", ["team": "a=b"]) && !shows(labels, "", "", ["team": "a", "tier": ""]))
    }

    @Test func `a time is kept as a moment`() throws {
        #expect(try filters("since=1h").all.map(\.text) == ["since=2023-11-14T21:13:20.000Z"])
    }

    @Test(arguments: [
        ("state", "\"state\" has no =; expected KEY=VALUE with one of label, state, name, since as KEY"),
        ("stat=running", "\"stat\" is nothing to filter by; did you mean state?"),
        ("xyz=1", "\"xyz\" is nothing to filter by; expected one of label, state, name, since"),
        ("state=runing", "state: \"runing\" is not a value; did you mean running?"),
        ("name=", "name= has no value"), ("label==x", "\"=x\" has no name; expected label=NAME"),
        ("since=yesterday", "since: \"yesterday\" is not a time; expected how long ago"),
    ])
    func `a wrong filter is told`(word: String, message: String) {
        let error = #expect(throws: ValueError.self) { try filters(word) }
        #expect(error?.problem.hasPrefix(message) == true, "\(String(describing: error))")
    }

    @Test func `tail is a number or all`() throws {
        #expect(try Tail.read("all") == nil && Tail.read("0") == 0 && Tail.read("25") == 25)
        for text in ["", "-1", "x", "1.5", "99999999999"] {
            let error = #expect(throws: ValueError.self) { try Tail.read(text) }
            #expect(error?.problem.hasSuffix(", or all") == true)
        }
    }

    @Test func `a thing is called by its name, its id or the beginning of its id`() throws {
        let things: [(id: String, name: String?)] = [
            ("0123456789abcdef", "web"), ("0123ffffffffffff", nil), ("fe00000000000000", "0123456789abcdef"),
            ("abcdefabcdefabcd", "fe"),
        ]
        func resolve(_ text: String) throws(ValueError) -> String {
            try Reference.resolve(text, among: things, noun: "session")
        }
        #expect(try resolve("web") == "0123456789abcdef")
        #expect(try resolve("0123f") == "0123ffffffffffff")
        #expect(try resolve("0123456789abcdef") == "fe00000000000000", "a name counts before an id")
        #expect(try resolve("fe") == "abcdefabcdefabcd")
        #expect(try resolve("fe0") == "fe00000000000000")
        for (text, message) in [
            ("0123", "\"0123\" begins the ids of 2 sessions (0123456789ab, 0123ffffffff); give more of it"),
            ("wbe", "there is no session \"wbe\"; did you mean web?"), ("", "there is no session \"\""),
            ("zz", "there is no session \"zz\""),
        ] {
            let error = #expect(throws: ValueError.self) { try resolve(text) }
            #expect(error?.problem == message)
        }
    }
}
