/// Changes that wait to be recorded together, each with what is to happen once it is.
///
/// The loop adds to it while it handles events, and records everything once each turn: many changes
/// then share one transaction, and one wait for the device. Effects come out only after they are recorded, so
/// that none can happen before.
package struct Journal<Effect> {
    private var changes: [Change] = []
    private var effects: [Effect] = []
    /// Whether something in it cannot wait for a later turn.
    package private(set) var isUrgent = false

    package init() {}

    package var isEmpty: Bool { changes.isEmpty }

    package var count: Int { changes.count }

    /// - Parameters:
    ///   - effect: what the caller does about the change's outcome.
    ///   - mayWait: whether it may be recorded with what comes next.
    package mutating func add(_ change: Change, then effect: Effect, mayWait: Bool = false) {
        changes.append(change)
        effects.append(effect)
        if !mayWait { isUrgent = true }
    }

    /// Nothing in it waits any longer.
    package mutating func hurry() { isUrgent = !isEmpty }

    /// Records all changes and empties the journal.
    /// - Parameter waits: as ``StateStore/commit(_:waits:)`` has it.
    /// - Throws: what stopped all of them. The journal keeps them: to try again, or to ``abandon()``.
    package mutating func commit(
        to store: StateStore, waits: Bool = true
    ) throws(StoreError) -> [Recorded<Effect>] {
        let outcomes = try store.commit(changes, waits: waits)
        let recorded = zip(effects, outcomes).map { Recorded(effect: $0, outcome: $1) }
        _ = abandon()
        return recorded
    }

    /// Forgets the changes.
    /// - Returns: what would have happened.
    package mutating func abandon() -> [Effect] {
        defer { (changes, effects, isUrgent) = ([], [], false) }
        return effects
    }
}

/// A change that was dealt with.
package struct Recorded<Effect> {
    package let effect: Effect
    package let outcome: Outcome
}

extension Recorded: Sendable where Effect: Sendable {}
