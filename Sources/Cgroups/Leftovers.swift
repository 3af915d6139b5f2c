import Glibc
package import Linux

/// The name of a sandbox's group, `corral-run-SLOT-ID`: the mark by which a later launcher knows whose
/// it was.
package struct GroupName: Hashable, Sendable, CustomStringConvertible {
    /// What the groups of `corral run` are called by; tests use another.
    package static let mark = "corral-run"
    /// What the groups of sessions are called by.
    package static let sessionMark = "corral-session"
    /// What the groups around those of sessions are called by, `corral-tenant-SLOT-TENANT`: the slot is the warden's.
    package static let parentMark = "corral-tenant"
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
    ///   - parents: what the groups around them are called by, in which they are looked for as well; nil for none.
    ///     Such a group goes when it is empty and its slot is free.
    ///   - asksAll: whether all groups are listed first, and all their slots are asked about, however many
    ///     there are. A note alone can be wrong: a Corral that did not know a mark has taken it back.
    package func sweepLeftovers(
        slots: borrowing SlotFile, own: borrowing Slot, live: [String] = [],
        marks: [String] = GroupName.marks, parents: String? = nil, asksAll: Bool = false
    ) throws(CgroupError) -> Sweep {
        var sweep = Sweep()
        let marks = Marks(groups: marks, parents: parents)
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
        _ probe: borrowing SlotProbe, _ marks: Marks, _ sweep: inout Sweep
    ) throws(SystemError) {
        for hierarchy in hierarchies + elsewhere {
            for group in try groups(in: hierarchy, marks) {
                sweep.listed += 1
                if group.name.slot < SlotNotes.slots { try probe.note(true, of: group.name.slot) }
            }
        }
        try probe.goOn(from: 0)
    }

    /// Removes the groups of dead slots in every hierarchy.
    private func remove(_ dead: [Int], _ live: [String], _ marks: Marks, _ sweep: inout Sweep) {
        var removed: [GroupName] = []
        for hierarchy in (hierarchies + elsewhere).reversed() {
            guard let found = try? groups(in: hierarchy, marks) else {
                sweep.remaining += dead
                continue
            }
            sweep.listed += found.count
            for group in found
            where dead.contains(group.name.slot) && !live.contains(group.name.description) {
                let name = group.name
                // Busy: its last processes are just ending. The next run sweeps again.
                if (try? hierarchy.removeGroup(group.place)) == nil {
                    sweep.remaining.append(name.slot)
                } else if !removed.contains(name) {
                    removed.append(name)
                }
            }
        }
        sweep.removed = removed.filter { !sweep.remaining.contains($0.slot) }.map(\.description).sorted()
    }

    /// Those inside of another before it, as they have to be removed.
    private func groups(in hierarchy: Hierarchy, _ marks: Marks) throws(SystemError) -> [FoundGroup] {
        var found: [FoundGroup] = []
        var parents: [FoundGroup] = []
        if let mark = marks.parents { parents = try hierarchy.groups(at: "", mark) }
        for parent in parents {
            // It may be gone by now.
            for mark in marks.groups {
                found += (try? hierarchy.groups(at: "\(parent.place)/", mark)) ?? []
            }
            found.append(parent)
        }
        for mark in marks.groups { found += try hierarchy.groups(at: "", mark) }
        return found
    }
}

/// What groups are called by.
private struct Marks {
    let groups: [String]
    let parents: String?
}

private struct FoundGroup {
    let name: GroupName
    /// The directory below the top.
    let place: String
}

extension Hierarchy {
    /// - Parameter prefix: of their places: empty, or the group that they are in and a slash.
    fileprivate func groups(at prefix: String, _ mark: String) throws(SystemError) -> [FoundGroup] {
        let entries: [DirectoryEntry]
        do {
            if prefix.isEmpty {
                entries = try top.entries(startingWith: "\(mark)-")
            } else {
                entries = try top.open(prefix, O_RDONLY | O_DIRECTORY).entries(startingWith: "\(mark)-")
            }
        } catch {
            throw SystemError(error.call, path, error.errno)
        }
        return entries.compactMap { entry in
            guard entry.kind == .directory, let name = GroupName(entry.name, mark: mark) else { return nil }
            return FoundGroup(name: name, place: prefix + entry.name)
        }
    }
}
