/// `launch [--rounds N] [--warmup N] [--relative-to NAME] [--json FILE] (--command NAME -- WORD...)...`
struct LaunchOptions {
    struct Command {
        let name: String
        let words: [String]
    }

    struct Problem: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private(set) var rounds = 300
    private(set) var warmup = 20
    /// The row that the ratios are to.
    private(set) var reference: String?
    private(set) var json: String?
    private(set) var commands: [Command] = []

    init(parsing words: [String]) throws(Problem) {
        var rest = words[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Problem("\(option) needs a value") }
            switch option {
            case "--rounds": rounds = try Self.count(option, value)
            case "--warmup": warmup = try Self.count(option, value)
            case "--relative-to": reference = value
            case "--json": json = value
            case "--command": commands.append(try Self.command(value, &rest))
            default: throw Problem("unknown option \(option)")
            }
        }
        if commands.isEmpty { throw Problem("at least one --command NAME -- WORD... is needed") }
    }

    private static func count(_ option: String, _ value: String) throws(Problem) -> Int {
        guard let number = Int(value), number > 0 else {
            throw Problem("\(option) must be a whole number above 0, not \(value)")
        }
        return number
    }

    /// The words from `--` up to the next `--command`.
    private static func command(_ name: String, _ rest: inout ArraySlice<String>) throws(Problem) -> Command {
        guard rest.popFirst() == "--" else { throw Problem("--command \(name) needs -- and a command line") }
        var words: [String] = []
        while let word = rest.first, word != "--command" {
            words.append(word)
            rest.removeFirst()
        }
        if words.isEmpty { throw Problem("--command \(name) has an empty command line") }
        return Command(name: name, words: words)
    }
}
