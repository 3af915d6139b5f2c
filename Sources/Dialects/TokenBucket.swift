/// Counts against a rate: so much at once, and so much again each second (a token bucket).
struct TokenBucket: Hashable, Sendable {
    /// Thousandths, so that a rate below one a millisecond does not come to nothing.
    private static let unit: UInt64 = 1_000

    private let capacity: UInt64
    /// Thousandths a millisecond, which is to say units a second.
    private let perMillisecond: UInt64
    private var level: UInt64
    private var last: UInt64?

    /// - Parameters:
    ///   - rate: units a second.
    ///   - burst: the most units at once.
    init(rate: UInt64, burst: UInt64) {
        capacity = burst.multipliedReportingOverflow(by: Self.unit).partialValue
        perMillisecond = rate
        level = capacity
    }

    /// Takes `count` units where there are as many.
    ///
    /// - Parameter now: in milliseconds, on a clock that never goes back.
    mutating func take(_ count: UInt64 = 1, now: UInt64) -> Bool {
        if let last, now > last {
            let (more, overflow) = (now - last).multipliedReportingOverflow(by: perMillisecond)
            level = overflow || more > capacity - level ? capacity : level + more
        }
        last = max(last ?? now, now)
        let (wanted, overflow) = count.multipliedReportingOverflow(by: Self.unit)
        guard !overflow, wanted <= level else { return false }
        level -= wanted
        return true
    }
}

/// Counts bytes against a limit that begins anew every hour from the first byte on.
struct HourlyBytes: Hashable, Sendable {
    private static let hour: UInt64 = 3_600_000

    private let limit: UInt64?
    private var began: UInt64?
    private var used: UInt64 = 0

    /// - Parameter limit: in bytes; nil for none.
    init(limit: UInt64?) { self.limit = limit }

    /// Takes `count` bytes where that many are left of this hour.
    mutating func take(_ count: Int, now: UInt64) -> Bool {
        guard let limit else { return true }
        if now - min(began ?? now, now) >= Self.hour || began == nil {
            began = now
            used = 0
        }
        guard UInt64(count) <= limit - min(used, limit) else { return false }
        used += UInt64(count)
        return true
    }
}
