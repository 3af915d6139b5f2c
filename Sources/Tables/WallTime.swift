import Glibc

/// A moment as calendars count it, for people; what happens when is decided by other clocks.
package struct WallTime: Hashable, Sendable, Comparable {
    /// Since 1970 began, UTC.
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static var now: WallTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package static func < (left: WallTime, right: WallTime) -> Bool {
        left.milliseconds < right.milliseconds
    }

    private var seconds: Int64 { floored(milliseconds, 1000) }

    /// `2026-11-21T21:43:36.123Z`, the notation of every JSON (RFC 3339). The years are 0 to 9999.
    package var rfc3339: String {
        let (date, time) = Self.written(seconds)
        return "\(date)T\(time).\(digits(milliseconds - seconds * 1000, 3))Z"
    }

    /// `2026-11-22 05:43:36 +08:00`, in the zone of whoever looks. The offset and not the zone's name: `CST`
    /// is three zones.
    package var local: String {
        let offset = Self.offset(at: seconds)
        let (date, time) = Self.written(seconds + offset)
        let minutes = Int64(offset.magnitude) / 60
        return
            "\(date) \(time) \(offset < 0 ? "-" : "+")\(digits(minutes / 60, 2)):\(digits(minutes % 60, 2))"
    }

    private static func written(_ seconds: Int64) -> (date: String, time: String) {
        let day = floored(seconds, 86_400)
        let rest = seconds - day * 86_400
        let date = date(ofDay: day)
        return (
            "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2))",
            "\(digits(rest / 3600, 2)):\(digits(rest / 60 % 60, 2)):\(digits(rest % 60, 2))"
        )
    }

    /// Seconds east of Greenwich that the caller's zone has at a moment (tzset(3)).
    static func offset(at seconds: Int64) -> Int64 {
        var seconds = time_t(seconds)
        var parts = unsafe tm()
        return unsafe localtime_r(&seconds, &parts) == nil ? 0 : Int64(unsafe parts.tm_gmtoff)
    }

    // MARK: Calendar

    /// The date of a day counted from 1970-01-01, in the Gregorian calendar: days are counted in eras of
    /// 400 years that begin in March, so that leap days are the last of a year.
    static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = floored(shifted, 146_097)
        let inEra = shifted - era * 146_097
        let year = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * year + year / 4 - year / 100)
        let month = (5 * inYear + 2) / 153
        return (
            year + era * 400 + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9,
            inYear - (153 * month + 2) / 5 + 1
        )
    }

    /// The number of the day from 1970-01-01; nil for a date that no calendar has.
    static func day(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
        guard (0...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let era = floored(shifted, 400)
        let inEra = shifted - era * 400
        let inYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let number = era * 146_097 + inEra * 365 + inEra / 4 - inEra / 100 + inYear - 719_468
        let back = date(ofDay: number)
        return back.month == month && back.day == day ? number : nil
    }
}

/// Division that rounds down, before 1970 as well.
private func floored(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
}

private func digits(_ value: Int64, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
}
