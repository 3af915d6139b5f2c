import TestSupport
import Testing
import Wire

extension TestDaemon {
    /// The environment of somebody who asks this daemon without saying so each time.
    var asking: [String: String] { Program.environment.merging(["CORRAL_SOCKET_PATH": socket]) { $1 } }

    /// The words of a call of `corral session`.
    static func words(_ words: [String]) -> [String] { [Product.path("corral"), "session"] + words }

    /// `corral session` as an operator calls it.
    func operate(
        _ words: [String], environment: [String: String] = [:]
    ) throws -> Program.Outcome {
        try Program.run(
            TestDaemon.words(words), environment: asking.merging(environment) { $1 }, timeout: 120)
    }

    /// One that does not end by itself.
    func begin(_ words: [String]) throws -> RunningProgram {
        try Program(TestDaemon.words(words), environment: asking).start()
    }

    /// What is printed by one that has nothing to complain about.
    func lines(_ words: [String], environment: [String: String] = [:]) throws -> [String] {
        let outcome = try operate(words, environment: environment)
        try #require(outcome.status == 0 && outcome.errors == "", "\(words): \(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    /// The objects that `session inspect` prints.
    func inspected(_ names: String...) throws -> [JSONTree] {
        let text = try lines(["inspect"] + names).joined(separator: "\n")
        return try JSONTree(parsing: Array(text.utf8)).list
    }

    /// Whether a call fails as it should: with this code, one line that begins as all do, and these words in
    /// it; what can be done may be on a second line.
    func refuses(_ words: [String], code: CInt = 1, _ says: String...) throws {
        try TestDaemon.check(try operate(words), words, code, says)
    }

    static func check(_ outcome: Program.Outcome, _ words: [String], _ code: CInt, _ says: [String]) throws {
        #expect(outcome.status == code, "\(words): \(outcome.errors)")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.first?.hasPrefix("corral session \(words[0]): ") == true, "\(outcome.errors)")
        #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("hint: ") }, "\(outcome.errors)")
        for part in says { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
    }
}
