import Sandbox
import Testing

@Suite struct ShownTests {
    @Test(arguments: [
        ("/tmp/a b", "/tmp/a b"), ("", ""), ("\"quoted\"", "\"quoted\""), ("/tmp/ä", "/tmp/ä"),
        ("a\nb", #"a\u{a}b"#), ("\u{1B}[31m", #"\u{1b}[31m"#), ("a\u{202E}b", #"a\u{202e}b"#),
    ])
    func `one line is shown as it is and control characters are escaped`(text: String, expected: String) {
        #expect(shown(text) == expected)
    }

    @Test func `a long text is cut and its length told`() {
        #expect(shown(String(repeating: "a", count: 200)) == String(repeating: "a", count: 200))
        let cut = String(repeating: "a", count: 80) + "... (201 bytes)"
        #expect(shown(String(repeating: "a", count: 201)) == cut)
    }
}
