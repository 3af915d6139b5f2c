import Testing

@testable import Wire

@Suite struct JSONTreeTests {
    private func parse(_ text: String) throws(JSONTreeError) -> JSONTree {
        try JSONTree(parsing: Array(text.utf8))
    }

    @Test func `every kind of value is read, with its place`() throws {
        let tree = try parse("{\n  \"a\": [1, -2.5e+3, true, false, null],\n  \"é\": \"x\"\n}")
        guard case .object(let members) = tree.value, members.count == 2 else {
            Issue.record("\(tree)")
            return
        }
        #expect(tree.place == JSONPlace(line: 1, column: 1))
        #expect(members.map(\.key) == ["a", "é"])
        #expect(members.map(\.place) == [.init(line: 2, column: 3), .init(line: 3, column: 3)])
        guard case .array(let elements) = members[0].value.value else {
            Issue.record("\(members[0])")
            return
        }
        #expect(
            elements.map(\.value) == [
                .number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null,
            ])
        #expect(elements.map(\.place.column) == [9, 12, 21, 27, 34])
        #expect(members[1].value.value == .string("x"))
        // A column is a character, not a byte: the key before it has two bytes in one.
        #expect(members[1].value.place == JSONPlace(line: 3, column: 8))
    }

    @Test(arguments: [
        "null", "true", "-2.5e+3", "12345678901234567890123", #""a\"\\\n\u0001中😀""#, "[]", "{}",
        #"[1,[],{"b":{},"a":[null,false]},""]"#,
    ])
    func `a tree is written as it was read`(text: String) throws {
        let tree = try parse(text)
        #expect(JSONText.array { $0.add(tree) }.description == "[\(text)]")
    }

    @Test func `spaces and escapes that need not be are not kept`() throws {
        let tree = try parse(" { \"\\u0061\" : [ 1 , \"\\/\" ] } ")
        #expect(JSONText.array { $0.add(tree) }.description == #"[{"a":[1,"/"]}]"#)
    }

    @Test(arguments: [
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u4E2D""#, "Aé中"),
        (#""\ud83d\ude00""#, "😀"),
        (#""\u0000""#, "\0"),
    ])
    func `escapes are decoded`(text: String, decoded: String) throws {
        #expect(try parse(text).value == .string(decoded))
    }

    @Test(arguments: [
        ("", "1:1: a value was expected, but the text ends"),
        ("\n\n  nul", "3:3: a value was expected"),
        ("\u{FEFF}1", "1:1: a value was expected"),
        ("[1,]", "1:4: a value was expected"),
        ("[1 2]", "1:4: a comma or \"]\" was expected"),
        ("{\"a\" 1}", "1:6: a colon was expected"),
        ("{\"a\": 1,\n}", "2:1: a key in quotation marks was expected"),
        ("{\"a\": 1\n\"b\": 2}", "2:1: a comma or \"}\" was expected"),
        ("{\"a\": 1, \"b\": 2,\n \"\\u0061\": 3}", "2:2: the key \"a\" was already given"),
        ("1 1", "1:3: the end of the text was expected"),
        ("01", "1:2: a number may not begin with 0"),
        ("1.", "1:3: a digit was expected"),
        ("-", "1:2: a digit was expected"),
        ("1e+", "1:4: a digit was expected"),
        ("+1", "1:1: a value was expected"),
        ("\"a", "1:1: the string has no end"),
        ("\"a\nb\"", "1:3: a control character in a string must be written as an escape"),
        ("\"\\x\"", "1:3: there is no such escape"),
        ("\"\\", "1:3: the text ends inside an escape"),
        ("\"\\u12g4\"", "1:6: \\u needs four hexadecimal digits"),
        ("\"\\ud800\"", "1:8: half of a surrogate pair is missing"),
        ("\"\\udc00\"", "1:8: half of a surrogate pair is missing"),
        ("\"\\ud800\\u0041\"", "1:14: half of a surrogate pair is missing"),
        ("// x\n1", "1:1: a value was expected"),
    ])
    func `an error says where and what was expected`(text: String, message: String) {
        let error = #expect(throws: JSONTreeError.self) { try parse(text) }
        #expect(error?.description == message)
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        let error = #expect(throws: JSONTreeError.self) {
            try JSONTree(parsing: [0x5B, 0x22, 0xC3, 0x28, 0x22, 0x5D])
        }
        #expect(error?.description == "1:2: the string is not valid UTF-8")
    }

    @Test func `depth ends at the limit`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(JSONTree.maximumDepth))
        let error = #expect(throws: JSONTreeError.self) { try parse(nested(JSONTree.maximumDepth + 1)) }
        #expect(error?.place == JSONPlace(line: 1, column: JSONTree.maximumDepth + 1))
        #expect(throws: JSONTreeError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func `a text that is cut anywhere is an error and not a trap`() {
        let text = Array(#"{"a":[1.5e-3,"\ud83d\ude00",true,null,{"b":"\n"}],"c":-0}"#.utf8)
        for cut in 0..<text.count {
            #expect(throws: JSONTreeError.self) { try JSONTree(parsing: Array(text[..<cut])) }
        }
    }
}
