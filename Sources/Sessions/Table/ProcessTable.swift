/// The processes of one session, in the order of their creation. Those that ended are kept until they are
/// removed, so that their results can be asked for.
package struct ProcessTable: Sendable {
    package struct Entry: Sendable {
        package let id: ProcessID
        package internal(set) var machine: ProcessMachine
    }

    private var entries: [Entry] = []

    package init() {}

    package var all: [Entry] { entries }
    package var count: Int { entries.count }

    /// How many have not ended.
    package var liveCount: Int { entries.count { !$0.machine.hasEnded } }

    package subscript(_ id: ProcessID) -> ProcessMachine? { place(of: id).map { entries[$0].machine } }

    /// - Parameter limit: the most that have not ended.
    package mutating func add(
        _ id: ProcessID, _ machine: ProcessMachine, limit: Int
    ) throws(TableError) {
        if place(of: id) != nil { throw .processIDTaken(id) }
        guard liveCount < limit else { throw .tooManyProcesses(limit: limit) }
        if let name = machine.spec.name,
            let holder = entries.first(where: { !$0.machine.hasEnded && $0.machine.spec.name == name })
        {
            throw .processNameTaken(name, by: holder.id)
        }
        entries.append(Entry(id: id, machine: machine))
    }

    package mutating func handle(
        _ event: ProcessEvent, for id: ProcessID, at now: BootTime
    ) -> [ProcessAction]? {
        place(of: id).map { entries[$0].machine.handle(event, at: now) }
    }

    /// The process of a whole id, of a name (the last of that name), or of the beginning of an id.
    package func find(_ text: String) throws(TableError) -> ProcessID {
        let prefix = IDPrefix(text)
        if let value = prefix?.exactValue, place(of: ProcessID(value: value)) != nil {
            return ProcessID(value: value)
        }
        if let named = entries.last(where: { $0.machine.spec.name?.description == text }) { return named.id }
        let candidates = prefix.map { prefix in entries.map(\.id).filter { prefix.begins($0) } } ?? []
        guard let first = candidates.first else { throw .unknownProcess(text) }
        if candidates.count > 1 { throw .ambiguousProcess(text, candidates: candidates) }
        return first
    }

    /// Those whose turn to start has come: all that were asked for, but of the serial ones only the first
    /// that has not ended.
    package var startable: [ProcessID] {
        var isBusy = false
        return entries.compactMap { entry in
            if entry.machine.hasEnded { return nil }
            let waits = entry.machine.spec.isSerial && isBusy
            if entry.machine.spec.isSerial { isBusy = true }
            return waits || entry.machine.state != .requested ? nil : entry.id
        }
    }

    /// Forgets the oldest of those that ended until so many are left.
    /// - Returns: what was forgotten.
    package mutating func forgetEnded(keeping most: Int) -> [ProcessID] {
        let ended = entries.filter { $0.machine.hasEnded }.map(\.id)
        let forgotten = Array(ended.dropLast(most))
        entries.removeAll { forgotten.contains($0.id) }
        return forgotten
    }

    /// Forgets one that has ended; false where it has not, or is not there.
    package mutating func remove(_ id: ProcessID) -> Bool {
        guard let place = place(of: id), entries[place].machine.hasEnded else { return false }
        entries.remove(at: place)
        return true
    }

    /// Looked for from the end, where what is in use is. A session has few.
    private func place(of id: ProcessID) -> Int? { entries.lastIndex { $0.id == id } }
}
