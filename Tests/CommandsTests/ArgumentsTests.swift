import Sandbox
import Testing

@testable import Commands

@Suite struct ArgumentsTests {
    /// A command with one option of each kind.
    private static func command(
        operands: ClosedRange<Int> = 0...Int.max, help: String = "[--] COMMAND [ARG...]", stops: Bool = true
    ) -> Command {
        Command(
            "try", summary: "Try.", operandsHelp: help, operands: operands, stopsAtOperand: stops,
            options: [
                .init("memory", short: "m", value: "SIZE", help: "the most memory"),
                .init("env", short: "e", value: "NAME=VALUE", repeats: true, help: "a variable"),
                .init("interactive", short: "i", help: "read"),
                .init("json", short: "j", help: "report"),
            ]
        ) { _ in 0 }
    }

    private static func parse(_ words: String...) throws(UsageError) -> Arguments {
        try Arguments(parsing: words, for: command())
    }

    private static func error(_ words: [String], for command: Command = command()) -> String? {
        do throws(UsageError) {
            _ = try Arguments(parsing: words, for: command)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ["--memory", "8MiB"], ["--memory=8MiB"], ["-m", "8MiB"], ["-m8MiB"], ["-im8MiB"], ["-im", "8MiB"],
    ])
    func `a value may be attached or follow`(words: [String]) throws {
        let arguments = try Arguments(parsing: words, for: Self.command())
        #expect(arguments.value("memory") == "8MiB")
        #expect(arguments.operands == [])
        #expect(arguments.has("interactive") == (words[0].hasPrefix("-i")))
    }

    @Test func `an option that was not given has no value`() throws {
        let arguments = try Self.parse("true")
        #expect(arguments.value("memory") == nil)
        #expect(!arguments.has("json"))
        #expect(arguments.all("env") == [])
    }

    @Test func `a value may be empty, hold an equals sign or look like an option`() throws {
        #expect(try Self.parse("--memory=").value("memory") == "")
        #expect(try Self.parse("--env=A=b=c").all("env") == ["A=b=c"])
        #expect(try Self.parse("--env", "--json").all("env") == ["--json"])
        #expect(try Self.parse("-e=A").all("env") == ["=A"])
    }

    @Test func `repeated values are kept in order`() throws {
        let arguments = try Self.parse("-eA=1", "--env", "B=2", "--env=A=3")
        #expect(arguments.all("env") == ["A=1", "B=2", "A=3"])
    }

    @Test func `switches may stand in one word and be repeated`() throws {
        let arguments = try Self.parse("-ij", "-j")
        #expect(arguments.has("interactive") && arguments.has("json"))
    }

    @Test func `the first operand ends the options`() throws {
        let arguments = try Self.parse("-i", "sh", "-c", "exit", "--json", "--", "-i")
        #expect(arguments.operands == ["sh", "-c", "exit", "--json", "--", "-i"])
        #expect(!arguments.has("json"))
    }

    @Test func `options may follow operands where a command does not stop at the first`() throws {
        let arguments = try Arguments(parsing: ["a", "--json", "b"], for: Self.command(stops: false))
        #expect(arguments.operands == ["a", "b"])
        #expect(arguments.has("json"))
    }

    @Test func `two dashes end the options and are no operand`() throws {
        let arguments = try Self.parse("-i", "--", "--json", "--", "x")
        #expect(arguments.operands == ["--json", "--", "x"])
        #expect(!arguments.has("json"))
    }

    @Test func `a single dash and an empty word are operands`() throws {
        #expect(try Self.parse("-", "-i").operands == ["-", "-i"])
        #expect(try Self.parse("", "-i").operands == ["", "-i"])
    }

    @Test(arguments: [
        (["--memroy", "1"], "unknown option --memroy; did you mean --memory?"),
        (["--mem=1"], "unknown option --mem; did you mean --memory?"),
        (["--nothing"], "unknown option --nothing"),
        (["--JSON"], "unknown option --JSON; did you mean --json?"),
        (["-x"], "unknown option -x"),
        (["-ix"], "unknown option -x"),
        (["--a\nb"], #"unknown option --a\u{a}b"#),
        (["--json=yes"], "--json takes no value"),
        (["--memory"], "--memory needs SIZE"),
        (["-i", "-m"], "-m needs SIZE"),
        (["-e"], "-e needs NAME=VALUE"),
        (["--memory=1", "-m2"], "--memory is given twice"),
    ])
    func `a wrong option is named`(words: [String], problem: String) {
        #expect(Self.error(words) == "corral try: \(problem) (see corral try --help)")
    }

    @Test func `too few and too many operands are told`() {
        let one = Self.command(operands: 1...1, help: "IMAGE")
        #expect(
            Self.error([], for: one)
                == "corral try: an operand is missing; expected IMAGE (see corral try --help)")
        #expect(
            Self.error(["a", "b"], for: one)
                == #"corral try: unexpected "b"; expected IMAGE (see corral try --help)"#)
        let none = Self.command(operands: 0...0, help: "")
        #expect(
            Self.error(["b"], for: none)
                == #"corral try: unexpected "b"; expected no operands (see corral try --help)"#)
    }

    @Test func `asking for help needs no operands`() throws {
        let one = Self.command(operands: 1...1, help: "IMAGE")
        #expect(try Arguments(parsing: ["-h"], for: one).has("help"))
        #expect(try Arguments(parsing: ["--help"], for: one).has("help"))
    }

    @Test func `a long unknown option is cut`() {
        let message = Self.error(["--" + String(repeating: "a", count: 5000)])
        #expect(message?.contains("... (5000 bytes)") == true)
        #expect((message?.utf8.count ?? 0) < 200)
    }
}
