import CLinux
import FailPoints
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import Volumes
import WardenProtocol

/// Directories of the host that are volumes: which there are, and which sandboxes have directories of them.
///
/// On the warden's one thread. What waits for the disk is done by ``ImageWorkers``: mkfs.btrfs, another size, writing
/// out and deleting what is removed, records. A mount is waited for, as long as a process takes to start.
final class HostVolumes {
    /// One that is on record.
    final class Entry {
        /// The name of its directory in the store.
        let name: String
        var record: HostVolumeRecord
        /// Nil while it is not open.
        var volume: HostVolume?
        /// Why it is not mounted, where it should be.
        var problem = ""
        /// What is being done with it by another process; nothing else is then.
        var work: String?

        init(_ name: String, _ record: HostVolumeRecord) {
            self.name = name
            self.record = record
        }
    }

    struct Use {
        let entry: Entry
        /// Of its subvolume.
        let number: UInt64
        /// What was told of how full it is.
        var mark = QuotaMark.below
    }

    let policy: VolumePolicy
    let directories: HostDirectories
    /// The warden's state directory; nil for none.
    let state: String?
    private let isPrivileged: Bool
    let hasMountNamespace: Bool
    /// The host's mount namespace; nil where this process has none of its own, or may not enter it.
    let namespace: Held<FileDescriptor>?
    var entries: [Entry] = []
    var uses: [SandboxID: Use] = [:]
    var tell: (String) -> Void = { _ in }
    /// Told of directories that become full.
    var fills: (SandboxID, _ percent: UInt8, _ used: VolumeAmounts, _ limits: VolumeAmounts) -> Void = {
        _, _, _, _ in
    }
    /// When directories are looked at; made with the first.
    var timer: Timer?
    var loop: EventLoop?
    /// Who does what waits for the disk; there from ``begin(_:on:)`` on.
    var images: ImageWorkers?

    init(
        _ policy: VolumePolicy, _ directories: HostDirectories, state: String?, isPrivileged: Bool,
        hasMountNamespace: Bool, namespace: Held<FileDescriptor>?
    ) {
        self.policy = policy
        self.directories = directories
        self.state = state
        self.isPrivileged = isPrivileged
        self.hasMountNamespace = hasMountNamespace
        self.namespace = namespace
    }

    // MARK: Requests

    /// Carries it out now, or has it done; `then` is called once, now or later.
    func answer(_ request: WardenRequest, _ then: @escaping (VolumeKeeper.Answer) -> Void) {
        do throws(Refusal) {
            switch request {
            case .hostVolumeCreate(let order):
                try needPrivileges()
                guard let bytes = order.bytes else {
                    return then(.done(.hostVolume(state(of: try takeUpAgain(order.path)))))
                }
                try make(order.path, bytes, then)
            case .hostVolumeRemove(let path, let data):
                try needPrivileges()
                try remove(try find(path), data, then)
            case .hostVolumeResize(let path, let bytes):
                try needPrivileges()
                try resize(try find(path), bytes, then)
            case .hostVolumeList:
                let known = entries.filter { $0.record.stage != .making }
                let sorted = known.sorted { $0.record.path < $1.record.path }
                then(.done(.hostVolumes(sorted.map { state(of: $0) })))
            default: throw Refusal(.malformed, "this request is not about volumes of the host")
            }
        } catch {
            then(.refused(error))
        }
    }

    private func needPrivileges() throws(Refusal) {
        guard isPrivileged, state != nil, namespace != nil else {
            throw Refusal(
                .unsupported,
                "volumes of the host take a warden of root's with a state directory and a mount namespace of its "
                    + "own, which may mount and set quotas")
        }
    }

    private func find(_ path: String) throws(Refusal) -> Entry {
        guard let entry = entries.first(where: { $0.record.path == path }) else {
            throw Refusal(.volumeAbsent, "\(shown(path)) is no volume", limit: "path")
        }
        if let work = entry.work {
            throw Refusal(.state, "the volume \(shown(path)) is being \(work); try again", limit: "path")
        }
        return entry
    }

    func state(of entry: Entry) -> HostVolumeState {
        look(at: entry)
        let stage: HostVolumeState.Stage =
            entry.record.stage == .kept ? .kept : entry.problem.isEmpty ? .mounted : .unmounted
        return HostVolumeState(
            path: entry.record.path, bytes: entry.record.bytes, used: try? entry.volume?.used(),
            stage: stage, problem: entry.problem, users: UInt32(clamping: users(of: entry).count),
            created: entry.record.created)
    }

    func users(of entry: Entry) -> [SandboxID] {
        uses.filter { $0.value.entry === entry }.keys.sorted()
    }

    // MARK: Taking up

    /// What wardens before this one have made, mounted where it is not: nobody but these volumes' programs waits.
    func begin(_ images: ImageWorkers?, on loop: EventLoop) {
        self.images = images
        self.loop = loop
        guard isPrivileged, let state else { return }
        do throws(SystemError) {
            guard let store = try HostVolumeStore.open(in: state, making: false) else { return }
            for name in try store.names() { try takeUp(name, try store.open(name)) }
        } catch {
            tell("volumes of the host are left as they are: \(error)")
        }
    }

    private func takeUp(_ name: String, _ store: borrowing FileDescriptor) throws(SystemError) {
        guard let record = try HostVolumeRecord.read(in: store) else {
            return tell(
                "\(HostVolumeStore.directory)/\(name) has no record that can be read, and is left alone")
        }
        let entry = Entry(name, record)
        switch record.stage {
        case .kept: entries.append(entry)
        case .ready:
            entries.append(entry)
            mountAgain(entry)
        case .making, .removing:
            // One that nobody was told of; what is mounted of it has its place, which the file system knows.
            entry.volume = try? HostVolume(
                opening: store, store: place(of: entry), path: record.path, bytes: record.bytes)
            undo(entry)
        }
    }

    /// What fails is told, and shown as a problem until somebody asks again.
    private func mountAgain(_ entry: Entry) {
        do throws(Refusal) {
            try open(entry)
            try mount(entry)
            entry.problem = ""
            entry.volume?.tidy()
        } catch {
            entry.problem = error.sentence
            tell("the volume \(entry.record.path) is not mounted: \(error)")
        }
    }

    func open(_ entry: Entry) throws(Refusal) {
        if entry.volume != nil { return }
        let store = try store(of: entry)
        let place = place(of: entry)
        entry.volume = try refusing { () throws(VolumeError) in
            let volume = try HostVolume(
                opening: store, store: place, path: entry.record.path, bytes: entry.record.bytes)
            try volume.letMount(at: hasMountNamespace ? try room(place) : nil)
            return volume
        }
        // Somebody was killed while he changed it.
        if let bytes = entry.volume?.bytes, bytes / 4096 != entry.record.bytes / 4096 {
            entry.record.bytes = bytes
        }
    }

    /// Where the host does not have it already.
    private func mount(_ entry: Entry) throws(Refusal) {
        try leaveCopies(entry)
        if try ask(.look, entry) == .done { return }
        let directory = try directories.open(entry.record.path, field: "path")
        try checkEmpty(directory)
        try attach(entry, directory)
    }

    /// Of a path that was kept, or that somebody has unmounted.
    private func takeUpAgain(_ path: String) throws(Refusal) -> Entry {
        let entry = try find(path)
        look(at: entry)
        if entry.record.stage == .ready, entry.problem.isEmpty {
            throw Refusal(.volumeExists, "\(shown(path)) is a volume, and mounted", limit: "path")
        }
        try needStore(for: path, "mounted")
        try open(entry)
        do throws(Refusal) {
            try mount(entry)
            entry.record.stage = .ready
            try write(entry)
            entry.problem = ""
        } catch {
            if entry.record.stage == .kept { letGo(entry) }
            throw error
        }
        return entry
    }

    // MARK: Removing

    private func remove(
        _ entry: Entry, _ data: HostVolumeData, _ then: @escaping (VolumeKeeper.Answer) -> Void
    ) throws(Refusal) {
        let path = shown(entry.record.path)
        if let first = users(of: entry).first {
            throw Refusal(.volumeInUse, "the session \(first) has a directory of the volume \(path)")
        }
        if data == .keep, entry.record.stage == .kept { return then(.done(.done)) }
        // Else it would be unmounted, and still be there.
        try needStore(for: entry.record.path, "removed")
        if data == .nothing { try checkNothing(in: entry) }
        if entry.record.stage == .ready {
            // One that cannot be opened cannot be looked for either: then nothing of it is mounted by this warden.
            if entry.volume == nil { try? open(entry) }
            try detach(entry)
        }
        FailPoint.pass(.hostVolumeUnmounted)
        entry.record.stage = data == .keep ? .kept : .removing
        entry.problem = "it is being removed"
        let release = ImageWork.release(
            name: entry.name, text: entry.record.text, deleting: data != .keep)
        // That process is the last who has it, and waits for what has to be written out.
        let holding = entry.volume.map { Array($0.sizeParts.descriptors.prefix(1)) } ?? []
        work(release, "removed", entry, holding: holding, started: { self.letGo(entry) }) { [self] refusal in
            entry.problem = refusal.map { "it was to be removed: \($0.sentence)" } ?? ""
            if let refusal { return then(.refused(refusal)) }
            if data != .keep { entries.removeAll { $0 === entry } }
            then(.done(.done))
        }
    }

    private func checkNothing(in entry: Entry) throws(Refusal) {
        try open(entry)
        let isEmpty = try refusing { () throws(VolumeError) in try entry.volume?.isEmpty() ?? false }
        if entry.record.stage == .kept { letGo(entry) }
        if isEmpty { return }
        throw Refusal(
            .volumeNotEmpty,
            "the volume \(shown(entry.record.path)) has files in it: say whether they are to be deleted or kept "
                + "(--data)", limit: "data")
    }
}
