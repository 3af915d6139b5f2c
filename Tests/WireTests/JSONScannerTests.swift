import Testing

@testable import Wire

func scan(_ bytes: [UInt8]) throws(JSONError) -> JSONKind {
    var scanner = JSONScanner()
    return try scanner.scan(bytes.span)
}

private func nested(_ depth: Int, _ open: String, _ close: String) -> String {
    String(repeating: open, count: depth) + String(repeating: close, count: depth)
}

private func object(keys: Int, extra: String = "") -> String {
    "{" + (0..<keys).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + extra + "}"
}

@Suite struct JSONScannerTests {
    static let good: [(String, JSONKind)] = [
        ("{}", .object), ("[]", .array), ("\"\"", .string), ("0", .number), ("true", .boolean),
        ("false", .boolean), ("null", .null), (" \t\r\n{ } \n", .object), ("[ ]", .array),
        ("[1,2 , 3]", .array), ("[[],{},[[]]]", .array), (#"{"a":{"a":{"a":[{"a":1}]}}}"#, .object),
        (#"{"a" : 1 , "b":2}"#, .object), (#"{"":0}"#, .object), (#"[{"a":1},{"a":1}]"#, .array),
        ("-0", .number), ("-1", .number), ("10", .number), ("0.5", .number), ("1e5", .number),
        ("1E+5", .number), ("1.25e-0005", .number), ("123456789012345678901234567890", .number),
        ("[0e1]", .array), ("[-0.0]", .array),
        (#""\"\\\/\b\f\n\r\t""#, .string), (#""\u0041\u00e9\uABCD""#, .string), (#""\uD83D\uDE00""#, .string),
        (#""\u0000""#, .string), (#""\uFFFF\uFDD0""#, .string), ("\"\u{7F}\"", .string),
        ("\"\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"", .string), ("\"\u{2028}\u{FEFF}\"", .string),
        ("\"\u{D7FF}\u{E000}\"", .string), (#"{"订单号":"已完成"}"#, .object), ("\"1234567\"", .string),
        ("\"12345678\"", .string), ("\"123456789\"", .string), ("\"1234567é\"", .string),
        (nested(64, "[", "]"), .array), (nested(32, "{\"a\":[", "]}"), .object),
        (object(keys: 31), .object), (object(keys: 33), .object), (object(keys: 500), .object),
        (#"{"a":{"x":1},"b":{"x":1},"x":2}"#, .object), (#"{"a":1,"A":1,"a ":1,"á":1}"#, .object),
    ]

    @Test(arguments: good)
    func `valid text is accepted`(text: String, kind: JSONKind) throws {
        #expect(try scan(Array(text.utf8)) == kind)
    }

    static let bad: [(String, JSONError)] = [
        ("", JSONError(.ended(.value), at: 0)),
        ("  ", JSONError(.ended(.value), at: 2)),
        ("\u{FEFF}{}", JSONError(.expected(.value, found: 0xEF), at: 0)),
        ("{", JSONError(.ended(.keyOrClose), at: 1)),
        ("[", JSONError(.ended(.value), at: 1)),
        ("}", JSONError(.expected(.value, found: Byte.closeBrace), at: 0)),
        ("{]", JSONError(.expected(.keyOrClose, found: Byte.closeBracket), at: 1)),
        ("[}", JSONError(.expected(.value, found: Byte.closeBrace), at: 1)),
        ("[1}", JSONError(.expected(.commaOrBracket, found: Byte.closeBrace), at: 2)),
        (#"{"a":1]"#, JSONError(.expected(.commaOrBrace, found: Byte.closeBracket), at: 6)),
        ("[1,]", JSONError(.expected(.value, found: Byte.closeBracket), at: 3)),
        ("[,1]", JSONError(.expected(.value, found: Byte.comma), at: 1)),
        ("[1 2]", JSONError(.expected(.commaOrBracket, found: 0x32), at: 3)),
        (#"{"a":1,}"#, JSONError(.expected(.key, found: Byte.closeBrace), at: 7)),
        (#"{,"a":1}"#, JSONError(.expected(.keyOrClose, found: Byte.comma), at: 1)),
        (#"{"a"}"#, JSONError(.expected(.colon, found: Byte.closeBrace), at: 4)),
        (#"{"a" 1}"#, JSONError(.expected(.colon, found: 0x31), at: 5)),
        (#"{"a"::1}"#, JSONError(.expected(.value, found: Byte.colon), at: 5)),
        (#"{"a":}"#, JSONError(.expected(.value, found: Byte.closeBrace), at: 5)),
        (#"{"a""#, JSONError(.ended(.colon), at: 4)),
        (#"{"a":"#, JSONError(.ended(.value), at: 5)),
        (#"{"a":1"#, JSONError(.ended(.commaOrBrace), at: 6)),
        ("{a:1}", JSONError(.expected(.keyOrClose, found: 0x61), at: 1)),
        ("{'a':1}", JSONError(.expected(.keyOrClose, found: 0x27), at: 1)),
        ("{1:1}", JSONError(.expected(.keyOrClose, found: 0x31), at: 1)),
        ("{}{}", JSONError(.expected(.end, found: Byte.openBrace), at: 2)),
        ("{} x", JSONError(.expected(.end, found: 0x78), at: 3)),
        ("{}\0", JSONError(.expected(.end, found: 0), at: 2)),
        ("[]]", JSONError(.expected(.end, found: Byte.closeBracket), at: 2)),
        ("1 2", JSONError(.expected(.end, found: 0x32), at: 2)),
        ("NaN", JSONError(.expected(.value, found: 0x4E), at: 0)),
        ("[Infinity]", JSONError(.expected(.value, found: 0x49), at: 1)),
        ("-Infinity", JSONError(.expected(.digit, found: 0x49), at: 1)),
        ("nan", JSONError(.expected(.literal, found: 0x61), at: 1)),
        ("tru", JSONError(.ended(.literal), at: 3)),
        ("True", JSONError(.expected(.value, found: 0x54), at: 0)),
        ("truth", JSONError(.expected(.literal, found: 0x74), at: 3)),
        ("falsey", JSONError(.expected(.end, found: 0x79), at: 5)),
        ("nullnull", JSONError(.expected(.end, found: Byte.n), at: 4)),
        ("-", JSONError(.ended(.digit), at: 1)),
        ("+1", JSONError(.expected(.value, found: Byte.plus), at: 0)),
        ("01", JSONError(.expected(.end, found: 0x31), at: 1)),
        ("-01", JSONError(.expected(.end, found: 0x31), at: 2)),
        (".5", JSONError(.expected(.value, found: Byte.point), at: 0)),
        ("1.", JSONError(.ended(.digit), at: 2)),
        ("1.e5", JSONError(.expected(.digit, found: 0x65), at: 2)),
        ("1e", JSONError(.ended(.digit), at: 2)),
        ("1e+", JSONError(.ended(.digit), at: 3)),
        ("1e5.5", JSONError(.expected(.end, found: Byte.point), at: 3)),
        ("0x1F", JSONError(.expected(.end, found: 0x78), at: 1)),
        ("1_000", JSONError(.expected(.end, found: 0x5F), at: 1)),
        ("// c\n1", JSONError(.expected(.value, found: 0x2F), at: 0)),
        ("[1/**/]", JSONError(.expected(.commaOrBracket, found: 0x2F), at: 2)),
        ("\"", JSONError(.ended(.quote), at: 1)),
        ("\"abc", JSONError(.ended(.quote), at: 4)),
        ("\"12345678", JSONError(.ended(.quote), at: 9)),
        ("'a'", JSONError(.expected(.value, found: 0x27), at: 0)),
        ("\"a\nb\"", JSONError(.controlCharacter(0x0A), at: 2)),
        ("\"\0\"", JSONError(.controlCharacter(0), at: 1)),
        ("\"1234567\u{1F}\"", JSONError(.controlCharacter(0x1F), at: 8)),
        ("\"\\", JSONError(.ended(.escape), at: 2)),
        (#""\x41""#, JSONError(.expected(.escape, found: 0x78), at: 2)),
        (#""\'""#, JSONError(.expected(.escape, found: 0x27), at: 2)),
        (#""\U0041""#, JSONError(.expected(.escape, found: 0x55), at: 2)),
        (#""\u12""#, JSONError(.expected(.hexDigit, found: Byte.quote), at: 5)),
        (#""\u12"#, JSONError(.ended(.hexDigit), at: 5)),
        (#""\u00G0""#, JSONError(.expected(.hexDigit, found: 0x47), at: 5)),
        (#""\uD800""#, JSONError(.loneSurrogate, at: 1)),
        (#""\uDC00""#, JSONError(.loneSurrogate, at: 1)),
        (#""\uDC00\uD800""#, JSONError(.loneSurrogate, at: 1)),
        (#""\uD800\uD800""#, JSONError(.loneSurrogate, at: 1)),
        (#""\uD800\n""#, JSONError(.loneSurrogate, at: 1)),
        (#""\uD800a""#, JSONError(.loneSurrogate, at: 1)),
        (#""\uD800\"#, JSONError(.loneSurrogate, at: 1)),
        (#""\uD800\u"#, JSONError(.ended(.hexDigit), at: 9)),
        (nested(65, "[", "]"), JSONError(.tooDeep, at: 64)),
        (nested(100_000, "[", ""), JSONError(.tooDeep, at: 64)),
        (String(repeating: "{\"a\":", count: 65), JSONError(.tooDeep, at: 320)),
        (#"{"a":1,"a":1}"#, JSONError(.duplicateKey, at: 7)),
        (#"{"b":{"a":1,"a":1}}"#, JSONError(.duplicateKey, at: 12)),
        (#"[[[{"a":1,"b":0,"a":{}}]]]"#, JSONError(.duplicateKey, at: 16)),
        (#"{"a":1,"\u0061":1}"#, JSONError(.duplicateKey, at: 7)),
        (#"{"\u00e9":1,"é":1}"#, JSONError(.duplicateKey, at: 12)),
        (#"{"😀":1,"\uD83D\uDE00":1}"#, JSONError(.duplicateKey, at: 10)),
        (#"{"/":1,"\/":1}"#, JSONError(.duplicateKey, at: 7)),
        (#"{"":1,"":1}"#, JSONError(.duplicateKey, at: 6)),
        (#"{"a":{"x":1,"y":2},"b":[],"a":1}"#, JSONError(.duplicateKey, at: 26)),
        (object(keys: 40, extra: #","k7":1"#), JSONError(.duplicateKey, at: object(keys: 40).utf8.count)),
        (
            object(keys: 40, extra: #","\u006b39":1"#),
            JSONError(.duplicateKey, at: object(keys: 40).utf8.count)
        ),
    ]

    @Test(arguments: bad)
    func `invalid text is refused where it goes wrong`(text: String, error: JSONError) {
        #expect(throws: error) { _ = try scan(Array(text.utf8)) }
    }

    static let notUTF8: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80],
        [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28], [0xED, 0xA0, 0x80],
        [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
        [0xF0, 0x90, 0x80, 0x28], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ]

    /// At each place of a word of eight bytes, inside a string and as a key.
    @Test(arguments: notUTF8, 0..<9)
    func `text that is not UTF-8 is refused`(sequence: [UInt8], before: Int) {
        let filling = [UInt8](repeating: 0x61, count: before)
        let string = [Byte.quote] + filling + sequence + [Byte.quote]
        #expect(throws: JSONError(.invalidUTF8, at: 1 + before)) { _ = try scan(string) }
        let object = [Byte.openBrace] + string + Array(":1}".utf8)
        #expect(throws: JSONError(.invalidUTF8, at: 2 + before)) { _ = try scan(object) }
    }

    @Test func `a byte outside of strings that is not ASCII is refused`() {
        #expect(throws: JSONError(.expected(.value, found: 0xFF), at: 1)) {
            _ = try scan([0x5B, 0xFF, 0x5D])
        }
    }

    @Test func `every front of a valid text is refused and none traps`() throws {
        let text = Array(
            #" {"jsonrpc":"2.0","id":-1.5e+3,"p":["\u00e9\uD83D\uDE00é订",true,false,null,{}],"q":{"r":[]}}"#
                .utf8)
        #expect(try scan(text) == .object)
        for count in 0..<text.count {
            #expect(throws: JSONError.self, "\(count)") { _ = try scan(Array(text[..<count])) }
        }
    }

    @Test func `a scanner is as good after an error as before`() throws {
        var scanner = JSONScanner()
        for (text, error) in Self.bad {
            #expect(throws: error) { _ = try scanner.scan(Array(text.utf8).span) }
            #expect(try scanner.scan(Array(#"{"a":{"a":1},"b":2}"#.utf8).span) == .object)
        }
    }

    @Test(arguments: [
        (JSONError(.expected(.colon, found: 0x78), at: 12), #"byte 12: expected a colon, found "x""#),
        (JSONError(.ended(.value), at: 0), "byte 0: expected a value, found the end"),
        (JSONError(.controlCharacter(10), at: 3), "byte 3: the byte 10 inside a string must be escaped"),
        (JSONError(.duplicateKey, at: 7), "byte 7: the same key a second time in one object"),
    ])
    func `an error says where, what and what was expected`(error: JSONError, message: String) {
        #expect(error.description == message)
    }
}

@Suite struct RPCEnvelopeTests {
    private func envelope(_ text: String) throws -> (RPCEnvelope, (Range<Int>?) -> String?) {
        let bytes = Array(text.utf8)
        var scanner = JSONScanner()
        let envelope = try RPCEnvelope(scanning: bytes.span, by: &scanner)
        return (envelope, { range in range.map { String(decoding: bytes[$0], as: UTF8.self) } })
    }

    @Test func `the outermost members are found as they are written`() throws {
        let (found, text) = try envelope(
            #" { "jsonrpc" : "2.0", "id": [7, {"id":1}] ,"method":"a\n", "params":{"error":1,"id":2} } "#)
        #expect(found.kind == .object)
        #expect(text(found.version) == #""2.0""#)
        #expect(text(found.id) == #"[7, {"id":1}]"#)
        #expect(text(found.method) == #""a\n""#)
        #expect(text(found.params) == #"{"error":1,"id":2}"#)
        #expect(found.result == nil && found.error == nil)
    }

    @Test func `a key counts for what its escapes mean`() throws {
        let (found, text) = try envelope(#"{"me\u0074hod":"m","Method":1,"methods":2,"metho":3}"#)
        #expect(text(found.method) == #""m""#)
    }

    @Test(arguments: ["{}", "[]", "1", #""id""#, #"[{"id":1}]"#])
    func `a text without members has none`(text: String) throws {
        let (found, _) = try envelope(text)
        #expect(found.id == nil && found.method == nil && found.result == nil)
    }
}
