/// What the daemon must not forget: sessions, processes, what became of them, tenants, audit records.
/// docs/store.md describes files and tables.
///
/// A change is in the log when the call that makes it returns, so that its effect may follow, and on the
/// device then or after ``sync()``, so that it may be told. For one thread; nothing here looks at a clock.
package final class StateStore {
    /// The most rows of one call, whatever is asked for.
    package static let largestPage = 100_000

    let database: Database
    /// Whether the device lacks something that was recorded and outlasts a loss of power.
    package var isBehind: Bool { durable < recorded }
    /// How often something was recorded that does, and how much of that is on the device.
    var (recorded, durable): (UInt64, UInt64) = (0, 0)
    /// The last wait for the device was in vain.
    var hasFailed = false
    /// Opened for the first wait.
    var log: DeviceLog?
    /// What the file beside the database says of the audit records.
    var head = AuditHead()
    /// Of the database.
    package let path: String

    let place: StorePlace

    /// - Parameter place: where the database is.
    init(_ database: Database, in place: consuming StorePlace) {
        self.database = database
        self.place = place
        path = database.path
    }

    /// How many rows a call that asks for `limit` may have: one at least, so that pages come to an end.
    static func bounded(_ limit: Int) -> Int { min(max(limit, 1), largestPage) }
}

/// A store that was opened, and what had to be done to it before.
package struct OpenedStore {
    package let store: StateStore
    /// What was there before and could not be used; for the operator to know.
    package let setAside: SetAside?
    /// The schema's version before it was brought up to date; nil where nothing was to be done.
    package let migratedFrom: Int64?
    /// What was too large to be checked before; nil where everything was checked.
    package let unchecked: UncheckedHistory?
    /// Audit records that were on the device and are not there any more, or are others now; for the operator to
    /// know.
    package var auditLoss: String?
}

/// A point in time, on both clocks.
package struct Moment: Hashable, Sendable {
    /// Milliseconds since 1970, for people; may jump.
    package var wall: Int64
    /// Nanoseconds of CLOCK_BOOTTIME; means something within one boot only.
    package var boot: UInt64

    package init(wall: Int64, boot: UInt64) {
        self.wall = wall
        self.boot = boot
    }
}
