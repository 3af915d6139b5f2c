import TestSupport
import Testing

@testable import Commands

/// What hangs on the table of commands beside help: examples, man pages.
@Suite struct TableTests {
    static let shown = CorralCommand.commands.filter { !$0.isHidden }

    @Test(arguments: shown)
    func `every call in an example is one that the parser takes`(command: Command) throws {
        for example in command.examples {
            let calls = shellCommands(example).filter { $0[0] == "corral" }
            #expect(!calls.isEmpty, "\(example)")
            var isAboutThis = false
            for call in calls {
                let (found, rest) = try #require(
                    CorralCommand.find(Array(call.dropFirst())), "\(example)")
                isAboutThis = isAboutThis || found.name == command.name
                let arguments = try Arguments(parsing: rest, for: found)
                if found.name == "run", !arguments.has("env-file") { _ = try RunOptions(arguments) }
                if found.name == "profile explain" { _ = try ExplainEvent.event(arguments) }
            }
            #expect(isAboutThis, "\(example) shows another command")
        }
    }

    @Test func `commands that are called by hand have examples`() {
        let without = Self.shown.filter(\.examples.isEmpty).map(\.name)
        #expect(
            without == ["image list", "profile list", "profile path", "profile schema", "plan schema"],
            "nothing but the name can be shown of these")
    }

    @Test(arguments: shown)
    func `a man page shows every option and example of its command`(command: Command) throws {
        let file = "\(ManPage.name(command.name)).1"
        let page = try #require(ManPage.all.first { $0.file == file })
        #expect(page.text.hasPrefix("\(ManPage.mark)\n.TH CORRAL\\-"))
        for option in command.options {
            let value = option.value.map { " \\fI\(Roff.escaped($0))\\fR" } ?? ""
            let line = "\\fB\\-\\-\(Roff.escaped(option.name))\\fR\(value)\n\(Roff.line(option.help))\n"
            #expect(page.text.contains(line), "--\(option.name)")
        }
        for example in command.examples { #expect(page.text.contains("\n\(Roff.line(example))\n")) }
    }

    @Test func `the overview names every command that is not hidden`() throws {
        let page = try #require(ManPage.all.first { $0.file == "corral.1" })
        for command in CorralCommand.commands {
            let name = "\\fB\(Roff.escaped(ManPage.name(command.name)))\\fR(1)"
            #expect(page.text.contains(name) != command.isHidden, "\(command.name)")
        }
    }

    @Test(
        .enabled(if: File.exists("/usr/bin/groff"), "skipped: groff is not installed"),
        arguments: ManPage.all)
    func `groff has nothing to complain about`(page: ManPage) throws {
        let words = ["groff", "-man", "-Tutf8", "-ww", "-z"]
        let outcome = try Program.run(words, stdin: Array(page.text.utf8))
        #expect(outcome.status == 0 && outcome.errors == "", "\(page.file): \(outcome.errors)")
        // That it can complain.
        let broken = try Program.run(words, stdin: Array((page.text + ".SX\n").utf8))
        #expect(broken.errors.contains("SX"))
    }

    @Test func `what roff would take for its own is escaped`() {
        #expect(Roff.line(".x '\\n' -") == "\\&.x \\(aq\\en\\(aq \\-")
        #expect(Roff.text("a\nb\n\n  c\n  d") == [".PP", "a", "b", ".PP", ".nf", "  c", "  d", ".fi"])
    }
}

extension ManPage: CustomTestStringConvertible {
    package var testDescription: String { file }
}
