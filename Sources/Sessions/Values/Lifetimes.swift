/// What ends a session that nobody stops, and which processes count as use. In milliseconds; nil for never.
package struct Lifetimes: Hashable, Sendable {
    package var ttl: UInt64?
    package var idle: UInt64?
    package var max: UInt64?
    package var leases: LeasePolicy

    package init(
        ttl: UInt64? = nil, idle: UInt64? = nil, max: UInt64? = nil, leases: LeasePolicy = .all
    ) {
        self.ttl = ttl
        self.idle = idle
        self.max = max
        self.leases = leases
    }

    /// Those of a session that begins now.
    package func lifespan(createdAt: BootTime) -> Lifespan {
        Lifespan(
            createdAt: createdAt, ttl: ttl.map(BootTime.milliseconds), idle: idle.map(BootTime.milliseconds),
            max: max.map(BootTime.milliseconds))
    }
}
