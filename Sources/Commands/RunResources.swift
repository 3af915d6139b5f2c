import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Sandbox

/// What a run takes from the host and gives back: its ids and its cgroups.
final class RunResources {
    let identity: Identity
    private(set) var layers: [Layer: LayerState]
    private let layout: CgroupLayout
    private var slots: Held<SlotFile>?
    private var slot: Held<Slot>?
    private var group: Held<SandboxGroup>?
    /// An earlier holder of the slot left something that has not been removed: the note about it stays.
    private var leavesNote = false

    /// Takes a slot, which gives the ids and names the cgroups, then makes the cgroups, without limits
    /// as yet.
    static func take(_ host: RunHost, id: String) throws(CommandError) -> RunResources {
        let plain = RunResources(host)
        let needsGroup = host.layout.missing.count < 4
        guard host.abilities.privileged || needsGroup, let path = StateDirectory.runtime(host.abilities)
        else {
            return plain
        }
        do {
            let directory = try StateDirectory.open(path, host.abilities)
            let slots = SlotFile(in: directory)
            let slot = try slots.acquire(
                count: Int(Identity.slots), startingAt: Int(getpid()) % Int(Identity.slots))
            let name = GroupName(slot: slot.number, id: id).description
            let identity = host.abilities.privileged ? ids(slot.number, host) : plain.identity
            let resources = RunResources(host, identity: identity)
            resources.leavesNote = slot.isNoted
            if needsGroup {
                // Before there is a group: whoever is killed from here on leaves one.
                try slot.note(true)
                resources.group = Held(try SandboxGroup.create(in: host.layout, name: name))
            }
            resources.slots = Held(slots)
            resources.slot = Held(slot)
            return resources
        } catch {
            throw CommandError("\(error)")
        }
    }

    private static func ids(_ slot: Int, _ host: RunHost) -> Identity {
        let pair = Identity.slot(UInt32(slot))
        guard host.without.contains(.uids) else { return pair }
        return .single(uid: pair.processUID, gid: pair.processGID)
    }

    private init(_ host: RunHost, identity: Identity? = nil) {
        self.identity = identity ?? UserIdentity.choose(host.abilities)
        layout = host.layout
        layers = host.expectedCgroups
        slots = nil
        slot = nil
        group = nil
    }

    /// Puts the limits on the cgroups. Before the init is told to go: it comes from us, and what it
    /// starts is limited.
    func setLimits(_ limits: Limits) throws(CommandError) {
        guard let group else { return }
        do throws(CgroupError) {
            try group.value.setLimits(limits)
            layers = group.value.layers
        } catch {
            throw CommandError(error.description)
        }
    }

    /// Removes the cgroups that runs before left behind when they were killed. To be called once the
    /// sandbox is on its way: it has better to do than to wait for this.
    func sweep() {
        guard let slots, let slot, let group else { return }
        let sweep = try? layout.sweepLeftovers(
            slots: slots.value, own: slot.value, live: [group.value.name])
        if let sweep { leavesNote = sweep.remaining.contains(slot.value.number) }
    }

    var descriptors: LaunchDescriptors {
        var descriptors = LaunchDescriptors()
        if let group {
            descriptors.cgroupV2 = group.value.cloneDirectory
            descriptors.cgroupTasks = group.value.processFiles
        }
        if let slot { descriptors.lock = slot.value.lock.number }
        return descriptors
    }

    /// Ends everything in the sandbox and waits until it has: quota lifted, cgroup.kill, the init.
    func kill(_ sandbox: RunningSandbox) {
        if let group { _ = group.value.kill() }
        sandbox.kill()
        _ = try? sandbox.reap()
        if let group { _ = try? group.value.waitUntilEmpty(until: clinux_boottime() + 5_000_000_000) }
    }

    /// Cpu time so far, in microseconds; nil where no cgroup counts it.
    func cpuTime() throws(CommandError) -> UInt64? {
        guard let group else { return nil }
        do throws(CgroupError) {
            return try group.value.cpuTime()
        } catch {
            throw CommandError(error.description)
        }
    }

    /// Refused processes and threads so far; nil where no cgroup counts them.
    func pidsHits() throws(CommandError) -> UInt64? {
        guard let group, group.value.layers[.pids] == .inForce else { return nil }
        do throws(CgroupError) {
            return try group.value.pidsLimitHits()
        } catch {
            throw CommandError(error.description)
        }
    }

    /// As ``SandboxGroup/openPidsEvents()``.
    func openPidsEvents() throws(CommandError) -> Held<FileDescriptor>? {
        guard let group else { return nil }
        do throws(CgroupError) {
            switch try group.value.openPidsEvents() {
            case .some(let file): return Held(file)
            case .none: return nil
            }
        } catch {
            throw CommandError(error.description)
        }
    }

    func statistics() -> GroupStatistics {
        (try? group?.value.statistics()) ?? GroupStatistics()
    }

    /// Removes the cgroups, so that the slot is free for others without a note.
    func release() throws(CommandError) {
        guard let group else { return }
        do throws(CgroupError) {
            try group.value.remove()
        } catch {
            throw CommandError(error.description)
        }
        guard let slot, !leavesNote else { return }
        // A note that stays costs the next run one look at the groups, nothing else.
        try? slot.value.note(false)
    }
}
