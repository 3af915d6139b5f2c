import Sandbox
import Tables

/// Values of options that several commands about sessions share, each read with the option's name in what is
/// wrong.
enum SessionOptions {
    /// Milliseconds in 100 years: more is a mistake.
    private static let longest: UInt64 = 100 * 366 * 86_400_000

    static let lifetime = Quantity(.duration, 1...longest, orNone: true)
    static let ttl = Quantity(.duration, 1...longest)
    static let grace = Quantity(.duration, 0...600_000)
    static let interval = Quantity(.duration, 100...3_600_000)

    /// The outer nil where it is not given, the inner one for `none`.
    static func read(
        _ arguments: Arguments, _ option: String, _ rule: Quantity
    ) throws(CommandError) -> UInt64?? {
        guard let text = arguments.value(option) else { return nil }
        return .some(try named(option) { () throws(ValueError) in try rule.readOrNone(text) })
    }

    /// Of one that cannot be `none`.
    static func whole(
        _ arguments: Arguments, _ option: String, _ rule: Quantity
    ) throws(CommandError) -> UInt64? {
        try read(arguments, option, rule) ?? nil
    }

    static func named<Value>(
        _ option: String, _ body: () throws(ValueError) -> Value
    ) throws(CommandError) -> Value {
        do throws(ValueError) {
            return try body()
        } catch {
            throw CommandError("--\(option): \(error.problem)")
        }
    }
}
