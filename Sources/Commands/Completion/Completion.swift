import Sandbox

/// What could stand where the cursor is: worked out from the table, for every shell alike.
struct Completion: Sendable, Hashable {
    struct Candidate: Sendable, Hashable {
        let word: String
        let description: String
    }

    /// What the shell adds from what it knows itself.
    enum Addition: String, Sendable {
        case none, files, directories, programs
    }

    private(set) var candidates: [Candidate] = []
    private(set) var addition = Addition.none

    /// Names that are looked up only when they are asked for.
    struct Names: Sendable {
        var profiles: @Sendable () -> [Candidate]
        var images: @Sendable () -> [Candidate]
        var sessions: @Sendable () -> [Candidate] = { [] }
        var workspaces: @Sendable () -> [Candidate] = { [] }
    }

    /// - Parameter words: those of the command line behind `corral`, the last one up to the cursor; it is
    ///   empty where a new word begins.
    init(_ words: [String], names: Names) {
        let current = words.last ?? ""
        let before = Array(words.dropLast())
        if before.first == "help" {
            addCommands(Array(before.dropFirst()), current)
        } else if let (command, rest) = CorralCommand.find(before) {
            add(command, rest, current, names)
        } else {
            addCommands(before, current)
            guard before.isEmpty else { return }
            offer("help", "tell more about a command", current)
            offer("--help", "list the commands", current, unless: !current.hasPrefix("-"))
            offer("--version", "print the version", current, unless: !current.hasPrefix("-"))
        }
    }

    private mutating func add(_ command: Command, _ rest: [String], _ current: String, _ names: Names) {
        let line = LineSoFar(rest, command)
        if let option = line.waiting {
            addValues(option.kind, current, names, prefix: "")
        } else if !line.optionsEnded, current.hasPrefix("--"), let equals = current.firstIndex(of: "=") {
            let name = current[..<equals].dropFirst(2)
            guard let option = command.options.first(where: { $0.name == name && $0.value != nil }) else {
                return
            }
            addValues(
                option.kind, String(current[equals...].dropFirst()), names, prefix: "--\(option.name)=")
        } else if !line.optionsEnded, current.hasPrefix("-") {
            for option in command.options where option.repeats || !line.given.contains(option.name) {
                offer("--\(option.name)", option.help, current)
                if let short = option.short { offer("-\(short)", option.help, current) }
            }
        } else {
            let kind = command.operandKind(at: line.operands)
            if kind == .command {
                addCommands(line.operandWords, current)
            } else {
                // What follows a program is its own.
                addValues(kind == .program && line.operands > 0 ? .file : kind, current, names, prefix: "")
            }
        }
    }

    private mutating func addValues(_ kind: ValueKind, _ current: String, _ names: Names, prefix: String) {
        func offer(_ list: [Candidate]) {
            for candidate in list where candidate.word.hasPrefix(current) {
                candidates.append(
                    Candidate(word: prefix + candidate.word, description: candidate.description))
            }
        }
        switch kind {
        case .text: break
        case .file: addition = .files
        case .directory: addition = .directories
        case .program: addition = .programs
        case .profile:
            if current.contains("/") || current.hasPrefix(".") { addition = .files }
            offer(names.profiles())
        case .image: offer(names.images())
        case .session: offer(names.sessions())
        case .workspace: offer(names.workspaces())
        case .command: addCommands([], current)
        case .words(let words): offer(words.map { Candidate(word: $0, description: "") })
        }
    }

    /// The next word of commands that begin with `before`.
    private mutating func addCommands(_ before: [String], _ current: String) {
        for command in CorralCommand.commands where !command.isHidden {
            let words = command.name.split(separator: " ").map(String.init)
            guard words.count > before.count, Array(words.prefix(before.count)) == before else { continue }
            let word = words[before.count]
            if words.count == before.count + 1 {
                offer(word, command.summary, current)
            } else if !candidates.contains(where: { $0.word == word }) {
                let family = CorralCommand.family((before + [word]).joined(separator: " "))
                let ends = family.map { $0.name.split(separator: " ").last.map(String.init) ?? "" }
                offer(word, ends.joined(separator: ", "), current)
            }
        }
    }

    private mutating func offer(
        _ word: String, _ description: String, _ current: String, unless left: Bool = false
    ) {
        guard !left, word.hasPrefix(current) else { return }
        candidates.append(Candidate(word: word, description: description))
    }

    /// As the scripts read it: `WORD<tab>DESCRIPTION` each, at the end `:ADDITION`.
    var text: String {
        (candidates.map { "\($0.word)\t\($0.description)" } + [":\(addition.rawValue)"])
            .joined(separator: "\n")
    }
}

/// Where in a command's words the cursor is, by the rules of ``Arguments``; words that are wrong count as
/// operands or nothing, since the line is not finished.
private struct LineSoFar {
    /// The option whose value comes next.
    private(set) var waiting: Command.Option?
    private(set) var optionsEnded = false
    private(set) var operandWords: [String] = []
    private(set) var given: [String] = []

    var operands: Int { operandWords.count }

    init(_ words: [String], _ command: Command) {
        for word in words {
            if waiting != nil {
                waiting = nil
            } else if optionsEnded || word == "-" || !word.hasPrefix("-") {
                operandWords.append(word)
                if command.stopsAtOperand { optionsEnded = true }
            } else if word == "--" {
                optionsEnded = true
            } else if word.hasPrefix("--") {
                let parts = word.dropFirst(2).split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                take(command.options.first { $0.name == parts[0] }, attached: parts.count == 2)
            } else {
                letters(word.dropFirst(), command)
            }
        }
    }

    private mutating func letters(_ word: Substring, _ command: Command) {
        for index in word.indices {
            let option = command.options.first { $0.short == word[index] }
            take(option, attached: word.index(after: index) < word.endIndex)
            if option?.value != nil { return }
        }
    }

    private mutating func take(_ option: Command.Option?, attached: Bool) {
        guard let option else { return }
        given.append(option.name)
        if option.value != nil, !attached { waiting = option }
    }
}
