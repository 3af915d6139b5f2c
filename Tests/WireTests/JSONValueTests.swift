// What a JSON text means: the tree of files and Python's json have the same value for each text that one of
// them takes, and refuse the same texts.

import TestSupport
import Testing

@testable import Wire

/// Judges lines of `text-in-hex meaning`: `a` where Python takes the text and means the same, `r` where it
/// refuses it and the meaning is `refused`, `x` where they disagree. A meaning is written by a grammar of its
/// own, so that nothing of JSON's writing is used on either side.
private let judge = """
    import json, sys
    class Number(str): pass
    class Members(list): pass
    def pairs(members):
        if len({key for key, _ in members}) != len(members): raise ValueError("duplicate key")
        return Members(members)
    def refuse(_): raise ValueError("constant")
    def text(value): return "s" + value.encode("utf-8").hex() + ";"
    def meaning(value, depth):
        if value is None: return "z"
        if isinstance(value, bool): return "t" if value else "f"
        if isinstance(value, Number): return "n" + value + ";"
        if isinstance(value, str): return text(value)
        if depth == 64: raise ValueError("too deep")
        if isinstance(value, Members):
            return "{" + "".join(text(key) + meaning(part, depth + 1) for key, part in value) + "}"
        return "[" + "".join(meaning(part, depth + 1) for part in value) + "]"
    def judge(words):
        try:
            value = json.loads(bytes.fromhex(words[0][1:]).decode("utf-8", "strict"), strict=True,
                               object_pairs_hook=pairs, parse_constant=refuse, parse_int=Number,
                               parse_float=Number)
            said = meaning(value, 0)
        except (ValueError, RecursionError):
            return "r" if words[1] == "refused" else "x"
        return "a" if words[1] == said else "x"
    print("".join(judge(line.split()) for line in sys.stdin))
    """

@Suite struct JSONValueTests {
    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func meaning(_ tree: JSONTree) -> String {
        switch tree.value {
        case .null: "z"
        case .bool(let flag): flag ? "t" : "f"
        case .number(let digits): "n\(digits);"
        case .string(let text): "s\(hex(text.utf8));"
        case .array(let elements): "[\(elements.map(meaning).joined())]"
        case .object(let members):
            "{\(members.map { "s\(hex($0.key.utf8));\(meaning($0.value))" }.joined())}"
        }
    }

    private static func line(_ text: [UInt8]) -> String {
        "x\(hex(text)) \((try? JSONTree(parsing: text)).map(meaning) ?? "refused")"
    }

    /// One letter a line.
    private func verdicts(_ lines: [String]) throws -> [Character] {
        let run = try Program.run(
            ["python3", "-c", judge], stdin: Array(lines.joined(separator: "\n").utf8), timeout: 300)
        try #require(run.status == 0, "\(run.errors)")
        return run.output.filter { $0 != "\n" }
    }

    private func compare(_ texts: [[UInt8]]) throws -> [Character] {
        let lines = texts.map(Self.line)
        let verdicts = try verdicts(lines)
        try #require(verdicts.count == texts.count)
        for (line, verdict) in zip(lines, verdicts) where verdict == "x" {
            Issue.record("Python disagrees: \(line)")
        }
        // The scanner of messages takes the same texts.
        for (text, verdict) in zip(texts, verdicts) {
            #expect(((try? scan(text)) != nil) == (verdict == "a"), "\(text)")
        }
        return verdicts
    }

    @Test(.enabled(if: hasPython, "python3 is not installed"))
    func `20,000 mutated texts mean the same to Python or are refused by both`() throws {
        var random = Random(seed: 8259)
        let verdicts = try compare((0..<20_000).map { _ in JSONPythonTests.mutated(&random) })
        // Neither side may be trivially right.
        let accepted = verdicts.count { $0 == "a" }
        #expect(accepted > 2_000 && accepted < 18_000, "\(accepted)")
    }

    @Test(.enabled(if: hasPython, "python3 is not installed"))
    func `what fuzzing starts from means the same to Python`() throws {
        let directory = Repository.path("Fuzz/corpus/json")
        let texts = try File.names(in: directory).map { try File.read("\(directory)/\($0)") }
        #expect(texts.count > 5)
        _ = try compare(texts)
    }

    /// What Python's parser takes unless it is told otherwise, and what only its strict form refuses.
    @Test(
        .enabled(if: hasPython, "python3 is not installed"),
        arguments: [
            "NaN", "[Infinity]", "-Infinity", #"{"a":1,"a":2}"#, #"{"a":{"b":1,"\u0062":2}}"#, "\"\u{1}\"",
            "\"\t\"", #""\uD800""#, #"["\uDC00\uD800"]"#, "\u{FEFF}{}", "01", "1.", ".5", "+1", "[1,]", "",
            String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
        ])
    func `what strict Python refuses is refused`(text: String) throws {
        #expect(try compare([Array(text.utf8)]) == ["r"])
    }

    @Test(.enabled(if: hasPython, "python3 is not installed"))
    func `bytes that are not UTF-8 are refused by both`() throws {
        let bad: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0xE2, 0x82],
        ]
        #expect(try compare(bad.map { [0x22] + $0 + [0x22] }).allSatisfy { $0 == "r" })
    }

    /// The judge is one that can say no.
    @Test(.enabled(if: hasPython, "python3 is not installed"))
    func `another meaning is found`() throws {
        let text = "x\(Self.hex(#"{"a":[1,"b"]}"#.utf8))"
        let lines = [
            "{s61;[n1;s62;]}", "{s61;[n1;s63;]}", "{s61;[n1.0;s62;]}", "{s61;[s62;n1;]}", "refused", "{}",
        ]
        #expect(try verdicts(lines.map { "\(text) \($0)" }) == ["a", "x", "x", "x", "x", "x"])
    }
}
