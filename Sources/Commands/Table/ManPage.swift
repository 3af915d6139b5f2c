/// One manual page in roff's man(7), from the table.
struct ManPage: Sendable, Hashable {
    /// The file's name, such as `corral-image-list.1`.
    let file: String
    let text: String

    /// The first line, by which uninstall.sh knows what it may remove.
    static let mark = ".\\\" Written by corral man."

    /// corral(1) and a page for each command that is not hidden.
    static var all: [ManPage] {
        let shown = CorralCommand.commands.filter { !$0.isHidden }
        return [overview(shown)] + shown.map(ManPage.init)
    }

    /// `corral-image-list` for `image list`.
    static func name(_ command: String) -> String {
        "corral" + command.split(separator: " ").map { "-\($0)" }.joined()
    }

    init(_ command: Command) {
        let name = ManPage.name(command.name)
        var lines = ManPage.head(name, command.summary)
        let synopsis = ["[\\fIoptions\\fR]", Roff.escaped(command.operandsHelp)].filter { !$0.isEmpty }
        lines += [
            ".SH SYNOPSIS", "\\fBcorral \(Roff.escaped(command.name))\\fR \(synopsis.joined(separator: " "))",
            ".SH DESCRIPTION", Roff.line(command.summary),
        ]
        lines += Roff.text(command.details)
        if !command.examples.isEmpty {
            lines += [".SH EXAMPLES", ".nf"] + command.examples.map(Roff.line) + [".fi"]
        }
        lines.append(".SH OPTIONS")
        for (group, options) in command.groups {
            if command.groups.count > 1 { lines.append(".SS \(group.rawValue)") }
            for option in options {
                let short = option.short.map { "\\fB\\-\(Roff.escaped(String($0)))\\fR, " } ?? ""
                let value = option.value.map { " \\fI\(Roff.escaped($0))\\fR" } ?? ""
                lines += [".TP", "\(short)\\fB\\-\\-\(Roff.escaped(option.name))\\fR\(value)"]
                lines.append(Roff.line(option.help))
            }
        }
        lines += [".SH SEE ALSO", "\\fBcorral\\fR(1)"]
        self.init(file: "\(name).1", text: lines.joined(separator: "\n") + "\n")
    }

    private init(file: String, text: String) {
        self.file = file
        self.text = text
    }

    private static func overview(_ commands: [Command]) -> ManPage {
        var lines = head("corral", "run programs that nobody trusts, each in a sandbox of its own")
        lines += [".SH SYNOPSIS", "\\fBcorral\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]", ".SH COMMANDS"]
        for command in commands {
            lines += [".TP", "\\fB\(Roff.escaped(name(command.name)))\\fR(1)", Roff.line(command.summary)]
        }
        return ManPage(file: "corral.1", text: lines.joined(separator: "\n") + "\n")
    }

    private static func head(_ name: String, _ summary: String) -> [String] {
        let summary = summary.hasSuffix(".") ? String(summary.dropLast()) : summary
        return [
            mark,
            ".TH \(Roff.escaped(name.uppercased())) 1 \"\" \"corral \(CorralCommand.version)\" \"Corral\"",
            ".SH NAME", "\(Roff.escaped(name)) \\- \(Roff.escaped(summary))",
        ]
    }
}

/// Text for roff.
enum Roff {
    /// So that every character stands for itself within a line.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            default: result.append(character)
            }
        }
        return result
    }

    /// The same for a line of its own, which must not begin as a request does.
    static func line(_ text: String) -> String {
        let escaped = escaped(text)
        return escaped.hasPrefix(".") ? "\\&" + escaped : escaped
    }

    /// Paragraphs; lines that begin with a space stay as they are.
    static func text(_ text: String) -> [String] {
        var lines: [String] = []
        for paragraph in text.split(separator: "\n\n") {
            lines.append(".PP")
            var isVerbatim = false
            for part in paragraph.split(separator: "\n") {
                if part.hasPrefix(" ") != isVerbatim {
                    isVerbatim.toggle()
                    lines.append(isVerbatim ? ".nf" : ".fi")
                }
                lines.append(line(String(part)))
            }
            if isVerbatim { lines.append(".fi") }
        }
        return lines
    }
}
