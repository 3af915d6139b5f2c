import Tables
import TestSupport
import Testing

@Suite struct DisplayWidthTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("中文", 4), ("计划-a", 6), ("ｆｕｌｌ", 8), ("ﾊﾝｶｸ", 4), ("한글", 4),
        ("e\u{301}", 1), ("n\u{303}a\u{308}", 2), ("한", 2), ("🦀", 2), ("👍🏽", 2), ("👨‍👩‍👧", 2), ("🇨🇳", 2),
        ("❤", 1), ("❤\u{FE0F}", 2), ("☎\u{FE0E}", 1), ("…", 1), ("—", 1), ("ก็", 1), ("क्षि", 3), ("𠀀", 2),
    ])
    func `the width of a text is what a terminal gives it`(text: String, width: Int) {
        #expect(DisplayWidth.of(text) == width, "\(text)")
    }

    /// Prints the Unicode version, then a character's width for each code point with a meaning of its own.
    private static let python = """
        import sys, unicodedata as u
        out = [u.unidata_version]
        for c in range(0x300, 0x110000):
            ch = chr(c); category = u.category(ch)
            if category in ('Cn', 'Cs', 'Cc', 'Cf', 'Co', 'Zl', 'Zp'): continue
            if category in ('Mn', 'Me') or 0x1160 <= c <= 0x11FF or 0xD7B0 <= c <= 0xD7FF: width = 0
            else: width = 2 if u.east_asian_width(ch) in 'WF' else 1
            out.append('%x %d' % (c, width))
        print('\\n'.join(out))
        """

    @Test func `every code point has the width that Python's tables give it`() throws {
        let outcome = try Program.run(["/usr/bin/python3", "-c", Self.python], timeout: 60)
        try #require(outcome.status == 0, "\(outcome.errors)")
        var lines = outcome.output.split(separator: "\n")
        let version = String(lines.removeFirst())
        guard version == "14.0.0" else { return Host.skip("Python has Unicode \(version)") }
        var wrong: [String] = []
        for line in lines {
            let parts = line.split(separator: " ")
            let scalar = try #require(UInt32(parts[0], radix: 16).flatMap(Unicode.Scalar.init))
            if String(DisplayWidth.of(scalar)) != parts[1] { wrong.append(String(line)) }
        }
        #expect(lines.count > 140_000)
        // A vowel of Ahom that later versions count as one with a width.
        #expect(wrong == ["1171e 0"])
    }

    @Test func `a cut text fits, ends in an ellipsis and holds no half of a character`() {
        let texts = ["plain words", "计划-任务-一", "e\u{301}e\u{301}e\u{301}", "👨‍👩‍👧👨‍👩‍👧x", "🇨🇳🇨🇳", "a"]
        for text in texts {
            let whole = Array(text)
            for columns in 0...20 {
                let cut = DisplayWidth.cut(text, to: columns)
                #expect(DisplayWidth.of(cut) <= columns)
                if cut == text || columns == 0 { continue }
                #expect(cut.last == "…")
                #expect(Array(cut.dropLast()) == Array(whole.prefix(cut.count - 1)))
                // One more would not have fitted.
                let more = whole.prefix(cut.count).reduce(0) { $0 + DisplayWidth.of($1) }
                #expect(more > columns - 1)
            }
        }
        #expect(DisplayWidth.cut("计划", to: 4) == "计划" && DisplayWidth.cut("计划", to: 3) == "计…")
        #expect(DisplayWidth.cut("计划", to: 2) == "…")
    }

    @Test(arguments: [
        ("a\u{1B}[31mb", "a\\u{1b}[31mb"), ("a\nb", "a\\u{a}b"), ("a\u{202E}b", "a\\u{202e}b"),
        ("\u{200B}", "\\u{200b}"), ("a\u{200D}b", "a\\u{200d}b"), ("👨‍👩‍👧", "👨‍👩‍👧"), ("计划", "计划"),
        ("👨\u{200D}", "👨\\u{200d}"), ("\u{7F}\u{9B}", "\\u{7f}\\u{9b}"), ("e\u{301}", "e\u{301}"),
        ("\u{FFFF}", "\\u{ffff}"), ("❤\u{FE0F}", "❤\u{FE0F}"),
    ])
    func `what disturbs a terminal or hides is escaped`(text: String, safe: String) {
        #expect(SafeText.of(text) == safe)
    }
}
