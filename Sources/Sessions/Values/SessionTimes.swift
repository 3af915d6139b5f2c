package import Sandbox

/// How ttl, idle, max and the like are written and the values they may have: what profiles take for a
/// duration, and whole days.
package enum SessionTimes {
    /// Up to a year.
    package static let lifetime = Quantity(.duration, 1...8760 * 3_600_000)
    /// Between asking processes to end and ending them; 0 asks nobody.
    package static let grace = Quantity(.duration, 0...3_600_000)

    /// The milliseconds that `text` writes: `500ms`, `90s`, `15m`, `2h`, `1d`.
    package static func read(_ text: String, as quantity: Quantity = lifetime) throws(ValueError) -> UInt64 {
        guard text.utf8.last == UInt8(ascii: "d") else {
            do throws(ValueError) {
                return try quantity.read(text)
            } catch {
                throw ValueError("\(error.problem); days are written 1d")
            }
        }
        do throws(ValueError) {
            let days = Quantity(.count, 0...quantity.range.upperBound / 86_400_000)
            return try days.read(String(text.dropLast())) * 86_400_000
        } catch {
            let most = quantity.write(quantity.range.upperBound)
            throw ValueError("\(quoted(text)) is not a duration of whole days, at most \(most), such as 1d")
        }
    }
}
