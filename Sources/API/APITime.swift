/// A moment as the API writes it: RFC 3339 in UTC with milliseconds, `2026-11-21T20:15:00.125Z`.
package struct APITime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Since 1970-01-01T00:00:00Z, without leap seconds.
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: APITime, right: APITime) -> Bool { left.milliseconds < right.milliseconds }

    /// Reads any offset from UTC and any fraction, of which milliseconds are kept (RFC 3339, section 5.6).
    /// Nil for another text, and for a leap second, which has no such number.
    package init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard let year = number(&rest, 4), skip(&rest, "-"), let month = number(&rest, 2), skip(&rest, "-"),
            let day = number(&rest, 2), skip(&rest, "Tt "), let hour = number(&rest, 2), skip(&rest, ":"),
            let minute = number(&rest, 2), skip(&rest, ":"), let second = number(&rest, 2),
            (1...12).contains(month), day >= 1, day <= daysOf(month, year), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var thousandths: Int64 = 0
        if skip(&rest, ".") {
            var scale: Int64 = 100
            var digits = 0
            while let first = rest.first, let digit = digit(first) {
                thousandths += digit * scale
                scale /= 10
                digits += 1
                rest.removeFirst()
            }
            if digits == 0 { return nil }
        }
        guard let offset = offset(&rest), rest.isEmpty else { return nil }
        let days = dayNumber(year, month, day)
        milliseconds = (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + thousandths
    }

    package var description: String {
        let day = 86_400_000 as Int64
        let days = milliseconds >= 0 ? milliseconds / day : (milliseconds + 1) / day - 1
        let (year, month, number) = date(days)
        let rest = milliseconds - days * day
        // As bytes, for lists of many sessions have four of these in each.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(year, 4, "-", to: &bytes)
        append(month, 2, "-", to: &bytes)
        append(number, 2, "T", to: &bytes)
        append(rest / 3_600_000, 2, ":", to: &bytes)
        append(rest / 60_000 % 60, 2, ":", to: &bytes)
        append(rest / 1000 % 60, 2, ".", to: &bytes)
        append(rest % 1000, 3, "Z", to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Adds a number of at least so many digits, and what follows it.
private func append(_ number: Int64, _ count: Int, _ end: Unicode.Scalar, to bytes: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<count { divisor *= 10 }
    if number < 0 || number / divisor > 9 {
        bytes += String(number).utf8
    } else {
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
    bytes.append(UInt8(ascii: end))
}

private func digit(_ byte: UInt8) -> Int64? {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int64(byte - UInt8(ascii: "0")) : nil
}

private func number(_ rest: inout ArraySlice<UInt8>, _ count: Int) -> Int64? {
    guard rest.count >= count else { return nil }
    var value: Int64 = 0
    for byte in rest.prefix(count) {
        guard let digit = digit(byte) else { return nil }
        value = value * 10 + digit
    }
    rest.removeFirst(count)
    return value
}

/// Takes one of these characters.
private func skip(_ rest: inout ArraySlice<UInt8>, _ characters: String) -> Bool {
    guard let first = rest.first, characters.utf8.contains(first) else { return false }
    rest.removeFirst()
    return true
}

/// Minutes east of Greenwich.
private func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    if skip(&rest, "Zz") { return 0 }
    let isWest = rest.first == UInt8(ascii: "-")
    guard skip(&rest, "+-"), let hours = number(&rest, 2), skip(&rest, ":"), let minutes = number(&rest, 2),
        hours < 24, minutes < 60
    else { return nil }
    return (isWest ? -1 : 1) * (hours * 60 + minutes)
}

private func isLeap(_ year: Int64) -> Bool {
    year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
}

private func daysOf(_ month: Int64, _ year: Int64) -> Int64 {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
}

/// Days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the day that leap
/// years have more is the last.
private func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let years = month > 2 ? year : year - 1
    let era = (years >= 0 ? years : years - 399) / 400
    let yearOfEra = years - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

private func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
}
