import Glibc
import Testing

@testable import Wire

/// Says for each line of hexadecimal digits whether Python's parser, with the same rules added,
/// takes the bytes.
private let reference = """
    import json, sys
    def pairs(members):
        if len({key for key, _ in members}) != len(members): raise ValueError("duplicate key")
        return dict(members)
    def refuse(_): raise ValueError("constant")
    def check(value, depth):
        if isinstance(value, str): value.encode("utf-8")
        elif isinstance(value, (dict, list)):
            if depth == 64: raise ValueError("too deep")
            for part in [*value, *value.values()] if isinstance(value, dict) else value:
                check(part, depth + 1)
    def valid(line):
        try:
            text = bytes.fromhex(line).decode("utf-8")
            check(json.loads(text, object_pairs_hook=pairs, parse_constant=refuse,
                             parse_int=lambda _: 0, parse_float=lambda _: 0), 0)
            return True
        except (ValueError, RecursionError):
            return False
    print("".join("1" if valid(line) else "0" for line in open(sys.argv[1])))
    """

let hasPython: Bool = {
    let found = unsafe system("command -v python3 >/dev/null 2>&1") == 0
    if !found { print("skipped: the comparison with Python's json needs python3, which is not installed") }
    return found
}()

@Suite struct JSONPythonTests {
    private static let seeds = [
        #"{"jsonrpc":"2.0","id":7,"method":"visitor_panel/render","params":{"visitor_id":"v_1"}}"#,
        #"{"a":[1,-2.5e+10,0,{"b":"\u00e9\uD83D\uDE00\n\"x\""}],"c":{"d":null,"e":true,"f":false}}"#,
        #" [ "订单号" , "¥299.00" , {"状态":"已完成","":[]} , {} ] "#,
        #"{"a":1,"b":{"a":1,"b":2,"c":{"a":1}},"c":[{"a":1},{"a":1}]}"#,
        #"["\\","\/","\b\f\n\r\t","\u0000","𝄞","1234567\u12345678"]"#,
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ].map { Array($0.utf8) }

    private static let pieces: [[UInt8]] =
        [
            "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "E+", " ", "\n", "\t", "\u{1}",
            "null",
            "true", "NaN", "-Infinity", "\\u00", "\\uD800", "\\uDC00", "\\uD83D\\uDE00", "\"a\":1,",
            ",\"a\":1",
            "\"b\":", "[[", "]]", "\u{7F}", "é", "\u{FFFF}", "😀", "\\u0061", "01", "1.", "\u{A0}", "\u{FEFF}",
        ].map { Array($0.utf8) } + [
            [0x80], [0xC0], [0xED, 0xA0, 0x80], [0xF4, 0x90], [0xFF], [0xE2, 0x82],
        ]

    static func mutated(_ random: inout Random) -> [UInt8] {
        var text = seeds[random.below(seeds.count)]
        for _ in 0..<random.below(4) {
            let place = random.below(text.count + 1)
            let length = min(random.below(4), text.count - place)
            switch random.below(4) {
            case 0: text.replaceSubrange(place..<place + length, with: [])
            case 1: text.replaceSubrange(place..<place + length, with: pieces[random.below(pieces.count)])
            case 2: text.insert(contentsOf: pieces[random.below(pieces.count)], at: place)
            default: text.insert(contentsOf: text[place..<place + length], at: random.below(text.count + 1))
            }
        }
        return text
    }

    @Test(.enabled(if: hasPython, "python3 is not installed"))
    func `the scanner and Python's json agree on 30,000 mutated texts`() throws {
        var random = Random(seed: 20_26)
        let cases = (0..<30_000).map { _ in Self.mutated(&random) }
        let verdicts = try python(cases)
        try #require(verdicts.count == cases.count)
        var accepted = 0
        for (text, verdict) in zip(cases, verdicts) {
            let ours = (try? scan(text)) != nil
            accepted += ours ? 1 : 0
            #expect(
                ours == (verdict == UInt8(ascii: "1")), "\(String(decoding: text, as: UTF8.self)) \(text)")
        }
        // Neither side may be trivially right.
        #expect(accepted > 3_000 && accepted < 27_000)
    }
}

/// One digit for each text.
private func python(_ texts: [[UInt8]]) throws -> [UInt8] {
    var template = Array("/tmp/corral-json-XXXXXX".utf8CString)
    try #require(unsafe mkdtemp(&template) != nil)
    let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let (script, input) = ("\(directory)/reference.py", "\(directory)/cases")
    defer {
        _ = unsafe unlink(script)
        _ = unsafe unlink(input)
        _ = unsafe rmdir(directory)
    }
    let digits = Array("0123456789abcdef".utf8)
    let lines = texts.map { text in
        String(decoding: text.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
    try write(reference, to: script)
    try write(lines.joined(separator: "\n"), to: input)
    guard let pipe = unsafe popen("python3 \(script) \(input)", "r") else {
        Issue.record("popen failed")
        return []
    }
    var output: [UInt8] = []
    while true {
        let byte = unsafe fgetc(pipe)
        if byte < 0 { break }
        output.append(UInt8(truncatingIfNeeded: byte))
    }
    #expect(unsafe pclose(pipe) == 0)
    return output.filter { $0 != UInt8(ascii: "\n") }
}

private func write(_ text: String, to path: String) throws {
    guard let file = unsafe fopen(path, "w") else {
        Issue.record("\(path) cannot be written")
        return
    }
    unsafe fputs(text, file)
    try #require(unsafe fclose(file) == 0)
}
