import Glibc
import TestSupport

/// What is asked for, by the command line.
struct Options {
    enum Mode: String { case mixed, points, restart, tenants }
    /// Who is killed.
    enum Victim: String { case corrald, warden, both, none }

    var mode = Mode.mixed
    /// How long clients go on; with ``kills`` whichever is first.
    var seconds = 60.0
    var kills = Int.max
    var victim = Victim.corrald
    /// The longest time between two kills, in milliseconds.
    var pause = 1500
    var clients = 16
    /// Kills at each fail point.
    var each = 3
    /// Of the fail points only those whose names begin so.
    var only: String?
    var sessions = 100
    var tenants = 32
    /// Decides the clients' operations and the moments of kills, but not what time makes of them.
    var seed = UInt64.random(in: 1...0xFFFF_FFFF)
    /// Whether nothing else makes sandboxes on this machine, so that everything on it can be compared.
    var isAlone = false
    /// Whether to do something behind the model's back, which it has to find.
    var plants = false
    var json: String?

    typealias Problem = OptionWords.Problem

    init(parsing words: [String]) throws {
        guard let first = words.first, let mode = Mode(rawValue: first) else {
            throw Problem(description: "mixed, points, restart or tenants was expected")
        }
        self.mode = mode
        var rest = OptionWords(words.dropFirst())
        while let option = try rest.next() { try take(option) }
        guard seconds > 0, clients > 0, each > 0, sessions > 0, tenants > 0, seed > 0, pause > 0 else {
            throw Problem(description: "counts and the seed must be above 0")
        }
        guard geteuid() == 0 else { throw Problem(description: "needs root, whose warden makes cgroups") }
        for name in ["corrald", "corral-warden", "sandbox-init"] {
            guard File.exists(Product.path(name)) else {
                throw Problem(description: "there is no \(Product.path(name)); build it first")
            }
        }
    }

    private mutating func take(_ option: OptionWords.Option) throws {
        switch option.name {
        case "--seconds": seconds = try option.number()
        case "--kills": kills = try option.number()
        case "--victim":
            guard let found = Victim(rawValue: option.text) else {
                throw Problem(description: "\(option.name): corrald, warden, both or none was expected")
            }
            victim = found
        case "--pause": pause = try option.number()
        case "--clients": clients = try option.number()
        case "--each": each = try option.number()
        case "--only": only = option.text
        case "--sessions": sessions = try option.number()
        case "--tenants": tenants = try option.number()
        case "--seed": seed = try option.number()
        case "--alone": isAlone = try option.flag()
        case "--plant": plants = try option.flag()
        case "--json": json = option.text
        default: throw option.unknown
        }
    }
}
