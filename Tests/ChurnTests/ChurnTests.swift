// Clients of a corrald that is killed again and again, against a model of what has to be true all the same.

import TestSupport
import Testing

/// Loads the machine and starts sandboxes by the hundred, so each runs while nothing else does
/// (scripts/test.sh). What each does and judges is in Sources/Churn.
@Suite(.serialized, .enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(240)))
struct ChurnTests {
    private func churn(_ words: [String], within seconds: Double) throws -> Program.Outcome {
        let outcome = try Program.run([Product.path("Churn")] + words, timeout: seconds)
        print(outcome.output)
        return outcome
    }

    /// Fifty at each, which take an hour, are `make churn EACH=50`.
    @Test func `whoever dies at whatever step, nothing is lost, doubled or left`() throws {
        let outcome = try churn(["points", "--each", Effort.isFull ? "10" : "1"], within: 10_000)
        #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    }

    @Test func `a corrald that is killed at random moments loses nothing`() throws {
        let kills = Effort.isFull ? "500" : "25"
        let outcome = try churn(
            ["mixed", "--clients", "4", "--seconds", "3000", "--kills", kills, "--pause", "800"],
            within: 4000)
        #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    }

    /// The hour of `make test-all` is there, by scripts/test-all.sh.
    @Test func `sixteen clients find what their model says while corrald is killed`() throws {
        let outcome = try churn(["mixed", "--seconds", "120"], within: 1200)
        #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    }

    @Test func `sixteen clients find what their model says while the warden is killed`() throws {
        let outcome = try churn(
            ["mixed", "--seconds", "20", "--victim", "both", "--pause", "4000"], within: 1200)
        #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    }

    /// The positive control: what is not as the model has it is found.
    @Test func `a session that goes, and output that is another, behind the model's back are found`() throws {
        let outcome = try churn(
            ["mixed", "--clients", "1", "--seconds", "0.5", "--victim", "none", "--plant", "yes"],
            within: 300)
        #expect(outcome.status == 1, "\(outcome.errors)\(outcome.output)")
        #expect(outcome.errors.contains(" is not there: "), "\(outcome.errors)")
        #expect(outcome.errors.contains(" are not those of the model"), "\(outcome.errors)")
    }

    /// The ten minutes of `make test-all` are there, by scripts/test-all.sh.
    @Test func `thirty-two tenants never have more than they may, and the audit is the state`() throws {
        let outcome = try churn(["tenants", "--seconds", "20"], within: 1200)
        #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    }

    /// The positive control.
    @Test func `a session that no record tells of is found by the replay`() throws {
        let outcome = try churn(
            ["tenants", "--tenants", "2", "--seconds", "2", "--plant", "yes"], within: 300)
        #expect(outcome.status == 1, "\(outcome.errors)\(outcome.output)")
        #expect(outcome.errors.contains("of the audit's there are not"), "\(outcome.errors)")
    }

    @Test(arguments: [[], ["nonsense"], ["mixed", "--clients", "0"], ["points", "--each"]])
    func `a wrong command line is refused`(words: [String]) throws {
        #expect(try Program.run([Product.path("Churn")] + words).status == 2)
    }
}
