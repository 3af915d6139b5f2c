// What outlasts the daemon of a ledger: what was spent in windows that are not over.

/// What was spent of a quota in one window.
package struct QuotaSpending: Hashable, Sendable {
    package let quota: Quota
    /// When the window began, in seconds since 1970.
    package let start: UInt64
    package let amount: UInt64

    package init(_ quota: Quota, start: UInt64, amount: UInt64) {
        self.quota = quota
        self.start = start
        self.amount = amount
    }
}
