import Glibc
import TestSupport

/// What a soak is asked for, by its command line.
struct Options {
    /// Cycles of each kind.
    var cycles = 10_000
    /// How many `corral run` there are at a time, where there are many.
    var width = 50
    /// Cycles between two looks at what is left.
    var every = 1_000
    /// Decides every random choice but what time itself does.
    var seed = UInt64.random(in: 1...0xFFFF_FFFF)
    /// How many times the first starts the last ones may take; nil where time is not judged.
    var ratio: Double?
    /// Seconds that what is left has to go away by itself.
    var patience = 20.0
    /// Whether the kernel is to drop what it keeps of unused files, so that slab memory can be compared.
    var dropsCaches = false
    /// Whether the runs differ in profile, options and program.
    var isMixed = false
    /// Whether to leave things behind, which the soak must then find.
    var plants = false
    var json: String?
    var corral = Product.path("corral")

    /// A wrong command line.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    init(parsing words: [String]) throws {
        var rest = words[...]
        while let word = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Problem(description: "\(word) needs a value") }
            switch word {
            case "--cycles": cycles = try number(word, value)
            case "--width": width = try number(word, value)
            case "--every": every = try number(word, value)
            case "--seed": seed = try number(word, value)
            case "--ratio": ratio = try number(word, value)
            case "--patience": patience = try number(word, value)
            case "--drop-caches": dropsCaches = value == "yes"
            case "--mixed": isMixed = value == "yes"
            case "--plant": plants = value == "yes"
            case "--json": json = value
            case "--corral": corral = value
            default: throw Problem(description: "unknown option \(word)")
            }
        }
        guard cycles > 0, width > 0, every > 0, seed > 0 else {
            throw Problem(description: "counts and the seed must be above 0")
        }
        guard geteuid() == 0 else { throw Problem(description: "needs root, who makes cgroups") }
        // Launch looks for its init beside this program, and corral has to have the same.
        guard unsafe access(corral, X_OK) == 0 else {
            throw Problem(description: "there is no \(corral); build it first")
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
