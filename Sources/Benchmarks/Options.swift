/// The options of all benchmarks, `--NAME VALUE` each; every benchmark says which it needs.
///
/// Programs are given as `--command NAME -- WORD...`; `--idle` (a program that stays) and `--floor`
/// (the files of the policy for the floor program) likewise.
struct Options {
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
    /// The result that measurements are added to.
    private(set) var json: String?
    private(set) var commands: [Command] = []
    private(set) var idle: [Command] = []
    private(set) var floor: Command?
    /// How many sandboxes run, or are started, at once.
    private(set) var counts: [Int] = []
    private(set) var seconds = 60
    /// Only this part of a benchmark.
    private(set) var only: String?
    /// Where the texts of the scanner's benchmark go.
    private(set) var samples: String?

    init(parsing words: [String]) throws(Problem) {
        var rest = words[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Problem("\(option) needs a value") }
            switch option {
            case "--rounds": rounds = try Self.count(option, value)
            case "--warmup": warmup = try Self.count(option, value)
            case "--seconds": seconds = try Self.count(option, value)
            case "--counts":
                counts = try value.split(separator: ",").map { (part) throws(Problem) in
                    try Self.count(option, String(part))
                }
            case "--relative-to": reference = value
            case "--json": json = value
            case "--only": only = value
            case "--samples": samples = value
            case "--command": commands.append(try Self.command(value, &rest))
            case "--idle": idle.append(try Self.command(value, &rest))
            case "--floor": floor = try Self.command(value, &rest)
            default: throw Problem("unknown option \(option)")
            }
        }
    }

    /// The programs to measure.
    func neededCommands() throws(Problem) -> [Command] {
        if commands.isEmpty { throw Problem("at least one --command NAME -- WORD... is needed") }
        return commands
    }

    private static func count(_ option: String, _ value: String) throws(Problem) -> Int {
        guard let number = Int(value), number > 0 else {
            throw Problem("\(option) must be a whole number above 0, not \(value)")
        }
        return number
    }

    /// The words from `--` up to the next option that names a program.
    private static func command(_ name: String, _ rest: inout ArraySlice<String>) throws(Problem) -> Command {
        guard rest.popFirst() == "--" else { throw Problem("\(name) needs -- and words behind it") }
        var words: [String] = []
        while let word = rest.first, !["--command", "--idle", "--floor"].contains(word) {
            words.append(word)
            rest.removeFirst()
        }
        if words.isEmpty { throw Problem("\(name) has no words behind its --") }
        return Command(name: name, words: words)
    }
}
