import Sandbox

/// A command line matched against a command's table.
package struct Arguments: Sendable, Hashable {
    private struct Given: Hashable {
        let option: String
        let value: String
    }

    /// In order. Not a dictionary, whose type a fresh process takes longer to make than all of the
    /// parsing.
    private var given: [Given] = []
    package private(set) var operands: [String] = []

    /// - Throws: ``UsageError`` with a sentence fit to print as it stands.
    package init(parsing words: [String], for command: Command) throws(UsageError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                break
            }
            if word.hasPrefix("--") {
                try long(word.dropFirst(2), command, &rest)
            } else if word.hasPrefix("-"), word.count > 1 {
                try short(word.dropFirst(), command, &rest)
            } else if command.stopsAtOperand {
                operands = [word] + rest
                break
            } else {
                operands.append(word)
            }
        }
        if has("help") { return }
        guard command.operands.contains(operands.count) else {
            throw UsageError(command, Arguments.complaint(operands, command))
        }
        for (index, word) in operands.enumerated() where !command.stopsAtOperand {
            guard case .words(let words) = command.operandKind(at: index) else { continue }
            try Arguments.check(word, words, "", command)
        }
    }

    /// Whether a switch was given.
    func has(_ name: String) -> Bool { given.contains { $0.option == name } }

    /// The last value given, which wins.
    func value(_ name: String) -> String? { given.last { $0.option == name }?.value }

    /// Every value given, in order.
    func all(_ name: String) -> [String] { given.filter { $0.option == name }.map(\.value) }

    private static func complaint(_ operands: [String], _ command: Command) -> String {
        let expected = command.operandsHelp.isEmpty ? "no operands" : command.operandsHelp
        guard operands.count > command.operands.upperBound else {
            return "an operand is missing; expected \(expected)"
        }
        return "unexpected \(quoted(operands[command.operands.upperBound])); expected \(expected)"
    }

    private mutating func long(
        _ word: Substring, _ command: Command, _ rest: inout ArraySlice<String>
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = command.options.first(where: { $0.name == name }) else {
            let near = nearestMatch(to: name, in: command.options.map(\.name)).map {
                "; did you mean --\($0)?"
            }
            throw UsageError(command, "unknown option --\(shown(name))\(near ?? "")")
        }
        if option.value == nil, parts.count == 2 {
            throw UsageError(command, "--\(name) takes no value")
        }
        try store(option, parts.count == 2 ? String(parts[1]) : nil, "--\(name)", command, &rest)
    }

    /// `-i`, `-e X`, `-eX` and switches in a row, as getopt(3) reads them.
    private mutating func short(
        _ word: Substring, _ command: Command, _ rest: inout ArraySlice<String>
    ) throws(UsageError) {
        var letters = word
        while let letter = letters.popFirst() {
            guard let option = command.options.first(where: { $0.short == letter }) else {
                throw UsageError(command, "unknown option -\(shown(String(letter)))")
            }
            if option.value != nil {
                try store(option, letters.isEmpty ? nil : String(letters), "-\(letter)", command, &rest)
                return
            }
            try store(option, nil, "-\(letter)", command, &rest)
        }
    }

    private mutating func store(
        _ option: Command.Option, _ attached: String?, _ shown: String, _ command: Command,
        _ rest: inout ArraySlice<String>
    ) throws(UsageError) {
        var value = ""
        if let placeholder = option.value {
            guard let given = attached ?? rest.popFirst() else {
                throw UsageError(command, "\(shown) needs \(placeholder)")
            }
            value = given
        }
        if !option.repeats, option.value != nil, has(option.name) {
            throw UsageError(command, "--\(option.name) is given twice")
        }
        if case .words(let words) = option.kind, option.value != nil {
            try Arguments.check(value, words, "\(shown): ", command)
        }
        given.append(Given(option: option.name, value: value))
    }

    /// A value of which there are only a few.
    private static func check(
        _ value: String, _ words: [String], _ place: String, _ command: Command
    ) throws(UsageError) {
        guard !words.contains(value) else { return }
        let hint = suggestion(for: value, in: words).map { "; \($0)" } ?? ""
        throw UsageError(
            command,
            "\(place)unknown value \(quoted(value)); expected \(words.joined(separator: " or "))\(hint)")
    }
}

/// A command line that cannot be understood.
package struct UsageError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ command: Command, _ problem: String) {
        description = "corral \(command.name): \(problem) (see corral \(command.name) --help)"
    }
}
