package import Sandbox

extension WallTime {
    /// A moment as `--since` and `--until` take it: how long ago (`90s`, `1h30m`, `2d`), RFC 3339, a date
    /// or a date and a time in the caller's zone, or seconds since 1970.
    package static func read(_ text: String, now: WallTime) throws(ValueError) -> WallTime {
        if let age = age(text) {
            // A hundred years; further back there is nothing.
            guard age <= 3_155_760_000_000 else {
                throw ValueError("\(quoted(text)) is too long ago; expected at most 100 years")
            }
            return WallTime(milliseconds: now.milliseconds - Int64(age))
        }
        if let seconds = unixTime(text) { return seconds }
        var reader = TimeReader(text)
        if let time = reader.time(), time.isInCalendar { return time }
        throw ValueError(
            "\(quoted(text)) is not a time; expected how long ago, such as 10m or 1h30m, or a time such as "
                + "2026-11-21T10:00:00Z or 2026-11-21")
    }

    /// Exactly RFC 3339.
    package init?(rfc3339 text: String) {
        var reader = TimeReader(text)
        guard let time = reader.time(), reader.hasZone, time.isInCalendar else { return nil }
        self = time
    }

    /// Whether its year is one of 0 to 9999 in UTC, so that it can be written.
    private var isInCalendar: Bool { (-62_167_219_200_000...253_402_300_799_999).contains(milliseconds) }

    /// Numbers with units from the largest to the smallest, in milliseconds; nil for anything else.
    private static func age(_ text: String) -> UInt64? {
        let units: [(name: String, scale: UInt64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
        ]
        var rest = text[...]
        var next = 0
        var total: UInt64 = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(number.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let unit = units.firstIndex(where: { $0.name == name }), unit >= next,
                number.utf8.count <= 12, let count = UInt64(number)
            else { return nil }
            next = unit + 1
            let (part, isTooLarge) = count.multipliedReportingOverflow(by: units[unit].scale)
            let (sum, isOver) = total.addingReportingOverflow(part)
            total = isTooLarge || isOver ? .max : sum
            if total == .max { return total }
        }
        return text.isEmpty ? nil : total
    }

    /// `1700000000` and `1700000000.123`, as docker takes them. Fewer digits are a year, or an age that lacks
    /// its unit.
    private static func unixTime(_ text: String) -> WallTime? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isNumber = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        guard isNumber, parts.count <= 2, (9...11).contains(parts[0].utf8.count),
            let seconds = Int64(parts[0])
        else {
            return nil
        }
        let fraction = parts.count == 2 ? String(parts[1].prefix(3)) : ""
        let padded = fraction + String(repeating: "0", count: 3 - fraction.utf8.count)
        return WallTime(milliseconds: seconds * 1000 + (Int64(padded) ?? 0))
    }
}

/// Goes through a date, byte by byte.
private struct TimeReader {
    private var rest: ArraySlice<UInt8>
    private(set) var hasZone = false

    init(_ text: String) { rest = Array(text.utf8)[...] }

    /// `YYYY-MM-DD`, then `THH:MM:SS`, `.mmm` and `Z` or `+HH:MM`, each of which may be missing.
    mutating func time() -> WallTime? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let date = number(2),
            let day = WallTime.day(year, month, date)
        else { return nil }
        if rest.isEmpty { return local(day, 0) }
        guard take("T") || take("t") || take(" "), let hour = number(2), take(":"), let minute = number(2)
        else { return nil }
        var second: Int64 = 0
        if take(":") {
            guard let number = number(2) else { return nil }
            second = number
        }
        var fraction: Int64 = 0
        if take(".") {
            guard let number = self.fraction() else { return nil }
            fraction = number
        }
        // A leap second is counted as the first of the next minute.
        guard hour < 24, minute < 60, second <= 60 else { return nil }
        let inDay = hour * 3600 + minute * 60 + second
        if rest.isEmpty { return local(day, inDay, fraction) }
        guard let offset = zone(), rest.isEmpty else { return nil }
        hasZone = true
        return WallTime(milliseconds: (day * 86_400 + inDay - offset) * 1000 + fraction)
    }

    /// In the caller's zone, whose offset may be another some hours on.
    private func local(_ day: Int64, _ inDay: Int64, _ fraction: Int64 = 0) -> WallTime {
        let shown = day * 86_400 + inDay
        let near = shown - WallTime.offset(at: shown)
        return WallTime(milliseconds: (shown - WallTime.offset(at: near)) * 1000 + fraction)
    }

    /// Seconds east of Greenwich.
    private mutating func zone() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isWest = rest.first == UInt8(ascii: "-")
        guard isWest ? take("-") : take("+"), let hours = number(2), take(":"), let minutes = number(2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 3600 + minutes * 60) * (isWest ? -1 : 1)
    }

    /// Milliseconds; further digits are dropped.
    private mutating func fraction() -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...18).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return (0..<3).reduce(0) { sum, index in
            let place = digits.startIndex + index
            return sum * 10 + (place < digits.endIndex ? Int64(digits[place] - 0x30) : 0)
        }
    }

    private mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }
}
