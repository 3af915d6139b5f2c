import CSQLite
import Synchronization

// Checking what the opening of a large store left out, and ordering that the next opening leaves nothing out.

/// The history of a store that was opened without a look at it: to be checked on a thread of its own while
/// the store is used.
package struct UncheckedHistory: Sendable {
    /// Of the database.
    let path: String

    /// Reads all of it, through a connection that can do nothing else; nobody waits for that. Takes seconds.
    /// - Parameter stop: has it end early.
    /// - Returns: whether everything was looked at, and found right.
    /// - Throws: ``StoreError/damaged(path:problem:)`` for what is wrong, anything else where it could not be
    ///   checked.
    package func check(until stop: StopMark) throws(StoreError) -> Bool {
        let database = try Database.open(path, writes: false)
        database.heed(stop)
        do throws(StoreError) {
            try database.checkHistory()
        } catch {
            // sqlite's SQLITE_INTERRUPT; whatever was found before that is told.
            if stop.isSet, case .statement(let fault) = error, fault.code == SQLITE_INTERRUPT { return false }
            throw error
        }
        return true
    }
}

/// Set once, by any thread, to have something end that goes on in another one.
package final class StopMark: Sendable {
    private let value = Atomic(false)

    package init() {}

    package var isSet: Bool { value.load(ordering: .relaxed) }

    package func set() { value.store(true, ordering: .relaxed) }
}

extension Database {
    /// Whether connections may be used by different threads (sqlite.org/threadsafe.html).
    static var mayUseThreads: Bool { sqlite3_threadsafe() != 0 }
}

extension StateStore {
    /// What sqlite said when a statement found the file damaged, whoever asked for it; nil where none did.
    package var damage: String? { database.damage }

    /// Has the next opening check the whole file, whatever its size, and set it aside where something is
    /// wrong. The order outlasts a loss of power, and stands until such a check found nothing.
    package func orderCheck() throws(StoreError) { try place.orderCheck() }
}

extension StorePlace {
    func orderCheck() throws(StoreError) {
        if try size(of: Self.checkOrder) == nil { try make(Self.checkOrder) }
        try synchronise()
    }

    func withdrawCheck() throws(StoreError) {
        guard try size(of: Self.checkOrder) != nil else { return }
        try remove(Self.checkOrder)
        try synchronise()
    }
}
