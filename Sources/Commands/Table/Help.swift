/// Help texts, from the table.
enum Help {
    /// Names and summaries, aligned.
    static func lines(_ commands: [Command]) -> [String] {
        let width = commands.map(\.name.count).max() ?? 0
        return commands.map { command in
            "  \(command.name)\(String(repeating: " ", count: width - command.name.count))  \(command.summary)"
        }
    }

    static func text(ofFamily commands: [Command]) -> String {
        let word = commands.first?.name.prefix { $0 != " " } ?? ""
        return """
            Usage: corral \(word) COMMAND [options]

            \(lines(commands).joined(separator: "\n"))

            corral help \(word) COMMAND tells more about one of them.
            """
    }

    /// - Parameter style: how headings look.
    static func text(of command: Command, _ style: Style = .plain) -> String {
        let usage = ["corral \(command.name) [options]", command.operandsHelp].filter { !$0.isEmpty }
        let width = command.options.map { left($0).count }.max() ?? 0
        var parts = ["\(style.bold("Usage:")) \(usage.joined(separator: " "))", command.summary]
        if !command.examples.isEmpty {
            let lines = command.examples.map { "  \($0)" }
            parts.append("\(style.bold("Examples:"))\n\(lines.joined(separator: "\n"))")
        }
        for (group, options) in command.groups {
            let lines = options.map { option in
                let left = left(option)
                return left + String(repeating: " ", count: width - left.count + 2) + option.help
            }
            parts.append("\(style.bold("\(group.rawValue):"))\n\(lines.joined(separator: "\n"))")
        }
        parts.append(command.details)
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private static func left(_ option: Command.Option) -> String {
        let short = option.short.map { "-\($0), " } ?? "    "
        return "  \(short)--\(option.name)" + (option.value.map { " \($0)" } ?? "")
    }
}
