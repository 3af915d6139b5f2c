package import Sessions

/// Who has how much of what, and may have: the accounts of all tenants and of the node, as a value.
///
/// Before anything is made, what it takes is reserved by a holder, all of it or nothing; what the holder has is
/// given back at once, and only once, however what it stands for ended. What is known only afterwards
/// (processor time, bytes of a relay) is spent without being asked for, and then nothing more can be begun.
///
/// Times are in seconds since 1970: quotas of a day are about calendars, not about durations.
package struct QuotaLedger<Holder: Hashable & Sendable>: Sendable {
    /// What a holder took, with the time that it spent it at.
    private struct Reservation: Sendable {
        let tenant: Name
        var amounts: Amounts
        let time: UInt64
    }

    private var node = QuotaAccount()
    private var tenants: [Name: QuotaAccount] = [:]
    private var reservations: [Holder: Reservation] = [:]

    package init() {}

    // MARK: Limits

    package mutating func setLimits(_ limits: QuotaLimits, of tenant: Name) {
        tenants[tenant, default: QuotaAccount()].limits = limits
    }

    package mutating func setNodeLimits(_ limits: QuotaLimits) { node.limits = limits }

    package func limits(of tenant: Name) -> QuotaLimits { tenants[tenant]?.limits ?? QuotaLimits() }

    package var nodeLimits: QuotaLimits { node.limits }

    // MARK: Taking and giving back

    /// Takes all of it or, where a quota of the tenant's or the node's would be exceeded, nothing. A holder that
    /// has something already has more then; what it spends this second time ``cancel(_:)`` does not give back.
    package mutating func reserve(
        _ amounts: Amounts, for tenant: Name, as holder: Holder, at time: UInt64
    ) throws(QuotaRefusal) -> [QuotaNews] {
        if let refusal = tenants[tenant]?.refusal(of: amounts, .tenant(tenant), at: time)
            ?? node.refusal(of: amounts, .node, at: time)
        {
            throw refusal
        }
        return take(amounts, for: tenant, as: holder, at: time)
    }

    /// Takes what is there already: of a session that outlived the daemon, when it is found again. Nothing is
    /// refused, for refusing would not make it go away.
    package mutating func restore(
        _ amounts: Amounts, for tenant: Name, as holder: Holder, at time: UInt64
    ) {
        _ = take(amounts, for: tenant, as: holder, at: time)
    }

    private mutating func take(
        _ amounts: Amounts, for tenant: Name, as holder: Holder, at time: UInt64
    ) -> [QuotaNews] {
        if var reservation = reservations[holder] {
            for (quota, amount) in amounts.only(held: true).all { reservation.amounts[quota] += amount }
            reservations[holder] = reservation
        } else {
            reservations[holder] = Reservation(tenant: tenant, amounts: amounts, time: time)
        }
        return spend(amounts, of: tenant, at: time)
    }

    /// Gives back what the holder has in use, of which there is nothing the second time. What it spent stays spent.
    package mutating func giveBack(_ holder: Holder) {
        guard let reservation = reservations.removeValue(forKey: holder) else { return }
        giveBack(reservation, reservation.amounts.only(held: true))
    }

    /// As if it had never been reserved: for what could not be begun, through no doing of the tenant's.
    package mutating func cancel(_ holder: Holder) {
        guard let reservation = reservations.removeValue(forKey: holder) else { return }
        giveBack(reservation, reservation.amounts)
        tenants[reservation.tenant]?.forgetNews(of: reservation.amounts, at: reservation.time)
        node.forgetNews(of: reservation.amounts, at: reservation.time)
    }

    /// Whether as much is still used as a piece of news says: what it was reserved for may have been refused.
    package func holds(_ news: QuotaNews, of tenant: Name, at time: UInt64) -> Bool {
        news.owner == .node
            ? node.holds(news, at: time) : tenants[tenant]?.holds(news, at: time) ?? false
    }

    private mutating func giveBack(_ reservation: Reservation, _ amounts: Amounts) {
        tenants[reservation.tenant]?.giveBack(amounts, takenAt: reservation.time)
        node.giveBack(amounts, takenAt: reservation.time)
    }

    /// Changes how much of one quota a holder has in use, up or down.
    package mutating func change(
        _ quota: Quota, of holder: Holder, to amount: UInt64, at time: UInt64
    ) throws(QuotaRefusal) -> [QuotaNews] {
        guard var reservation = reservations[holder], quota.nature == .held else { return [] }
        let before = reservation.amounts[quota]
        if amount > before {
            return try reserve([quota: amount - before], for: reservation.tenant, as: holder, at: time)
        }
        reservation.amounts[quota] = amount
        reservations[holder] = reservation
        giveBack(reservation, [quota: before - amount])
        return []
    }

    /// Makes what a holder has of one quota this much, whether or not that is allowed: of what is there already, and
    /// is on record. A holder that has nothing then is none any more.
    package mutating func settle(
        _ quota: Quota, of holder: Holder, for tenant: Name, to amount: UInt64, at time: UInt64
    ) {
        guard quota.nature == .held else { return }
        let before = reservations[holder]?.amounts[quota] ?? 0
        if amount > before {
            restore([quota: amount - before], for: tenant, as: holder, at: time)
        } else if var reservation = reservations[holder], amount < before {
            reservation.amounts[quota] = amount
            reservations[holder] = reservation.amounts.isEmpty ? nil : reservation
            giveBack(reservation, [quota: before - amount])
        }
    }

    /// Counts what is used up, whether or not that is allowed.
    package mutating func spend(_ amounts: Amounts, of tenant: Name, at time: UInt64) -> [QuotaNews] {
        tenants[tenant, default: QuotaAccount()].take(amounts, at: time)
        node.take(amounts, at: time)
        return (tenants[tenant]?.news(of: amounts, .tenant(tenant), at: time) ?? [])
            + node.news(of: amounts, .node, at: time)
    }

    /// Forgets what a tenant spent of a quota in this window. The node goes on counting it.
    package mutating func reset(_ quota: Quota, of tenant: Name) { tenants[tenant]?.reset(quota) }

    // MARK: What outlasts it

    /// What a tenant has spent in windows that are not over.
    package func spending(of tenant: Name, at time: UInt64) -> [QuotaSpending] {
        tenants[tenant]?.spending(at: time) ?? []
    }

    /// Takes in what an earlier ledger counted.
    package mutating func restore(_ spending: QuotaSpending, of tenant: Name) {
        tenants[tenant, default: QuotaAccount()].restore(spending)
        node.restore(spending)
    }

    // MARK: Looking

    /// Every quota of a tenant's, in the order of ``Quota``.
    package func use(of tenant: Name, at time: UInt64) -> [QuotaUse] {
        (tenants[tenant] ?? QuotaAccount()).use(at: time)
    }

    package func nodeUse(at time: UInt64) -> [QuotaUse] { node.use(at: time) }

    package func has(_ holder: Holder) -> Amounts { reservations[holder]?.amounts ?? Amounts() }

    /// Drops the account of a tenant that is no more.
    /// - Returns: false where something of its is in use.
    package mutating func forget(_ tenant: Name) -> Bool {
        guard tenants[tenant]?.held.isEmpty ?? true else { return false }
        tenants[tenant] = nil
        return true
    }
}
