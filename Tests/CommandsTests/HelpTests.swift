import Testing

@testable import Commands

@Suite struct HelpTests {
    @Test(arguments: CorralCommand.commands)
    func `the help of each command shows every option of its table`(command: Command) throws {
        let text = Help.text(of: command)
        let usage = command.operandsHelp.isEmpty ? "" : " \(command.operandsHelp)"
        #expect(text.hasPrefix("Usage: corral \(command.name) [options]\(usage)\n\n\(command.summary)\n"))
        for option in command.options {
            let value = option.value.map { " \($0)" } ?? ""
            let line = try #require(
                text.split(separator: "\n").first { $0.contains("--\(option.name)\(value)  ") },
                "--\(option.name)")
            #expect(line.hasSuffix(option.help))
            if let short = option.short { #expect(line.contains("  -\(short), --\(option.name)")) }
        }
        #expect(text.hasSuffix(command.details.isEmpty ? "show this text" : command.details))
        let examples = try command.examples.map {
            try #require(text.firstRange(of: "\n  \($0)\n")).lowerBound
        }
        let options = try #require(text.firstRange(of: "--help ")).lowerBound
        #expect(examples.allSatisfy { $0 < options }, "examples come first")
    }

    @Test(arguments: CorralCommand.commands)
    func `every option stands under one heading`(command: Command) {
        let names = command.groups.flatMap(\.options).map(\.name)
        #expect(names.count == command.options.count && Set(names).count == names.count)
    }

    @Test func `headings are bold where somebody wants colours and nothing else changes`() {
        let command = RunCommand.command
        let coloured = Help.text(of: command, Style(isColoured: true))
        #expect(coloured.hasPrefix("\u{1B}[1mUsage:\u{1B}[0m corral run"))
        let stripped = coloured.replacing("\u{1B}[1m", with: "").replacing("\u{1B}[0m", with: "")
        #expect(stripped == Help.text(of: command))
    }

    @Test(arguments: CorralCommand.commands)
    func `names of options are not taken twice`(command: Command) {
        let names = command.options.map(\.name)
        #expect(Set(names).count == names.count)
        let letters = command.options.compactMap(\.short)
        #expect(Set(letters).count == letters.count)
    }

    @Test func `the columns of help are aligned`() {
        let command = Command(
            "try", summary: "Try.", options: [.init("memory", value: "SIZE", help: "the most")]
        ) {
            _ in 0
        }
        #expect(
            Help.text(of: command) == """
                Usage: corral try [options]

                Try.

                Options:
                      --memory SIZE  the most
                  -h, --help         show this text
                """)
    }

    @Test func `only what ends with its program's code gives that of its own failures for a wrong call`() {
        let runners = ["run", "session exec", "session attach"]
        for command in CorralCommand.commands {
            #expect(command.usageCode == (runners.contains(command.name) ? 125 : 2), "\(command.name)")
        }
    }

    @Test func `ps is a command of its own with everything that session list has`() throws {
        let (ps, rest) = try #require(CorralCommand.find(["ps", "-aq", "--filter", "name=web"]))
        let (list, _) = try #require(CorralCommand.find(["session", "list"]))
        #expect(ps.name == "ps" && rest == ["-aq", "--filter", "name=web"] && !ps.isHidden)
        #expect(ps.options.map(\.name) == list.options.map(\.name) && ps.summary == list.summary)
        #expect(ps.options.map(\.help) == list.options.map(\.help))
        #expect(ps.operands == list.operands && ps.usageCode == list.usageCode)
        let help = Help.text(of: ps)
        #expect(help.hasPrefix("Usage: corral ps [options]\n") && help.contains("\n  corral ps -a -f label="))
        #expect(help.contains("The same as corral session list.") && !help.contains("corral session list "))
        #expect(CorralCommand.overview.split(separator: "\n").contains { $0.hasPrefix("  ps  ") })
        let page = try #require(ManPage.all.first { $0.file == "corral-ps.1" })
        #expect(page.text.contains("\n.SH SYNOPSIS\n\\fBcorral ps\\fR [\\fIoptions\\fR]\n"))
        // docker's other names are known and in no list.
        for word in ["ls", "ps"] {
            let (other, _) = try #require(CorralCommand.find(["session", word]))
            #expect(other.isHidden && other.options.map(\.name) == list.options.map(\.name))
        }
    }

    @Test func `precompile is in no list, and has help of its own`() {
        let command = PrecompileCommand.command
        #expect(CorralCommand.commands.contains { $0.name == command.name })
        #expect(!CorralCommand.overview.contains(command.name))
        #expect(CorralCommand.overview.contains("version"))
        #expect(Help.text(of: command).contains("make install"))
    }
}

extension Command: CustomTestStringConvertible {
    package var testDescription: String { name }
}
