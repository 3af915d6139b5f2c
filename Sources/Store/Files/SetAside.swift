/// A database that could not be used and was moved out of the way, as it was.
package struct SetAside: Hashable, Sendable, CustomStringConvertible {
    /// Where it is now; what sqlite kept beside it is beside it still.
    package let path: String
    /// What was wrong with it.
    package let problem: String

    package var description: String {
        "the records could not be used (\(problem)) and were set aside as \(path); new ones were begun"
    }
}

extension StorePlace {
    /// Moves the database and what is beside it to a name of their own.
    ///
    /// The database goes first. A log without its database, which a crash in between would leave, is
    /// set aside at the next start; a database without its log might pass for a sound one.
    /// - Parameter wall: the time, in milliseconds since 1970.
    func setAside(_ problem: String, at wall: Int64) throws(StoreError) -> SetAside {
        let name = try freeName("\(Self.name).damaged-\(utc(wall))")
        for suffix in [""] + Self.companions where try size(of: Self.name + suffix) != nil {
            try rename(Self.name + suffix, to: name + suffix)
        }
        try synchronise()
        return SetAside(path: self(name), problem: problem)
    }

    /// `name`, or with a number where something has that name already.
    private func freeName(_ name: String) throws(StoreError) -> String {
        var candidate = name
        var number = 1
        while try isTaken(candidate) {
            number += 1
            candidate = "\(name).\(number)"
        }
        return candidate
    }

    private func isTaken(_ name: String) throws(StoreError) -> Bool {
        for candidate in Self.names(of: name) where try size(of: candidate) != nil { return true }
        return false
    }
}

/// A time, in milliseconds since 1970, as `20261121T214336Z`.
func utc(_ wall: Int64) -> String {
    let seconds = (wall - (wall % 1000 + 1000) % 1000) / 1000
    let ofDay = (seconds % 86400 + 86400) % 86400
    // Days since 1 March 0000, in years that begin in March, so that the odd day is the last one; eras are
    // the 400 years after which the calendar repeats.
    let days = (seconds - ofDay) / 86400 + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let day = days - era * 146_097
    let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365
    let ofYear = day - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    let date = [
        digits(year + era * 400 + (month >= 10 ? 1 : 0), 4), digits(month < 10 ? month + 3 : month - 9, 2),
        digits(ofYear - (153 * month + 2) / 5 + 1, 2),
    ]
    return date.joined() + "T" + digits(ofDay / 3600, 2) + digits(ofDay / 60 % 60, 2) + digits(ofDay % 60, 2)
        + "Z"
}

private func digits(_ number: Int64, _ count: Int) -> String {
    let text = "\(number)"
    return String(repeating: "0", count: max(0, count - text.count)) + text
}
