/// What one owner may have, has, and has spent. A tenant has one, and the node.
struct QuotaAccount: Sendable {
    /// What was spent in the window that began then.
    private struct Spent: Sendable {
        var start: UInt64
        var amount: UInt64
    }

    var limits = QuotaLimits()
    private(set) var held = Amounts()
    private var spent: [Quota: Spent] = [:]
    /// The highest share that was told of on its way up, in percent.
    private var told: [Quota: Int] = [:]

    /// When the window began that is counted now. A clock that was set back changes nothing: what was spent in
    /// a day is not forgotten by living it twice. Shorter windows bound how fast something is done: nobody waits for
    /// a minute to come again that was an hour later.
    private func start(_ quota: Quota, _ window: QuotaWindow, _ time: UInt64) -> UInt64 {
        let now = window.start(of: time)
        guard let last = spent[quota]?.start, last > now else { return now }
        return window == .day || last - now <= window.length ? last : now
    }

    func used(_ quota: Quota, at time: UInt64) -> UInt64 {
        guard case .spent(let window) = quota.nature else { return held[quota] }
        guard let entry = spent[quota], entry.start == start(quota, window, time) else { return 0 }
        return entry.amount
    }

    func resets(_ quota: Quota, at time: UInt64) -> UInt64? {
        guard case .spent(let window) = quota.nature else { return nil }
        return start(quota, window, time) + window.length
    }

    /// The first quota that would be exceeded.
    func refusal(of asked: Amounts, _ owner: QuotaOwner, at time: UInt64) -> QuotaRefusal? {
        for (quota, amount) in asked.all {
            guard let limit = limits[quota] else { continue }
            let used = used(quota, at: time)
            let (sum, overflows) = used.addingReportingOverflow(amount)
            if overflows || sum > limit {
                return QuotaRefusal(
                    owner: owner, quota: quota, limit: limit, used: used, asked: amount,
                    resets: resets(quota, at: time))
            }
        }
        for quota in Quota.allCases where quota.isMeasured && quota.isUsed(by: asked) {
            guard let limit = limits[quota], used(quota, at: time) >= limit else { continue }
            return QuotaRefusal(
                owner: owner, quota: quota, limit: limit, used: used(quota, at: time), asked: 0,
                resets: resets(quota, at: time))
        }
        return nil
    }

    /// Takes without asking. What is more than can be counted is counted as all there is.
    mutating func take(_ amounts: Amounts, at time: UInt64) {
        for (quota, amount) in amounts.all {
            guard case .spent(let window) = quota.nature else {
                held[quota] = saturatingSum(held[quota], amount)
                continue
            }
            let before = used(quota, at: time)
            spent[quota] = Spent(
                start: start(quota, window, time), amount: saturatingSum(before, amount))
        }
    }

    /// - Parameter takenAt: when it was taken; what was spent in a window that is over is forgotten anyway.
    mutating func giveBack(_ amounts: Amounts, takenAt: UInt64) {
        for (quota, amount) in amounts.all {
            guard case .spent(let window) = quota.nature else {
                held[quota] -= min(amount, held[quota])
                continue
            }
            guard var entry = spent[quota], entry.start <= takenAt, takenAt < entry.start + window.length
            else { continue }
            entry.amount -= min(amount, entry.amount)
            spent[quota] = entry
        }
    }

    /// What was spent in windows that are not over.
    func spending(at time: UInt64) -> [QuotaSpending] {
        Quota.allCases.compactMap { quota in
            guard case .spent(let window) = quota.nature, let entry = spent[quota],
                entry.start == start(quota, window, time)
            else { return nil }
            return QuotaSpending(quota, start: entry.start, amount: entry.amount)
        }
    }

    /// Counts what an earlier daemon did; of several windows the last one, of one window all of it.
    mutating func restore(_ spending: QuotaSpending) {
        guard case .spent = spending.quota.nature else { return }
        let before = spent[spending.quota]
        if let before, before.start > spending.start { return }
        let amount = before?.start == spending.start ? before?.amount ?? 0 : 0
        spent[spending.quota] = Spent(
            start: spending.start, amount: saturatingSum(amount, spending.amount))
    }

    mutating func reset(_ quota: Quota) { spent[quota] = nil }

    /// Which marks were passed on the way up since they were last told of, after a change of `quotas`.
    mutating func news(of quotas: Amounts, _ owner: QuotaOwner, at time: UInt64) -> [QuotaNews] {
        quotas.all.compactMap { quota, _ in
            guard let limit = limits[quota], limit > 0 else { return nil }
            let used = used(quota, at: time)
            let percent = [95, 80].first { isAtLeast($0, used, of: limit) } ?? 0
            let before = told[quota] ?? 0
            told[quota] = percent
            guard percent > before else { return nil }
            return QuotaNews(owner: owner, quota: quota, percent: percent, used: used, limit: limit)
        }
    }

    /// Whether as much is still used as was told, or was to be.
    func holds(_ news: QuotaNews, at time: UInt64) -> Bool {
        isAtLeast(news.percent, used(news.quota, at: time), of: news.limit)
    }

    /// After something was given back as if it had never been taken: what it made to be told may be told anew.
    mutating func forgetNews(of quotas: Amounts, at time: UInt64) {
        for (quota, _) in quotas.all {
            guard let before = told[quota], let limit = limits[quota], limit > 0 else { continue }
            let used = used(quota, at: time)
            told[quota] = min(before, [95, 80].first { isAtLeast($0, used, of: limit) } ?? 0)
        }
    }

    func use(at time: UInt64) -> [QuotaUse] {
        Quota.allCases.map {
            QuotaUse(
                quota: $0, limit: limits[$0], used: used($0, at: time), resets: resets($0, at: time))
        }
    }

    /// Whether forgetting it would lose nothing.
    var isIdle: Bool { held.isEmpty && spent.isEmpty }
}

private func saturatingSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? .max : sum
}

/// Whether `used` is that many percent of `limit`, without overflow.
private func isAtLeast(_ percent: Int, _ used: UInt64, of limit: UInt64) -> Bool {
    let have = used.multipliedFullWidth(by: 100)
    let need = limit.multipliedFullWidth(by: UInt64(percent))
    return (have.high, have.low) >= (need.high, need.low)
}
