// What tenants used, by the day, as values.

/// A stretch of time on the clock for people, cut at the ends of UTC days.
package struct DaySpan: Hashable, Sendable {
    /// In milliseconds since 1970.
    package let start: Int64
    /// In milliseconds.
    package let length: UInt64

    package init(start: Int64, length: UInt64) {
        self.start = start
        self.length = length
    }

    package static let day: Int64 = 86_400_000

    /// Days since 1970, also before.
    package static func day(of wall: Int64) -> Int64 {
        wall >= 0 ? wall / day : (wall + 1) / day - 1
    }

    /// The days that it touches, with the milliseconds of each; all of them together are ``length``.
    package var days: [(day: Int64, milliseconds: UInt64)] {
        var days: [(Int64, UInt64)] = []
        var (at, left) = (start, length)
        // A length is what a clock of this machine's has counted; a century of it is a mistake somewhere.
        while left > 0, days.count < 36_525 {
            let into = at % DaySpan.day
            let part = min(left, UInt64(clamping: into < 0 ? -into : DaySpan.day - into))
            days.append((DaySpan.day(of: at), part))
            left -= part
            (at, _) = at.addingReportingOverflow(Int64(clamping: part))
        }
        return days
    }
}

/// What a tenant used on one day.
package struct UsageRecord: Hashable, Sendable {
    package let tenant: String
    /// Since 1970, in UTC.
    package let day: Int64
    /// For how long its sessions ran, in milliseconds, all of them together.
    package var sessionTime: UInt64 = 0
    /// Taken in on that day.
    package var execs: UInt64 = 0
    /// In nanoseconds, of processes that ended on that day.
    package var cpu: UInt64 = 0
    /// KiB times seconds that volumes were kept for it.
    package var disk: UInt64 = 0

    package init(tenant: String, day: Int64) {
        self.tenant = tenant
        self.day = day
    }

    package mutating func add(_ other: UsageRecord) {
        sessionTime = sum(sessionTime, other.sessionTime)
        execs = sum(execs, other.execs)
        cpu = sum(cpu, other.cpu)
        disk = sum(disk, other.disk)
    }
}

private func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? .max : sum
}

/// How long a session ran, by what is on record.
package struct SessionTime: Sendable {
    /// - Parameters:
    ///   - started: when it began to run; nil for never.
    ///   - ended: now, or when it ended.
    ///   - isSameBoot: whether both moments are of one boot. If not, nobody knows when it ended.
    ///   - lastUse: the last that is known of it, in nanoseconds of the clock of the boot that it began in.
    package static func span(
        started: Moment?, ended: Moment, isSameBoot: Bool, lastUse: UInt64
    ) -> DaySpan? {
        guard let started else { return nil }
        // The clock for people may have been set meanwhile: it says when, and the other one says how long.
        let end = isSameBoot ? ended.boot : lastUse
        guard end > started.boot else { return nil }
        return DaySpan(start: started.wall, length: (end - started.boot) / 1_000_000)
    }
}

/// What tenants have had of disks since it was counted last.
package struct DiskRecord: Hashable, Sendable {
    package var usage: [UsageRecord]
    package let until: DiskMark

    package init(usage: [UsageRecord], until: DiskMark) {
        self.usage = usage
        self.until = until
    }
}

/// A moment up to which disks are counted.
package struct DiskMark: Hashable, Sendable, CustomStringConvertible {
    package let boot: String
    package let moment: Moment

    package init(boot: String, moment: Moment) {
        self.boot = boot
        self.moment = moment
    }

    package var description: String { "\(boot) \(moment.boot) \(moment.wall)" }

    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 3, let boot = UInt64(words[1]), let wall = Int64(words[2]) else { return nil }
        self.init(boot: String(words[0]), moment: Moment(wall: wall, boot: boot))
    }

    /// The time from this mark to a later one. Over a boot the clock for people is all there is, and where that was
    /// set back nothing is counted.
    package func span(to later: DiskMark) -> DaySpan {
        let length: UInt64
        if boot == later.boot {
            length = (later.moment.boot - min(moment.boot, later.moment.boot)) / 1_000_000
        } else {
            let (passed, overflows) = later.moment.wall.subtractingReportingOverflow(moment.wall)
            length = overflows ? 0 : UInt64(clamping: passed)
        }
        return DaySpan(start: later.moment.wall - Int64(clamping: length), length: length)
    }
}
