import Cgroups
import Glibc
import Linux
import Preparation
import Sandbox
import WardenProtocol

/// The groups around those of each tenant's sandboxes, by which tenants share processors and disks: made with a
/// tenant's first sandbox, removed with the last one.
///
/// Their names have one slot in common, which the warden holds while there is any: so whoever looks for what dead
/// launchers left finds them when it was killed.
final class TenantGroups {
    private struct Entry {
        let group: ParentGroup
        var weight: UInt32
        /// Sandboxes in it.
        var count = 0
    }

    private let host: HostSetup
    private let slots: Held<SlotFile>?
    private var entries: [String: Entry] = [:]
    private var slot: Held<Slot>?

    init(_ host: HostSetup, _ slots: Held<SlotFile>?) {
        self.host = host
        self.slots = slots
    }

    /// The group of a tenant, for one sandbox more, with the weight that it is to have from now on.
    /// - Returns: nil where there can be no groups.
    func take(_ share: TenantShare) throws(Refusal) -> ParentGroup? {
        guard host.layout.missing.count < 4, let slots else { return nil }
        do {
            var entry: Entry
            if let known = entries[share.tenant] {
                entry = known
            } else {
                let name = try GroupName(
                    mark: GroupName.parentMark, slot: slotNumber(slots), id: share.tenant)
                let group = try ParentGroup.create(in: host.layout, name: name.description)
                group.setWeight(share.weight)
                entry = Entry(group: group, weight: share.weight)
            }
            if entry.weight != share.weight {
                entry.group.setWeight(share.weight)
                entry.weight = share.weight
            }
            entry.count += 1
            entries[share.tenant] = entry
            return entry.group
        } catch {
            throw Refusal(.system, "the cgroup of the tenant \(share.tenant) cannot be made: \(error)")
        }
    }

    /// One sandbox of the tenant's is gone.
    func release(_ tenant: String) {
        entries[tenant]?.count -= 1
        // One that could not be removed before may be empty by now.
        for (name, entry) in entries where entry.count <= 0 {
            if (try? entry.group.remove()) != nil { entries[name] = nil }
        }
        guard entries.isEmpty, let slot else { return }
        // A note that stays costs a later run one look at the groups, nothing else.
        try? slot.value.note(false)
        self.slot = nil
    }

    /// What is in force of a tenant's weight; nil where it has no group.
    /// - Parameter weight: the one that it is to have from now on; nil for the one that it has.
    func weigh(_ tenant: String, _ weight: UInt32?) -> WeightState? {
        guard let entry = entries[tenant] else { return nil }
        if let weight {
            entry.group.setWeight(weight)
            entries[tenant]?.weight = weight
        }
        let layers = entry.group.look(weight ?? entry.weight)
        return WeightState(weight: weight ?? entry.weight, cpu: layers.cpu, io: layers.io)
    }

    /// Takes the slot with the first group. One without a note: under its number there is nothing of a dead warden's,
    /// which nobody would remove as long as this one lives.
    private func slotNumber(_ slots: Held<SlotFile>) throws(SlotError) -> Int {
        if let slot { return slot.value.number }
        var start = Int(getpid()) * 61 % SlotNotes.slots
        for _ in 0..<256 {
            let found = try slots.value.acquire(startingAt: start)
            if !found.isNoted { return try hold(found) }
            start = (found.number + 1) % SlotNotes.slots
        }
        return try hold(slots.value.acquire(startingAt: start))
    }

    private func hold(_ found: consuming Slot) throws(SlotError) -> Int {
        do {
            // Before there is a group: whoever is killed from here on leaves one.
            try found.note(true)
        } catch {
            throw .system(error)
        }
        let number = found.number
        slot = Held(found)
        return number
    }
}
