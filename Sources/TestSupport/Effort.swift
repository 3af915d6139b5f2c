/// How much the tests are to do: `make test` has minutes, `make test-all` has as long as it takes.
package enum Effort {
    /// Whether every repetition is asked for (`make test-all` sets CORRAL_TEST_ALL=1).
    package static let isFull = Program.ownEnvironment["CORRAL_TEST_ALL"] == "1"
    /// Whether this is `make sanitize`: a sanitizer keeps memory that was freed, to see who still uses it.
    package static let isSanitized = Program.ownEnvironment["CORRAL_SANITIZE"] != nil

    /// How often to do something that starts a sandbox: `short` times, or `full` times where every repetition
    /// is asked for. An emulated machine is slower by its patience and does as much less.
    package static func rounds(_ short: Int, full: Int) -> Int {
        isFull ? max(short, Int(Double(full) / Host.patience)) : short
    }
}
