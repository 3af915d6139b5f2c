import TestSupport
import Testing

/// That `scripts/bench-report.py` joins what was measured and puts it where a template says.
@Suite struct ReportTests {
    private static let lines = """
        {"name":"launch/corral","unit":"ms","samples":3,"values":{"p50":6.123,"p99":1234.5},"ratios":{"p50":1.5}}
        {"before":{"commit":"c0ffee","load":0.25}}
        {"leftOut":"runc","reason":"it needs root"}
        {"name":"launch/bwrap","unit":"ms","samples":3,"values":{"p50":12.34}}
        {"name":"scan/a b, 1 KB/size","unit":"bytes","samples":1,"values":{"bytes":65487.0,"few":7.0}}

        """

    private func report(_ words: String...) throws -> Program.Outcome {
        try Program.run(["/usr/bin/python3", Repository.path("scripts/bench-report.py")] + words)
    }

    /// What the template makes of the lines, and what was said.
    private func page(_ template: String, _ lines: String = Self.lines) throws -> (page: String, said: String)
    {
        let directory = try TemporaryDirectory()
        let (result, input) = ("\(directory.path)/bench.json", "\(directory.path)/template")
        try File.write(Array(lines.utf8), to: "\(directory.path)/lines")
        try File.write(Array(template.utf8), to: input)
        let collected = try report("collect", "7", "\(directory.path)/lines", result)
        try #require(collected.status == 0, "\(collected.errors)")
        let written = try report("write", result, input, "\(directory.path)/page")
        if written.status != 0 { return ("", written.errors) }
        return (File.text("\(directory.path)/page") ?? "", written.errors)
    }

    @Test(arguments: [
        ("a {{launch/corral:p50}} b", "a 6.12 b"), ("{{launch/corral:p99}}", "1,234"),
        ("{{launch/corral:/p50}}", "1.50"), ("{{launch/bwrap:p50}}", "12.3"),
        ("{{launch/corral:/p50 <= 1.5}}", "met"), ("{{launch/corral:/p50 <= 1.4}}", "**not met**"),
        ("{{launch/corral:p50 >= 6.2}}", "**not met**"), ("{{launch/corral:p50 >= 6}}", "met"),
        ("{{@rounds}} {{@machine.load}} {{@commit}}", "7 0.25 c0ffee"),
        ("{{@leftOut}}", "Left out: runc (it needs root)."),
        ("{{each launch/*}} {{*}} {{launch/*:p50}} {{launch/*:/p50}}", "corral 6.12 1.50\nbwrap 12.3 –"),
        ("{{each scan/*/size}} {{*}}: {{scan/*/size:bytes}}", "a b, 1 KB: 65,487"),
        ("{{scan/a b, 1 KB/size:few}}", "7"),
        ("x\n{{each nothing/*}} {{*}}\ny", "x\ny"), ("no { braces }", "no { braces }"),
    ])
    func `a template's figures come from the result`(template: String, expected: String) throws {
        let (page, said) = try page(template)
        #expect(page == expected + "\n")
        #expect(said == "")
    }

    @Test(arguments: ["{{launch/runc:p50}}", "{{launch/corral:/p99}}", "{{launch/corral:p10 <= 3}}"])
    func `what was not measured is a dash, and said`(template: String) throws {
        let (page, said) = try page(template)
        #expect(page == "–\n")
        #expect(said.contains(template))
    }

    @Test(arguments: ["{{launch/corral}}", "{{@nothing}}", "{{@machine.color}}", "{{a:b < 3}}", "{{*}}"])
    func `a mistake in a template is told with its line`(template: String) throws {
        let (page, said) = try page("good\n\(template)\n")
        #expect(page == "")
        #expect(said.hasPrefix("bench-report write: line 2: "), "\(said)")
    }

    @Test func `a name that was measured twice is refused`() throws {
        let directory = try TemporaryDirectory()
        let line = #"{"name":"a","unit":"ms","samples":1,"values":{}}"#
        try File.write(Array("\(line)\n\(line)\n".utf8), to: "\(directory.path)/lines")
        let outcome = try report("collect", "7", "\(directory.path)/lines", "\(directory.path)/bench.json")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("a was measured twice"))
        #expect(!File.exists("\(directory.path)/bench.json"))
    }

    @Test func `the page's own template is one`() throws {
        let template = try #require(File.text(Repository.path("docs/benchmarks.md.in")))
        let filled = try page(template).page
        #expect(filled.contains("| corral | – | 6.12 |"))
        #expect(!filled.contains("{{"))
    }
}
