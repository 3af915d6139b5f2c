/// Moments by key, the earliest first: one ``Timer`` serves any number of sessions, and none is scanned.
///
/// A binary heap that knows where each key is. Setting, moving and removing one takes O(log n), the next
/// one O(1). Of equal moments the one that was set first comes first.
package struct DeadlineHeap<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Sendable {
        let key: Key
        let at: BootTime
        /// The order of setting.
        let turn: UInt64

        func isBefore(_ other: Entry) -> Bool { (at, turn) < (other.at, other.turn) }
    }

    private var entries: [Entry] = []
    private var places: [Key: Int] = [:]
    private var turns: UInt64 = 0

    package init() {}

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }

    /// The earliest moment.
    package var next: BootTime? { entries.first?.at }

    package subscript(_ key: Key) -> BootTime? { places[key].map { entries[$0].at } }

    /// Sets or moves the moment of `key`; nil removes it.
    package mutating func set(_ key: Key, at moment: BootTime?) {
        guard let moment else { return remove(key) }
        if let place = places[key], entries[place].at == moment { return }
        turns += 1
        let entry = Entry(key: key, at: moment, turn: turns)
        if let place = places[key] {
            entries[place] = entry
            settle(place)
        } else {
            entries.append(entry)
            places[key] = entries.count - 1
            rise(entries.count - 1)
        }
    }

    package mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.key] = place
        settle(place)
    }

    /// Takes out one key whose moment has come; nil when there is none.
    package mutating func popDue(at now: BootTime) -> Key? {
        guard let first = entries.first, first.at <= now else { return nil }
        remove(first.key)
        return first.key
    }

    /// Takes out all keys whose moment has come, the earliest first.
    package mutating func popAllDue(at now: BootTime) -> [Key] {
        var due: [Key] = []
        while let key = popDue(at: now) { due.append(key) }
        return due
    }

    // MARK: Order

    private mutating func settle(_ place: Int) {
        if rise(place) == place { sink(place) }
    }

    /// Moves an entry up to where it belongs, and says where that is.
    @discardableResult
    private mutating func rise(_ start: Int) -> Int {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard entries[place].isBefore(entries[parent]) else { break }
            swap(place, parent)
            place = parent
        }
        return place
    }

    private mutating func sink(_ start: Int) {
        var place = start
        while true {
            var first = place
            for child in 2 * place + 1...2 * place + 2 where child < entries.count {
                if entries[child].isBefore(entries[first]) { first = child }
            }
            guard first != place else { return }
            swap(place, first)
            place = first
        }
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        entries.swapAt(left, right)
        places[entries[left].key] = left
        places[entries[right].key] = right
    }
}
