/// How many wrong tokens came from where, so that many of them cost little: each address has a few that are answered
/// and recorded one by one, and more as time passes; the others are counted.
///
/// Nobody is locked out by it. A right token is taken from everywhere, since those who ask through one proxy share an
/// address, and guessing 256 bits is not what this is against.
package struct TokenFailures: Sendable {
    package enum Verdict: Hashable, Sendable {
        /// To be recorded, with how many were only counted before it.
        case recorded(before: UInt64)
        /// Nothing but counted; seconds until the next one would be recorded.
        case counted(wait: UInt64)
    }

    /// Wrong tokens that an address may bring at once.
    package static let burst: UInt64 = 20
    /// Nanoseconds after which it may bring one more.
    package static let interval: UInt64 = 1_000_000_000
    /// Addresses that are known at once. All others together are one.
    package static let mostAddresses = 1024

    private struct Entry {
        /// When everything it brought is forgotten.
        var until: UInt64
        var counted: UInt64 = 0
    }

    private var entries: [[UInt8]: Entry] = [:]
    /// Wrong tokens in all.
    package private(set) var total: UInt64 = 0

    package init() {}

    /// - Parameters:
    ///   - origin: the address, or what stands for it.
    ///   - now: nanoseconds of a clock that is never set.
    package mutating func add(from origin: [UInt8], at now: UInt64) -> Verdict {
        total += 1
        var key = origin
        if entries[key] == nil, entries.count >= Self.mostAddresses {
            entries = entries.filter { $0.value.until > now }
            if entries.count >= Self.mostAddresses { key = [] }
        }
        var entry = entries[key] ?? Entry(until: now)
        let begin = max(entry.until, now)
        defer { entries[key] = entry }
        guard begin - now <= (Self.burst - 1) * Self.interval else {
            entry.counted += 1
            let wait = begin - now - (Self.burst - 1) * Self.interval
            return .counted(wait: (wait + 999_999_999) / 1_000_000_000)
        }
        let before = entry.counted
        entry.until = begin + Self.interval
        entry.counted = 0
        return .recorded(before: before)
    }
}
