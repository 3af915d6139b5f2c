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

    typealias Problem = OptionWords.Problem

    init(parsing words: [String]) throws {
        var rest = OptionWords(words[...])
        while let option = try rest.next() { try take(option) }
        guard cycles > 0, width > 0, every > 0, seed > 0 else {
            throw Problem(description: "counts and the seed must be above 0")
        }
        guard geteuid() == 0 else { throw Problem(description: "needs root, who makes cgroups") }
        // Launch looks for its init beside this program, and corral has to have the same.
        guard unsafe access(corral, X_OK) == 0 else {
            throw Problem(description: "there is no \(corral); build it first")
        }
    }

    private mutating func take(_ option: OptionWords.Option) throws {
        switch option.name {
        case "--cycles": cycles = try option.number()
        case "--width": width = try option.number()
        case "--every": every = try option.number()
        case "--seed": seed = try option.number()
        case "--ratio": ratio = try option.number()
        case "--patience": patience = try option.number()
        case "--drop-caches": dropsCaches = try option.flag()
        case "--mixed": isMixed = try option.flag()
        case "--plant": plants = try option.flag()
        case "--json": json = option.text
        case "--corral": corral = option.text
        default: throw option.unknown
        }
    }
}
