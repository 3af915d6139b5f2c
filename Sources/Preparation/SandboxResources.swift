import CLinux
package import Cgroups
import FailPoints
import Glibc
package import Launch
package import Linux
package import Sandbox

/// What a sandbox takes from the host and gives back: its ids and its cgroups.
package final class SandboxResources {
    package let identity: Identity
    package private(set) var layers: [Layer: LayerState]
    private let layout: CgroupLayout
    private var slots: Held<SlotFile>?
    private var slot: Held<Slot>?
    private var group: Held<SandboxGroup>?
    /// An earlier holder of the slot left something that has not been removed: the note about it stays.
    private var leavesNote = false

    /// Takes a slot, which gives the ids and names the cgroups, then makes the cgroups, without limits
    /// as yet.
    /// - Parameters:
    ///   - slots: as ``slots(_:)`` has them, for who takes many.
    ///   - mark: what the cgroups are called by.
    ///   - range: the ids that may be taken.
    ///   - start: where to look for a free slot first; another for each caller.
    ///   - parent: the group that the cgroups are made in; nil for none.
    package static func take(
        _ host: HostSetup, id: String, slots: Held<SlotFile>? = nil, mark: String = GroupName.mark,
        from range: IdentityRange = .standard, startingAt start: Int = Int(getpid()),
        below parent: ParentGroup? = nil
    ) throws(PreparationError) -> SandboxResources {
        let plain = SandboxResources(host)
        let needsGroup = host.layout.missing.count < 4
        var known = slots
        if known == nil { known = try self.slots(host) }
        guard let slots = known else { return plain }
        do {
            let slot = try slots.value.acquire(
                count: range.slots.count, from: range.slots.lowerBound, startingAt: start)
            FailPoint.pass(.wardenSlotTaken)
            let name = GroupName(mark: mark, slot: slot.number, id: id).description
            let identity = host.abilities.privileged ? ids(slot.number, range, host) : plain.identity
            let resources = SandboxResources(host, identity: identity)
            resources.leavesNote = slot.isNoted
            if needsGroup {
                // Before there is a group: whoever is killed from here on leaves one.
                try slot.note(true)
                resources.group = Held(try SandboxGroup.create(in: host.layout, name: name, below: parent))
            }
            FailPoint.pass(.wardenGroupsMade)
            resources.slots = slots
            resources.slot = Held(slot)
            return resources
        } catch {
            throw PreparationError("\(error)")
        }
    }

    /// The file that slots are taken from; nil where no sandbox needs one, or there is no place for it.
    package static func slots(_ host: HostSetup) throws(PreparationError) -> Held<SlotFile>? {
        let needsGroup = host.layout.missing.count < 4
        guard host.abilities.privileged || needsGroup, let path = StateDirectory.runtime(host.abilities)
        else { return nil }
        do throws(SystemError) {
            return Held(SlotFile(in: try StateDirectory.open(path, host.abilities)))
        } catch {
            throw PreparationError("\(error)")
        }
    }

    private static func ids(_ slot: Int, _ range: IdentityRange, _ host: HostSetup) -> Identity {
        let pair = range.identity(slot)
        guard host.without.contains(.uids) else { return pair }
        return .single(uid: pair.processUID, gid: pair.processGID)
    }

    private init(_ host: HostSetup, identity: Identity? = nil) {
        self.identity = identity ?? UserIdentity.choose(host.abilities)
        layout = host.layout
        layers = host.expectedCgroups
        slots = nil
        slot = nil
        group = nil
    }

    /// Puts the limits on the cgroups. Before the init is told to go: it comes from us, and what it
    /// starts is limited.
    package func setLimits(_ limits: Limits) throws(PreparationError) {
        guard let group else { return }
        do throws(CgroupError) {
            try group.value.setLimits(limits)
            layers = group.value.layers
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// Removes the cgroups that runs before left behind when they were killed. To be called once the
    /// sandbox is on its way: it has better to do than to wait for this.
    package func sweep() {
        guard let slots, let slot, let group else { return }
        let sweep = try? layout.sweepLeftovers(
            slots: slots.value, own: slot.value, live: [group.value.name], parents: GroupName.parentMark)
        if let sweep { leavesNote = sweep.remaining.contains(slot.value.number) }
    }

    /// Whether an earlier holder of the slot left something that ``sweep()`` would remove.
    package var inherits: Bool { leavesNote }

    /// Removes what every dead launcher left behind, however many there were; for who stays.
    package static func sweepAll(
        _ host: HostSetup, _ slots: Held<SlotFile>
    ) throws(PreparationError) -> Sweep {
        do {
            let own = try slots.value.acquire(
                count: Int(Identity.slots), startingAt: Int(getpid()) % Int(Identity.slots))
            let sweep = try host.layout.sweepLeftovers(
                slots: slots.value, own: own, parents: GroupName.parentMark, asksAll: true)
            if own.isNoted, !sweep.remaining.contains(own.number) { try own.note(false) }
            return sweep
        } catch {
            throw PreparationError("\(error)")
        }
    }

    package var descriptors: LaunchDescriptors {
        var descriptors = LaunchDescriptors()
        if let group {
            descriptors.cgroupV2 = group.value.cloneDirectory
            descriptors.cgroupTasks = group.value.processFiles
        }
        if let slot { descriptors.lock = slot.value.lock.number }
        return descriptors
    }

    /// Ends everything in the sandbox and waits until it has.
    package func kill(_ sandbox: RunningSandbox) {
        beginKill(sandbox)
        _ = try? sandbox.reap()
        if let group { _ = try? group.value.waitUntilEmpty(until: clinux_boottime() + 5_000_000_000) }
    }

    /// Ends everything in the sandbox, without waiting: quota lifted, cgroup.kill, the init.
    package func beginKill(_ sandbox: RunningSandbox) {
        if let group { _ = group.value.kill() }
        sandbox.kill()
    }

    /// Closes what only the launch needs.
    package func closeLaunchFiles() { group?.value.closeFiles() }

    /// Cpu time so far, in microseconds; nil where no cgroup counts it.
    package func cpuTime() throws(PreparationError) -> UInt64? {
        guard let group else { return nil }
        do throws(CgroupError) {
            return try group.value.cpuTime()
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// Refused processes and threads so far; nil where no cgroup counts them.
    package func pidsHits() throws(PreparationError) -> UInt64? {
        guard let group, group.value.layers[.pids] == .inForce else { return nil }
        do throws(CgroupError) {
            return try group.value.pidsLimitHits()
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// As ``SandboxGroup/openPidsEvents()``.
    package func openPidsEvents() throws(PreparationError) -> Held<FileDescriptor>? {
        guard let group else { return nil }
        do throws(CgroupError) {
            switch try group.value.openPidsEvents() {
            case .some(let file): return Held(file)
            case .none: return nil
            }
        } catch {
            throw PreparationError(error.description)
        }
    }

    package func usage() -> GroupUsage { (try? group?.value.usage()) ?? GroupUsage() }

    /// Why the sandbox cannot be paused; nil where it can.
    package var pauseProblem: String? {
        guard let group else { return "the sandbox has no cgroup" }
        return group.value.pauseProblem
    }

    /// As ``SandboxGroup/setPaused(_:)``.
    package func setPaused(_ isPaused: Bool) throws(PreparationError) {
        guard let group else { return }
        do throws(CgroupError) {
            try group.value.setPaused(isPaused)
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// Whether everything in it stands still.
    package var isPaused: Bool { group?.value.isPaused ?? false }

    package func statistics() -> GroupStatistics {
        (try? group?.value.statistics()) ?? GroupStatistics()
    }

    /// Removes the cgroups, so that the slot is free for others without a note.
    /// - Parameter patience: as ``SandboxGroup/remove(within:)`` has it; 0 tries once.
    package func release(within patience: UInt64 = 200_000_000) throws(PreparationError) {
        guard let group else { return }
        do throws(CgroupError) {
            try group.value.remove(within: patience)
        } catch {
            throw PreparationError(error.description)
        }
        guard let slot, !leavesNote else { return }
        // A note that stays costs the next run one look at the groups, nothing else.
        try? slot.value.note(false)
    }
}
