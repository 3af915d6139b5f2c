import Glibc
package import Linux

/// The name of a sandbox's group, `corral-run-SLOT-ID`: the mark by which a later launcher knows whose
/// it was.
package struct GroupName: Hashable, Sendable, CustomStringConvertible {
    /// What the groups of `corral run` are called by; tests use another.
    package static let mark = "corral-run"
    /// What the groups of sessions are called by.
    package static let sessionMark = "corral-session"
    /// Both take their slots from one file, so a dead slot is dead for both.
    package static let marks = [mark, sessionMark]

    package var mark: String
    package var slot: Int
    package var id: String

    package init(mark: String = Self.mark, slot: Int, id: String) {
        self.mark = mark
        self.slot = slot
        self.id = id
    }

    /// Nil for a name that is not of this form.
    init?(_ name: String, mark: String) {
        guard name.hasPrefix("\(mark)-") else { return nil }
        let parts = name.dropFirst(mark.count + 1).split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, let slot = Int(parts[0]), slot >= 0, "\(slot)" == parts[0]
        else { return nil }
        self.init(mark: mark, slot: slot, id: String(parts[1]))
    }

    package var description: String { "\(mark)-\(slot)-\(id)" }
}

/// What looking for leftovers did.
///
/// Lists, here and below, where sets would do: the few numbers cost less than making such a type at run
/// time, which every launch would pay.
package struct Sweep: Hashable, Sendable {
    /// Up to this many slots with notes, all are asked about; where there are more, only a few: each
    /// question goes through the kernel's list of the locks of all.
    package static let all = 32
    package static let few = 8

    /// The names of the groups that were removed.
    package var removed: [String] = []
    /// The slots under whose numbers something stays, because it could not be removed.
    package var remaining: [Int] = []
    /// How many slots of others were asked about.
    package var asked = 0
    /// How many groups were looked at by name.
    package var listed = 0
}

extension CgroupLayout {
    /// Removes the groups of sandboxes that died without cleaning up.
    ///
    /// A group is dead when nobody holds its slot: the sandbox's init holds it as long as it lives.
    /// Whatever is named differently, and a group with a process in it, is left alone. Only slots with a
    /// note (``Slot/note(_:)``) are asked about: all of them, or where more than ``Sweep/all`` sandboxes
    /// run, ``Sweep/few``, and the next runs about the others. Groups are listed only where one is dead,
    /// and once before there are notes.
    /// - Parameters:
    ///   - slots: the file that the runs of these groups took their slots from.
    ///   - own: a slot that the caller holds; groups of it are dead unless they are `live`.
    ///   - live: the caller's own groups; few.
    ///   - marks: what the groups are called by.
    ///   - asksAll: whether all groups are listed first, and all their slots are asked about, however many
    ///     there are. A note alone can be wrong: a Corral that did not know a mark has taken it back.
    package func sweepLeftovers(
        slots: borrowing SlotFile, own: borrowing Slot, live: [String] = [],
        marks: [String] = GroupName.marks, asksAll: Bool = false
    ) throws(CgroupError) -> Sweep {
        var sweep = Sweep()
        do throws(SystemError) {
            let probe = try slots.probe()
            let notes = try probe.notes()
            let listsAll = asksAll || !notes.isComplete
            if listsAll { try noteAll(probe, marks, &sweep) }
            let most = asksAll ? SlotNotes.slots : Sweep.all
            let noted = try (listsAll ? probe.notes() : notes).noted(atMost: most + 1)
            let asked = noted.count > most ? noted.prefix(Sweep.few) : noted[...]
            var dead: [Int] = []
            if own.isNoted || listsAll { dead.append(own.number) }
            for slot in asked where slot != own.number {
                sweep.asked += 1
                if try probe.tryLock(slot) { dead.append(slot) }
            }
            if asked.count < noted.count, let last = asked.last { try probe.goOn(from: last + 1) }
            if dead.isEmpty { return sweep }
            remove(dead, live, marks, &sweep)
            for slot in dead where slot != own.number && !sweep.remaining.contains(slot) {
                try probe.note(false, of: slot)
            }
            return sweep
        } catch {
            throw .slots(error)
        }
    }

    /// Notes the slots of all groups there are, for runs that could not or took a note back.
    private func noteAll(
        _ probe: borrowing SlotProbe, _ marks: [String], _ sweep: inout Sweep
    ) throws(SystemError) {
        for hierarchy in hierarchies + elsewhere {
            for name in try groups(in: hierarchy, marks) {
                sweep.listed += 1
                if name.slot < SlotNotes.slots { try probe.note(true, of: name.slot) }
            }
        }
        try probe.goOn(from: 0)
    }

    /// Removes the groups of dead slots in every hierarchy.
    private func remove(_ dead: [Int], _ live: [String], _ marks: [String], _ sweep: inout Sweep) {
        var removed: [GroupName] = []
        for hierarchy in (hierarchies + elsewhere).reversed() {
            guard let names = try? groups(in: hierarchy, marks) else {
                sweep.remaining += dead
                continue
            }
            sweep.listed += names.count
            for name in names where dead.contains(name.slot) && !live.contains(name.description) {
                // Busy: its last processes are just ending. The next run sweeps again.
                if (try? hierarchy.removeGroup(name.description)) == nil {
                    sweep.remaining.append(name.slot)
                } else if !removed.contains(name) {
                    removed.append(name)
                }
            }
        }
        sweep.removed = removed.filter { !sweep.remaining.contains($0.slot) }.map(\.description).sorted()
    }

    private func groups(in hierarchy: Hierarchy, _ marks: [String]) throws(SystemError) -> [GroupName] {
        var names: [GroupName] = []
        for mark in marks {
            let entries: [DirectoryEntry]
            do {
                entries = try hierarchy.top.entries(startingWith: "\(mark)-")
            } catch {
                throw SystemError(error.call, hierarchy.path, error.errno)
            }
            names += entries.compactMap { $0.kind == .directory ? GroupName($0.name, mark: mark) : nil }
        }
        return names
    }
}
