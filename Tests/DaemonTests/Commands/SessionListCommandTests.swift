import API
import Client
import Tables
import TestSupport
import Testing
import Wire

@testable import Commands

@Suite(.serialized) struct SessionListCommandTests {
    @Test func `sessions are listed the newest first, and filters hold`() throws {
        let daemon = try TestDaemon()
        let red = try daemon.session(#"{"name":"red","labels":{"team":"red","x":"1"},"ttl":3600000}"#)
        let blue = try daemon.session(#"{"name":"blue","labels":{"team":"blue","x":"2"}}"#)
        let gone = try daemon.session(#"{"name":"gone","labels":{"team":"red"}}"#)
        try daemon.call("POST", "/v1/sessions/gone/kill", #"{"grace":0}"#)

        let table = try daemon.lines(["list"])
        #expect(table.count == 3 && table[0].hasPrefix("SESSION ID     NAME   PROFILE"), "\(table)")
        #expect(table[1].hasPrefix("\(blue.prefix(12))   blue   default"), "\(table)")
        #expect(table[2].contains(" ago") && table[2].contains("(ttl)"), "\(table)")
        #expect(!table.joined().contains("\u{1B}"), "nobody looks who wants colours")

        let cases: [(words: [String], ids: [String])] = [
            (["ls", "-q"], [blue, red]), (["ps", "-aq"], [gone, blue, red]),
            (["list", "-q", "-f", "label=team=red"], [red]),
            (["list", "-aq", "-f", "label=team=red"], [gone, red]),
            (["list", "-q", "-f", "label=team", "-f", "label=x=2"], [blue]),
            (["list", "-q", "-f", "state=ended"], [gone]),
            (["list", "-q", "-f", "state=ended", "-f", "state=running"], [gone, blue, red]),
            (["list", "-q", "-f", "cause=operator"], [gone]), (["list", "-q", "-f", "cause=ttl"], []),
            (["list", "-q", "-f", "name=red", "-f", "name=blue"], [blue, red]),
            (["list", "-q", "-f", "id=\(red)"], [red]),
            (["list", "-aq", "-f", "tenant=default"], [gone, blue, red]),
            (["list", "-q", "-f", "profile=strict"], []),
        ]
        for (words, ids) in cases {
            #expect(try daemon.lines(words) == ids.map { String($0.prefix(12)) }, "\(words)")
            #expect(try daemon.lines(words + ["--no-trunc"]) == ids, "\(words)")
        }
        // The daemon's objects as they are: held against the API's table.
        let array = try JSONTree(parsing: Array(try daemon.lines(["list", "-a", "-o", "json"])[0].utf8)).list
        let each = try daemon.lines(["list", "-a", "-o", "jsonl"]).map { Array($0.utf8) }
        for bytes in each { #expect(try APIReader(bytes, as: .session).text("tenant") == "default") }
        #expect(array.map { $0["id"]?.text } == [gone, blue, red] && each.count == 3)

        try daemon.refuses(["list", "-f", "stat=ended"], "--filter: ", "did you mean state?")
        try daemon.refuses(["list", "-f", "state=endd"], "did you mean ended?")
        try daemon.refuses(["list", "-f", "label"], "has no =")
        try daemon.refuses(["list", "-o", "xml"], code: 2, "table or wide or json or jsonl")
    }

    @Test func `columns are aligned by what a terminal shows, and times are local`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"labels":{"owner":"王小明"}}"#)
        _ = try daemon.session(#"{"labels":{"owner":"é\u202e"}}"#)
        let lines = try daemon.lines(["list", "-o", "wide"], environment: ["TZ": "CST-8"])
        let heading = try #require(lines[0].firstRange(of: "TENANT")).lowerBound
        for line in lines.dropFirst() {
            let tenant = try #require(line.firstRange(of: "default", in: "owner")).lowerBound
            #expect(DisplayWidth.of(lines[0][..<heading]) == DisplayWidth.of(line[..<tenant]), "\(lines)")
            #expect(line.contains(" +08:00"), "\(line)")
        }
        #expect(lines[1].contains("\\u{202e}") && lines[2].contains("王小明"))
        let json = try daemon.lines(["list", "-o", "jsonl"], environment: ["TZ": "CST-8"])
        for line in json {
            let created = try JSONTree(parsing: Array(line.utf8))["created"]?.text ?? ""
            #expect(WallTime(rfc3339: created) != nil && created.hasSuffix("Z"))
        }
    }

    @Test func `every page is read, and the beginning of several ids is refused with all of them`() throws {
        let daemon = try TestDaemon()
        // Two of seventeen ids begin with the same digit.
        let ids = try (0..<17).map { _ in try daemon.session() }
        for size in [1, 4, 16, 17, 18] {
            var calls = SessionCalls(DaemonAddress(daemon.socket))
            calls.page = size
            #expect(try calls.list().map(\.id) == ids, "pages of \(size)")
        }
        let digit = try #require(
            "0123456789abcdef".map(String.init).first { digit in
                ids.count { $0.hasPrefix(digit) } > 1
            })
        let begun = ids.filter { $0.hasPrefix(digit) }
        let outcome = try daemon.operate(["inspect", digit])
        #expect(outcome.status == 1 && outcome.output == "[]\n")
        for id in begun.prefix(8) { #expect(outcome.errors.contains(id), "\(outcome.errors)") }
        #expect(outcome.errors.hasSuffix("\nhint: write more of the id\n"), "\(outcome.errors)")
        // As much as is enough.
        let beginnings = (1...16).map { ids[0].prefix($0) }
        let short = try #require(beginnings.first { start in ids.count { $0.hasPrefix(start) } == 1 })
        #expect(try daemon.inspected(String(short)).map { $0["id"]?.text } == [ids[0]])
        for words in [["kill", digit], ["rm", "-f", digit], ["wait", digit], ["top", digit]] {
            try daemon.refuses(words, "may be any of")
        }
        #expect(try daemon.lines(["list", "-q"]).count == 17)
    }

    @Test func `what is there is inspected, and what is not is told behind it`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        #expect(try daemon.inspected("web", id).map { $0["id"]?.text } == [id, id])
        let mixed = try daemon.operate(["inspect", "nothing", "web", "../x", ""])
        #expect(mixed.status == 1)
        #expect(try JSONTree(parsing: mixed.stdout).list.map { $0["name"]?.text } == ["web"])
        let errors = mixed.errors.split(separator: "\n")
        #expect(
            errors == [
                "corral session inspect: there is no session \"nothing\"",
                "corral session inspect: there is no session \"../x\"",
                "corral session inspect: there is no session \"\"",
            ], "\(errors)")
        try daemon.refuses(["inspect"], code: 2, "an operand is missing; expected SESSION...")
    }

    @Test func `a terminal has colours, and cuts names to its width`() throws {
        let daemon = try TestDaemon()
        let name = String(repeating: "n", count: 60)
        _ = try daemon.session(#"{"name":"\#(name)"}"#)
        var environment = daemon.asking.merging(["TERM": "xterm"]) { $1 }
        environment["NO_COLOR"] = nil
        let terminal = try UserTerminal(
            TestDaemon.words(["list"]), environment: environment, rows: 20, columns: 80)
        #expect(try terminal.waitForEnd() == 0)
        #expect(terminal.screen.contains("\u{1B}[32mrunning\u{1B}[0m"), "\(terminal.screen)")
        #expect(terminal.screen.contains("nn…") && !terminal.screen.contains(name), "\(terminal.screen)")
    }

    @Test func `completion offers sessions, and nothing where no daemon answers`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"web"}"#)
        let id = try daemon.session()
        func complete(_ words: String..., environment: [String: String]) throws -> String {
            let outcome = try Program.run(
                [Product.path("corral"), "__complete", "--", "session"] + words, environment: environment)
            #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
            return outcome.output
        }
        let all = try complete("kill", "", environment: daemon.asking)
        #expect(all == "web\trunning\n\(id.prefix(12))\trunning\n:none\n", "\(all)")
        #expect(try complete("top", "we", environment: daemon.asking) == "web\trunning\n:none\n")
        let nobody = daemon.asking.merging(["CORRAL_SOCKET_PATH": daemon.directory("none")]) { $1 }
        #expect(try complete("kill", "", environment: nobody) == ":none\n")
    }
}

extension StringProtocol {
    /// The first place of `text` behind that of `start`.
    fileprivate func firstRange(of text: String, in start: String) -> Range<Index>? {
        guard let begin = firstRange(of: start)?.upperBound else { return nil }
        return self[begin...].firstRange(of: text)
    }
}
