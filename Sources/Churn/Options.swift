import Glibc
import TestSupport

/// What is asked for, by the command line.
struct Options {
    enum Mode: String { case mixed, points, restart }
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
    /// Decides the clients' operations and the moments of kills, but not what time makes of them.
    var seed = UInt64.random(in: 1...0xFFFF_FFFF)
    /// Whether nothing else makes sandboxes on this machine, so that everything on it can be compared.
    var isAlone = false
    /// Whether to do something behind the model's back, which it has to find.
    var plants = false
    var json: String?

    /// A wrong command line.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    init(parsing words: [String]) throws {
        guard let first = words.first, let mode = Mode(rawValue: first) else {
            throw Problem(description: "mixed, points or restart was expected")
        }
        self.mode = mode
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Problem(description: "\(word) needs a value") }
            try take(word, value)
        }
        guard seconds > 0, clients > 0, each > 0, sessions > 0, seed > 0, pause > 0 else {
            throw Problem(description: "counts and the seed must be above 0")
        }
        guard geteuid() == 0 else { throw Problem(description: "needs root, whose warden makes cgroups") }
        for name in ["corrald", "corral-warden", "sandbox-init"] {
            guard File.exists(Product.path(name)) else {
                throw Problem(description: "there is no \(Product.path(name)); build it first")
            }
        }
    }

    private mutating func take(_ word: String, _ value: String) throws {
        switch word {
        case "--seconds": seconds = try number(word, value)
        case "--kills": kills = try number(word, value)
        case "--victim":
            guard let found = Victim(rawValue: value) else {
                throw Problem(description: "\(word): corrald, warden, both or none was expected")
            }
            victim = found
        case "--pause": pause = try number(word, value)
        case "--clients": clients = try number(word, value)
        case "--each": each = try number(word, value)
        case "--only": only = value
        case "--sessions": sessions = try number(word, value)
        case "--seed": seed = try number(word, value)
        case "--alone": isAlone = value == "yes"
        case "--plant": plants = value == "yes"
        case "--json": json = value
        default: throw Problem(description: "unknown option \(word)")
        }
    }

    private func number<Value: LosslessStringConvertible>(_ word: String, _ text: String) throws -> Value {
        guard let value = Value(text) else { throw Problem(description: "\(word): \(text) is no number") }
        return value
    }
}

/// Random numbers that are the same for the same seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    // SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }
}
