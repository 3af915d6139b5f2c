package import Sandbox

/// When a session's time is up.
///
/// `ttl` counts from its creation or the last renewal, `idle` from its last use and not while a lease is
/// held, `max` from its creation whatever happens. What was due first ends it; of several at the same
/// moment `max` before `ttl` before `idle`.
package struct Lifespan: Hashable, Sendable {
    /// In the order in which they win at the same moment.
    package enum Limit: CaseIterable, Sendable {
        case max, ttl, idle

        package var cause: Cause {
            switch self {
            case .max: .max
            case .ttl: .ttl
            case .idle: .idle
            }
        }
    }

    package struct Deadline: Hashable, Sendable {
        package let limit: Limit
        package let at: BootTime
    }

    package struct Renewal: Hashable, Sendable {
        /// When the session ends without another renewal.
        package let expiresAt: BootTime
        /// Whether `max` is nearer than what was asked for.
        package let isClamped: Bool
    }

    package let createdAt: BootTime
    /// Of the next renewal that names none, as a length; nil where the session has no ttl.
    package private(set) var ttl: BootTime?
    /// When ttl ends it; never later than `max` does.
    package private(set) var expiresAt: BootTime?
    /// As a length.
    package let idle: BootTime?
    /// When `max` ends it.
    package let lastsUntil: BootTime?
    package private(set) var lastUse: BootTime
    /// What holds the idle clock: running processes, as the session's lease policy says.
    package private(set) var leases = 0

    /// All lengths in nanoseconds.
    package init(createdAt: BootTime, ttl: BootTime?, idle: BootTime?, max: BootTime?) {
        self.createdAt = createdAt
        self.ttl = ttl
        self.idle = idle
        lastsUntil = max.map(createdAt.later(by:))
        lastUse = createdAt
        expiresAt = ttl.map { Swift.min(createdAt.later(by: $0), lastsUntil ?? .max) }
    }

    /// As a record has it. The last use is not recorded, since that would be a write for each: it counts as
    /// used at `now`.
    package init(
        createdAt: BootTime, ttl: BootTime?, expiresAt: BootTime?, idle: BootTime?, lastsUntil: BootTime?,
        now: BootTime
    ) {
        self.createdAt = createdAt
        self.ttl = ttl
        self.expiresAt = expiresAt
        self.idle = idle
        self.lastsUntil = lastsUntil
        lastUse = now
    }

    /// What ends it next; nil when nothing does. A moment at the very end of the clock is none.
    package var deadline: Deadline? {
        var next: Deadline?
        for limit in Limit.allCases {
            guard let at = end(by: limit), at < .max else { continue }
            if let found = next, found.at <= at { continue }
            next = Deadline(limit: limit, at: at)
        }
        return next
    }

    /// What has ended it by `now`.
    package func due(at now: BootTime) -> Limit? {
        deadline.flatMap { $0.at <= now ? $0.limit : nil }
    }

    private func end(by limit: Limit) -> BootTime? {
        switch limit {
        case .max: lastsUntil
        case .ttl: expiresAt
        case .idle: leases > 0 ? nil : idle.map(lastUse.later(by:))
        }
    }

    // MARK: What happens to it

    package mutating func use(at now: BootTime) { lastUse = Swift.max(lastUse, now) }

    package mutating func takeLease(at now: BootTime) {
        leases += 1
        use(at: now)
    }

    /// The idle clock begins anew when the last one is given back.
    package mutating func returnLease(at now: BootTime) {
        leases = Swift.max(0, leases - 1)
        use(at: now)
    }

    /// Moves the end by ttl to `ttl` after `now`.
    /// - Parameter newTTL: nil for the length it has.
    /// - Returns: nil when there is no length, neither its own nor a new one.
    package mutating func renew(_ newTTL: BootTime?, at now: BootTime) -> Renewal? {
        guard let length = newTTL ?? ttl else { return nil }
        let asked = now.later(by: length)
        let end = Swift.min(asked, lastsUntil ?? .max)
        ttl = length
        expiresAt = end
        use(at: now)
        return Renewal(expiresAt: end, isClamped: end < asked)
    }
}
