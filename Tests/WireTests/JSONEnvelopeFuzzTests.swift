import TestSupport
import Testing

@testable import Wire

/// Judges lines of `text-in-hex verdict [name=start:end]...`: whether Python's parser, with the same
/// rules added, takes the text where the scanner did, and has under each name what the scanner found
/// there. Prints one letter a line: `a` for accepted, `r` for refused, `x` where they disagree.
private let judge = """
    import json, sys
    NAMES = ["jsonrpc", "id", "method", "params", "result", "error"]
    def pairs(members):
        if len({key for key, _ in members}) != len(members): raise ValueError("duplicate key")
        return dict(members)
    def refuse(_): raise ValueError("constant")
    def number(digits): return ["number", digits]
    def check(value, depth):
        if isinstance(value, str): value.encode("utf-8")
        elif isinstance(value, (dict, list)):
            if depth == 64: raise ValueError("too deep")
            for part in [*value, *value.values()] if isinstance(value, dict) else value:
                check(part, depth + 1)
    def parse(text):
        value = json.loads(text.decode("utf-8"), object_pairs_hook=pairs, parse_constant=refuse,
                           parse_int=number, parse_float=number)
        return value
    def depth(text):
        # Numbers are lists above, so the depth is counted apart.
        check(json.loads(text.decode("utf-8"), parse_int=lambda _: 0, parse_float=lambda _: 0), 0)
    def key(text, start):
        front = text[:start].rstrip(b" \\t\\r\\n")
        front = front[:-1].rstrip(b" \\t\\r\\n") if front.endswith(b":") else b""
        for length in range(2, 80):
            try:
                if isinstance(name := json.loads(front[-length:]), str): return name
            except ValueError: pass
    def line(words):
        text = bytes.fromhex(words[0]) if words[0] != "-" else b""
        try:
            value = parse(text)
            depth(text)
        except (ValueError, RecursionError):
            return "r" if words[1] == "refused" else "x"
        if words[1] != "accepted": return "x"
        found = dict(word.split("=") for word in words[2:])
        wanted = [name for name in NAMES if isinstance(value, dict) and name in value]
        if sorted(found) != sorted(wanted): return "x"
        for name, place in found.items():
            start, end = map(int, place.split(":"))
            try:
                same = parse(text[start:end]) == value[name] and text[start:end].strip() == text[start:end]
            except ValueError:
                same = False
            if not same or key(text, start) != name: return "x"
        return "a"
    print("".join(line(words.split()) for words in sys.stdin))
    """

@Suite struct JSONEnvelopeFuzzTests {
    private static let seeds = [
        #"{"jsonrpc":"2.0","id":7,"method":"visitor_panel/render","params":{"visitor_id":"v_1"}}"#,
        #"{ "jsonrpc" : "2.0" , "id" : "a-1" , "result" : { "template" : "text" , "data" : [ 1, 2 ] } }"#,
        #"{"id":-1.5e3,"error":{"code":-32601,"message":"no \"such\" method"},"jsonrpc":"2.0"}"#,
        #"{"m\u0065thod":"register","i\u0064":null,"params":{"id":"x","method":"y","result":[]}}"#,
        #"{"a":1,"bb":2,"ccc":3,"dddd":4,"eeeee":5,"ffffff":6,"ggggggg":7,"hhhhhhhh":8,"iiiiiiiii":9}"#,
        #"{"订单号":"已完成","result":"😀\uD83D\uDE00","params":[[[[{"id":{"id":[]}}]]]],"id":0}"#,
    ].map { Array($0.utf8) }

    private static let pieces =
        [
            "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e5", " ", "\n", "\t", "\u{1}", "null",
            "true",
            "\"id\":1,", "\"id\":", ",\"method\":\"m\"", "\"result\":{},", "\"\\u0069d\":2,", "\"i\\u0064\"",
            "id",
            "params", "error", "jsonrpc", "\\u00", "\\uD800", "\\uDC00", "é", "😀", "{\"id\":1}", "[[", "]]",
            "{}",
            "\"kkkkkkkkk1kkkkkkkk\":0,", "\"kkkkkkkkk2kkkkkkkk\":0,",
        ].map { Array($0.utf8) } + [[0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xFF], [0]]

    private static func mutated(_ random: inout Random) -> [UInt8] {
        var text = seeds[random.below(seeds.count)]
        for _ in 0..<random.below(4) {
            let place = random.below(text.count + 1)
            let length = min(random.below(8), text.count - place)
            let piece = pieces[random.below(pieces.count)]
            switch random.below(5) {
            case 0: text.removeSubrange(place..<place + length)
            case 1: text.replaceSubrange(place..<place + length, with: piece)
            case 2: text.insert(contentsOf: piece, at: place)
            case 3:
                // At a comma or a brace, where it often fits.
                let fits = text.indices.filter { text[$0] == Byte.comma || text[$0] == Byte.openBrace }
                if !fits.isEmpty { text.insert(contentsOf: piece, at: fits[random.below(fits.count)] + 1) }
            default: text.insert(contentsOf: text[place..<place + length], at: random.below(text.count + 1))
            }
        }
        return text
    }

    /// What the scanner says of a text, as a line for Python.
    private static func line(_ text: [UInt8], _ scanner: inout JSONScanner) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = text.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        let front = text.isEmpty ? "-" : String(decoding: hex, as: UTF8.self)
        guard let found = try? RPCEnvelope(scanning: text.span, by: &scanner) else {
            return "\(front) refused"
        }
        let places: KeyValuePairs = [
            "jsonrpc": found.version, "id": found.id, "method": found.method, "params": found.params,
            "result": found.result, "error": found.error,
        ]
        return places.reduce(into: "\(front) accepted") { line, member in
            if let place = member.value { line += " \(member.key)=\(place.lowerBound):\(place.upperBound)" }
        }
    }

    /// One letter a line.
    private func verdicts(_ lines: [String]) throws -> [Character] {
        let run = try Program.run(
            ["python3", "-c", judge], stdin: Array(lines.joined(separator: "\n").utf8), timeout: 300)
        try #require(run.status == 0, "\(run.errors)")
        return run.output.filter { $0 != "\n" }
    }

    @Test(.enabled(if: hasPython, "python3 is not installed"))
    func `the scanner finds in 20,000 mutated messages what Python's json has there`() throws {
        var random = Random(seed: 52_53)
        var scanner = JSONScanner()
        let texts = (0..<20_000).map { _ in Self.mutated(&random) }
        let lines = texts.map { Self.line($0, &scanner) }
        let verdicts = try verdicts(lines)
        try #require(verdicts.count == texts.count)
        for (line, verdict) in zip(lines, verdicts) where verdict == "x" {
            Issue.record("Python disagrees: \(line)")
        }
        // Neither side may be trivially right.
        let accepted = verdicts.count { $0 == "a" }
        #expect(accepted > 3_000 && accepted < 17_000, "\(accepted)")
    }

    /// The judge is one that can say no.
    @Test(.enabled(if: hasPython, "python3 is not installed"))
    func `a wrong verdict and a wrong place are found`() throws {
        let text = "7b226964223a317d"  // {"id":1}
        let lines = [
            "\(text) accepted id=6:7", "\(text) refused", "\(text) accepted", "\(text) accepted id=2:4",
            "\(text)7d accepted id=6:7", "\(text) accepted method=6:7",
        ]
        #expect(try verdicts(lines) == ["a", "x", "x", "x", "x", "x"])
    }
}
