// What `corral plugin test` makes of a plugin's output, of its messages and of the report of its run.

import Plugins
import Testing
import Wire

@testable import Commands

@Suite struct PluginTestTextTests {
    @Test func `output comes in whole lines, whatever pieces it arrives in`() {
        var lines = OutputLines()
        #expect(lines.take(Array("one\ntw".utf8)[...]) == ["one"])
        #expect(lines.take(Array("o\n\n".utf8)[...]) == ["two", ""])
        #expect(lines.take(Array("thr".utf8)[...]) == [])
        #expect(lines.last() == "thr" && lines.last() == nil && lines.dropped == 0)
    }

    @Test func `long lines are cut, and what is beyond the limit is counted`() {
        var lines = OutputLines()
        let shown = lines.take([UInt8](repeating: UInt8(ascii: "x"), count: OutputLines.most + 7)[...])
        #expect(shown.allSatisfy { $0.utf8.count == OutputLines.longestLine })
        #expect(shown.count == OutputLines.most / OutputLines.longestLine)
        #expect(lines.dropped == 7)
        #expect(lines.take(Array("more\n".utf8)[...]) == [] && lines.dropped == 12)
    }

    @Test func `nothing that a terminal would obey is printed as it is`() {
        #expect(escapedLine("a\u{1B}[2J\u{9B}\u{202E}\tb\n") == "a\\u{1b}[2J\\u{9b}\\u{202e} b\\u{a}")
        #expect(escapedLine("abcdef", atMost: 3) == "abc... (6 characters)")
        #expect(escapedLine("访客", atMost: 2) == "访客")
    }

    @Test(arguments: [
        ("{\"a\":\n\t[1,\r\n2]}", "{\"a\":  [1,  2]}"),
        ("\"\u{7F}\u{9B}\u{2028}\u{E0001}访\"", #""\u007f\u009b\u2028\udb40\udc01访""#),
    ])
    func `JSON on one line means the same`(text: String, line: String) throws {
        let escaped = escapedJSON(Array(text.utf8))
        #expect(String(decoding: escaped, as: UTF8.self) == line)
        let values = try [Array(text.utf8), escaped].map { bytes in
            if case .string(let text) = try JSONTree(parsing: bytes).value { return text }
            return ""
        }
        #expect(values[0] == values[1])
    }

    private func judge(
        _ report: String, isComplete: Bool = true, endedByUs: Bool = false, known: [Finding] = []
    ) throws -> Findings {
        let report = try #require(PluginRunReport(Array(report.utf8)))
        var findings = Findings()
        for finding in known { findings.add(finding) }
        report.judge(isComplete: isComplete, endedByUs: endedByUs, into: &findings)
        return findings
    }

    @Test func `a plugin that exits when it was asked to is right, with a warning for its status`() throws {
        #expect(try judge(#"{"cause": "exited", "exit": 0}"#) == Findings())
        let findings = try judge(#"{"cause": "exited", "exit": 1}"#)
        #expect(findings.list == [] && findings.warnings.count == 1)
    }

    @Test(arguments: [
        (#"{"cause": "exited", "exit": 0}"#, false, "plugin: exits with status 0 before it was asked to"),
        (#"{"cause": "memory", "signal": 9}"#, true, "plugin: is ended: memory (signal 9)"),
        (#"{"cause": "operator", "signal": 9}"#, true, "plugin: is ended: operator (signal 9)"),
    ])
    func `every other end is wrong`(report: String, isComplete: Bool, sentence: String) throws {
        #expect(try judge(report, isComplete: isComplete).list.map(\.description) == [sentence])
    }

    @Test func `an end that the test itself brought is not the plugin's`() throws {
        #expect(
            try judge(#"{"cause": "operator", "signal": 9}"#, isComplete: false, endedByUs: true).list == [])
    }

    @Test func `what the relay refused is wrong once`() throws {
        let report = #"""
            {"cause": "exited", "exit": 0, "limits_hit": ["pids"], "relay": {"refusals": [
            {"rule": "pending", "count": 2, "first": "from the plugin: an answer has the id 7"},
            {"rule": "upstream", "count": 1, "first": "from the plugin: whatever"}]}}
            """#
        let second = "relay: the plugin connects again; expected one connection, as TGO has it"
        let findings = try judge(report)
        #expect(
            findings.list.map(\.description) == [
                "relay: an answer has the id 7 (pending, refused 2 times)", second,
            ])
        #expect(findings.warnings.map(\.description) == ["plugin: reaches the limit of pids"])
        let known = Finding("x", "is answered with the error -32002: an answer has the id 7")
        #expect(try judge(report, known: [known]).list.map(\.description).dropFirst() == [second])
    }

    @Test func `a report of nothing that was started has its reason`() throws {
        let report = try #require(
            PluginRunReport(Array(#"{"cause": "launch-failed", "code": 127, "error": "x: not found"}"#.utf8)))
        #expect(report.launchFailure?.code == 127 && report.launchFailure?.error == "x: not found")
        #expect(PluginRunReport([]) == nil)
    }
}
