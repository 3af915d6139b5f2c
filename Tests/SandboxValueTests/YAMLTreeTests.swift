import Testing

@testable import Sandbox

@Suite struct YAMLTreeTests {
    @Test(arguments: [
        (
            "a:\n\tb: 1\n",
            "2:1: found character that cannot start any token while scanning for the next token; tabs do not "
                + "indent, spaces do"
        ),
        (
            "a: @b\n",
            "1:4: found character that cannot start any token while scanning for the next token"
        ),
        (
            "a: [1\nb: 2\n",
            "2:2: did not find expected ',' or ']' while parsing a flow sequence that starts at 1:4"
        ),
        ("é: &x b\n", "1:4: é: anchors (&) are not used here; write the value out"),
        ("a: *x\n", "1:4: a: aliases (*) are not used here; write the value out"),
        ("a: !!str b\n", "1:4: a: tags (!) are not used here; remove it"),
        ("!x {a: b}\n", "1:1: tags (!) are not used here; remove it"),
        ("a: {<<: {b: c}}\n", "1:5: a: merge keys (<<) are not used here; write the keys out"),
        ("a: 1\n--- \nb: 2\n", "2:1: a second document starts; expected one document in the file"),
        ("%YAML 1.1\n---\na: 1\n", "1:1: directives (%) are not used here; remove the line"),
        ("a:\n  b: 1\n  b: 2\n", "3:3: a.b: is given twice; first in line 2"),
        ("[a]: b\n", "1:1: has a list as a key; expected text"),
        ("", "1:1: holds no value; expected a mapping"),
        ("# nothing\n", "1:1: holds no value; expected a mapping"),
    ])
    func `what is not allowed has its own message, with its place`(text: String, message: String) {
        let error = #expect(throws: ConfigError.self) { try parse(text) }
        // A key with other than ASCII is quoted in the path of a key.
        let expected = message.replacing("é:", with: "\"é\":")
        #expect(error?.description == "f.yaml:" + expected)
    }

    @Test(
        arguments: [
            ([0x61, 0x3A, 0x20, 0xFF], "1:4: invalid leading UTF-8 octet (0xff)"),
            ([0x23, 0xC3, 0xA9, 0x0A, 0x61, 0x01], "2:2: control characters are not allowed (0x1)"),
            ([0x61, 0x3A, 0x20, 0x00], "1:4: control characters are not allowed (0x0)"),
        ] as [([UInt8], String)])
    func `bytes that are not text are refused where they are`(bytes: [UInt8], message: String) {
        let error = #expect(throws: ConfigError.self) { try YAMLTree.parse(bytes, file: "f.yaml") }
        #expect(error?.description == "f.yaml:" + message)
    }

    @Test func `a byte-order mark does not change the encoding`() {
        #expect(throws: ConfigError.self) { try YAMLTree.parse([0xFF, 0xFE, 0x61, 0x00], file: "f.yaml") }
    }

    @Test func `sixteen levels fit and seventeen do not`() throws {
        let nested = { (depth: Int) in
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(16))
        let error = #expect(throws: ConfigError.self) { try parse(nested(17)) }
        #expect(error?.problem == "is nested deeper than 16 levels")
        #expect(error?.column == 17)
        #expect(throws: ConfigError.self) { try parse(String(repeating: "[", count: 200_000)) }
    }

    @Test func `ten thousand values fit and one more does not`() throws {
        let list = { (count: Int) in "[" + String(repeating: "1,", count: count) + "]" }
        _ = try parse(list(9_999))
        let error = #expect(throws: ConfigError.self) { try parse(list(10_000)) }
        #expect(error?.key == "[9999]")
        #expect(error?.problem == "is one value too many; expected at most 10000")
    }

    @Test func `256 KiB fit and one byte more does not`() throws {
        let comment = "a: 1 #" + String(repeating: "x", count: (256 << 10) - 6)
        _ = try parse(comment)
        let error = #expect(throws: ConfigError.self) { try parse(comment + "x") }
        #expect(error?.description == "f.yaml:1:1: is 262145 bytes long; expected at most 262144")
    }

    @Test func `scalars keep their text and say whether they were plain`() throws {
        let root = try parse("a: no\nb: 'no'\nc: |\n  x\n  y\n")
        guard case .mapping(let entries) = root.content else {
            Issue.record("not a mapping")
            return
        }
        #expect(entries.map(\.key) == ["a", "b", "c"])
        let scalars = entries.compactMap { entry -> String? in
            guard case .scalar(let text, let plain) = entry.value.content else { return nil }
            return "\(plain) \(text)"
        }
        #expect(scalars == ["true no", "false no", "false x\ny\n"])
        #expect(entries.map(\.value.mark) == [(1, 4), (2, 4), (3, 4)].map { YAMLMark(line: $0, column: $1) })
    }

    private func parse(_ text: String) throws(ConfigError) -> YAMLNode {
        try YAMLTree.parse(Array(text.utf8), file: "f.yaml")
    }
}
