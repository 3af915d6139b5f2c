/// How much the tests are to do: `make test` has minutes, `make test-all` has as long as it takes.
package enum Effort {
    /// Whether every repetition is asked for (`make test-all` sets CORRAL_TEST_ALL=1).
    package static let isFull = Program.ownEnvironment["CORRAL_TEST_ALL"] == "1"
    /// Whether this is `make sanitize`: a sanitizer keeps memory that was freed, to see who still uses it.
    package static let isSanitized = Program.ownEnvironment["CORRAL_SANITIZE"] != nil
}
