import Glibc
package import Linux

/// The name of a sandbox's group, `corral-run-SLOT-ID`: the mark by which a later run knows whose
/// it was.
package struct GroupName: Hashable, Sendable, CustomStringConvertible {
    /// What the groups of `corral run` are called by; tests use another.
    package static let mark = "corral-run"

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

extension CgroupLayout {
    /// Removes the groups of sandboxes that died without cleaning up.
    ///
    /// A group is dead when nobody holds its slot: the sandbox's init holds it as long as it
    /// lives. Whatever is named differently, and a group with a process in it, is left alone.
    /// - Parameters:
    ///   - slots: the file that the runs of these groups took their slots from.
    ///   - own: a slot that the caller holds; groups of it are dead unless they are `live`.
    ///   - live: the caller's own groups.
    ///   - mark: what the groups are called by.
    /// - Returns: the names of the groups that were removed.
    package func sweepLeftovers(
        slots: borrowing SlotFile, own: borrowing Slot, live: Set<String> = [],
        mark: String = GroupName.mark
    ) throws(CgroupError) -> [String] {
        var found: [GroupName: [Hierarchy]] = [:]
        for hierarchy in hierarchies {
            for name in try groups(in: hierarchy, mark) where !live.contains(name.description) {
                found[name, default: []].append(hierarchy)
            }
        }
        if found.isEmpty { return [] }
        do {
            let probe = try slots.probe()
            var removed: [String] = []
            for (name, hierarchies) in found {
                let isDead = name.slot == own.number ? true : try probe.tryLock(name.slot)
                if isDead, sweep(name, hierarchies) { removed.append(name.description) }
            }
            return removed.sorted()
        } catch {
            throw .slots(error)
        }
    }

    private func sweep(_ name: GroupName, _ hierarchies: [Hierarchy]) -> Bool {
        var isGone = true
        for hierarchy in hierarchies.reversed() {
            // Busy: its last processes are just ending. The next run sweeps again.
            if (try? hierarchy.removeGroup(name.description)) == nil { isGone = false }
        }
        return isGone
    }

    private func groups(in hierarchy: Hierarchy, _ mark: String) throws(CgroupError) -> [GroupName] {
        do {
            let entries = try hierarchy.top.entries(startingWith: "\(mark)-")
            return entries.compactMap { $0.kind == .directory ? GroupName($0.name, mark: mark) : nil }
        } catch {
            throw .failed(error, hierarchy: hierarchy.path)
        }
    }
}
