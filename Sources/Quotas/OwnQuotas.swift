import API

/// What was set of a tenant's quotas by name, which goes before what its plan says; none is said as well.
package struct OwnQuotas: Hashable, Sendable {
    private var values: [Quota: UInt64?] = [:]

    package init() {}

    /// Has the quota be that much, or without a limit.
    package mutating func set(_ quota: Quota, _ limit: UInt64?) { values[quota] = .some(limit) }

    /// Has the plan say it, or nobody.
    package mutating func forget(_ quota: Quota) { values[quota] = nil }

    package mutating func forgetAll() { values = [:] }

    package func says(_ quota: Quota) -> Bool { values[quota] != nil }

    /// Those that are said, in the order of ``Quota``.
    package var all: [(quota: Quota, limit: UInt64?)] {
        Quota.allCases.compactMap { quota in values[quota].map { (quota, $0) } }
    }

    /// What holds.
    package func limits(over plan: QuotaLimits) -> QuotaLimits {
        var limits = plan
        for (quota, limit) in values { limits[quota] = limit }
        return limits
    }
}

extension Quota {
    /// Those that something holds tenants to.
    package static let enforced = allCases.filter { APIObject.enforcedQuotas.contains($0.rawValue) }
}
