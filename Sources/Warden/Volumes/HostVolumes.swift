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
/// On the warden's one thread. To make one takes as long as mkfs.btrfs does (some 0.1 s), and a mount as long as a
/// process takes to start: operators do both seldom.
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

        init(_ name: String, _ record: HostVolumeRecord) {
            self.name = name
            self.record = record
        }
    }

    private struct Use {
        let entry: Entry
        /// Of its subvolume.
        let number: UInt64
    }

    let policy: VolumePolicy
    let directories: HostDirectories
    /// The warden's state directory; nil for none.
    let state: String?
    private let isPrivileged: Bool
    let hasMountNamespace: Bool
    /// The host's mount namespace; nil where this process has none of its own, or may not enter it.
    let namespace: Held<FileDescriptor>?
    private var entries: [Entry] = []
    private var uses: [SandboxID: Use] = [:]
    var tell: (String) -> Void = { _ in }

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

    func answer(_ request: WardenRequest) throws(Refusal) -> WardenAnswer {
        switch request {
        case .hostVolumeCreate(let order):
            try needPrivileges()
            if let bytes = order.bytes { return .hostVolume(state(of: try make(order.path, bytes))) }
            return .hostVolume(state(of: try takeUpAgain(order.path)))
        case .hostVolumeRemove(let path, let data):
            try needPrivileges()
            try remove(try find(path), data)
            return .done
        case .hostVolumeList:
            return .hostVolumes(entries.sorted { $0.record.path < $1.record.path }.map { state(of: $0) })
        default: throw Refusal(.malformed, "this request is not about volumes of the host")
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
        return entry
    }

    private func state(of entry: Entry) -> HostVolumeState {
        look(at: entry)
        let stage: HostVolumeState.Stage =
            entry.record.stage == .kept ? .kept : entry.problem.isEmpty ? .mounted : .unmounted
        return HostVolumeState(
            path: entry.record.path, bytes: entry.record.bytes, used: try? entry.volume?.used(),
            stage: stage, problem: entry.problem, users: UInt32(clamping: users(of: entry).count),
            created: entry.record.created)
    }

    private func users(of entry: Entry) -> [SandboxID] {
        uses.filter { $0.value.entry === entry }.keys.sorted()
    }

    // MARK: Making

    private func make(_ path: String, _ bytes: UInt64) throws(Refusal) -> Entry {
        try check(bytes)
        try checkNew(path)
        let directory = try directories.open(path, field: "path")
        try checkEmpty(directory)
        let maker = try maker()
        let name = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
        let entry = Entry(
            name, HostVolumeRecord(path: path, bytes: bytes, stage: .making, created: Self.wall))
        do throws(Refusal) {
            try storing { (store) throws(SystemError) in
                try entry.record.write(in: store.make(name))
            }
            FailPoint.pass(.hostVolumeRecorded)
            try build(entry, directory, maker)
            try attach(entry, directory)
            FailPoint.pass(.hostVolumeMounted)
            entry.record.stage = .ready
            try write(entry)
        } catch {
            undo(entry)
            throw error
        }
        entries.append(entry)
        return entry
    }

    private func build(
        _ entry: Entry, _ directory: WorkspaceDirectory, _ maker: String
    ) throws(Refusal) {
        let store = try store(of: entry)
        let place = place(of: entry)
        try refusing { () throws(VolumeError) in
            let owner: DirectoryOwner
            do throws(SystemError) {
                owner = try DirectoryOwner(of: directory.descriptor)
            } catch {
                throw .system("to look at \(entry.record.path)", error)
            }
            let volume = try HostVolume(
                making: store, store: place, path: entry.record.path, bytes: entry.record.bytes,
                owner: owner, maker: maker)
            try volume.letMount(at: hasMountNamespace ? try room(place) : nil)
            entry.volume = volume
        }
    }

    /// Milliseconds since 1970.
    private static var wall: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private func check(_ bytes: UInt64) throws(Refusal) {
        if bytes < HostVolume.least {
            throw Refusal(
                .volumeLimit, "a volume of \(bytes) bytes; expected at least \(HostVolume.least)",
                limit: "bytes", asked: "\(bytes)", allowed: "\(HostVolume.least)")
        }
        if bytes > policy.image {
            throw Refusal(
                .ceiling, "a volume of \(bytes) bytes is more than one may have (setting volumes.image)",
                limit: "bytes", asked: "\(bytes)", allowed: "\(policy.image)")
        }
    }

    private func checkNew(_ path: String) throws(Refusal) {
        if let other = entries.first(where: {
            $0.record.path == path || isBelow(path, $0.record.path) || isBelow($0.record.path, path)
        }) {
            let what = other.record.stage == .kept ? "kept of a volume that was removed" : "a volume"
            throw Refusal(
                .volumeExists,
                other.record.path == path
                    ? "\(shown(path)) is \(what)"
                    : "\(shown(path)) and the volume \(shown(other.record.path)) "
                        + "would be inside each other", limit: "path")
        }
        try Ceilings.check("host volumes", entries.count, atMost: HostVolumeState.most)
    }

    private func checkEmpty(_ directory: WorkspaceDirectory) throws(Refusal) {
        do throws(SystemError) {
            if try directory.descriptor.open(".", O_RDONLY | O_DIRECTORY).entries(limit: 1).isEmpty { return }
        } catch  where error.errno == .fileTooLarge {
        } catch {
            throw Refusal(.system, "\(shown(directory.path)) cannot be read: \(error)")
        }
        throw Self.notEmpty(directory.path)
    }

    static func notEmpty(_ path: String) -> Refusal {
        Refusal(
            .volumeNotEmpty,
            "\(shown(path)) has files in it, which would be hidden below the volume; move them away, make the "
                + "volume, and move them back into it", limit: "path")
    }

    /// What makes file systems, where this host can have one in an image.
    private func maker() throws(Refusal) -> String {
        let path = state ?? ""
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw Refusal(.volumeSystem, "\(path) cannot be opened: \(error)")
        }
        return try refusing { () throws(VolumeError) in
            try VolumeFacts.read(directory, path: path).imageMaker(path)
        }
    }

    /// Nothing is left of one that could not be made.
    private func undo(_ entry: Entry) {
        do throws(Refusal) {
            try detach(entry)
            entry.volume = nil
            try storing { (store) throws(SystemError) in try store.remove(entry.name) }
        } catch {
            tell("what was made of the volume \(entry.record.path) cannot be removed: \(error)")
        }
    }

    // MARK: Taking up

    /// What wardens before this one have made, mounted where it is not: nobody but these volumes' programs waits.
    func begin() {
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

    private func open(_ entry: Entry) throws(Refusal) {
        if entry.volume != nil { return }
        let store = try store(of: entry)
        let place = place(of: entry)
        entry.volume = try refusing { () throws(VolumeError) in
            let volume = try HostVolume(
                opening: store, store: place, path: entry.record.path, bytes: entry.record.bytes)
            try volume.letMount(at: hasMountNamespace ? try room(place) : nil)
            return volume
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
        try open(entry)
        do throws(Refusal) {
            try mount(entry)
            entry.record.stage = .ready
            try write(entry)
            entry.problem = ""
        } catch {
            if entry.record.stage == .kept { entry.volume = nil }
            throw error
        }
        return entry
    }

    // MARK: Removing

    private func remove(_ entry: Entry, _ data: HostVolumeData) throws(Refusal) {
        let path = shown(entry.record.path)
        if let first = users(of: entry).first {
            throw Refusal(.volumeInUse, "the session \(first) has a directory of the volume \(path)")
        }
        if data == .keep, entry.record.stage == .kept { return }
        if data == .nothing {
            try open(entry)
            let isEmpty = try refusing { () throws(VolumeError) in try entry.volume?.isEmpty() ?? false }
            if entry.record.stage == .kept { entry.volume = nil }
            guard isEmpty else {
                throw Refusal(
                    .volumeNotEmpty,
                    "the volume \(path) has files in it: say whether they are to be deleted or kept (--data)",
                    limit: "data")
            }
        }
        if entry.record.stage == .ready {
            // One that cannot be opened cannot be looked for either: then nothing of it is mounted by this warden.
            if entry.volume == nil { try? open(entry) }
            try detach(entry)
        }
        FailPoint.pass(.hostVolumeUnmounted)
        entry.record.stage = data == .keep ? .kept : .removing
        entry.problem = ""
        try write(entry)
        entry.volume = nil
        if data == .keep { return }
        entries.removeAll { $0 === entry }
        try storing { (store) throws(SystemError) in try store.remove(entry.name) }
    }

    // MARK: Sessions

    /// The directory of a session, where its path is below a volume; nil where it is below none.
    /// - Throws: also for a volume that is not mounted: what is below it is not what the path means.
    func take(
        _ path: String, _ quota: DirectoryQuota?, for id: SandboxID
    ) throws(Refusal) -> WorkspaceDirectory? {
        guard let entry = entry(holding: path) else { return nil }
        guard let volume = entry.volume, entry.problem.isEmpty else {
            throw Refusal(
                .state, "the volume \(shown(entry.record.path)) is not mounted: \(entry.problem)",
                limit: "directory")
        }
        if let bytes = quota?.limits.bytes, bytes > policy.bytes {
            throw Refusal(
                .ceiling, "a directory of \(bytes) bytes is more than there may be: \(policy.bytes)",
                limit: "quota", asked: "\(bytes)", allowed: "\(policy.bytes)")
        }
        let rest = String(decoding: path.utf8.dropFirst(entry.record.path.utf8.count + 1), as: UTF8.self)
        var number: UInt64 = 0
        do throws(VolumeError) {
            let handed = try volume.hand(out: rest, bytes: quota?.limits.bytes, usual: policy.bytes) {
                number in
                uses.values.contains { $0.entry === entry && $0.number == number }
            }
            number = handed.number
            let directory: WorkspaceDirectory
            do throws(WorkspaceError) {
                directory = try WorkspaceDirectory.of(handed.takeDirectory(), path: path)
            } catch {
                throw .notToHandOut(path, "cannot be opened: \(error)")
            }
            uses[id] = Use(entry: entry, number: number)
            return directory
        } catch {
            var refusal = Refusal(error)
            if refusal.limit.isEmpty || refusal.limit == "bytes" {
                refusal.limit = refusal.code == .volumeLimit ? "quota" : "directory"
            }
            throw refusal
        }
    }

    private func entry(holding path: String) -> Entry? {
        entries.first {
            $0.record.stage == .ready && (path == $0.record.path || isBelow(path, $0.record.path))
        }
    }

    func release(_ id: SandboxID) { uses[id] = nil }

    /// Nil for a sandbox without a directory of a volume.
    func limits(of id: SandboxID) -> VolumeAmounts? { amounts(of: id).map { VolumeAmounts(bytes: $0.limit) } }
    func usage(of id: SandboxID) -> VolumeAmounts? { amounts(of: id).map { VolumeAmounts(bytes: $0.used) } }

    private func amounts(of id: SandboxID) -> (limit: UInt64?, used: UInt64?)? {
        guard let use = uses[id] else { return nil }
        return try? use.entry.volume?.amounts(of: use.number)
    }

    // MARK: The store

    private func place(of entry: Entry) -> String {
        "\(state ?? "")/\(HostVolumeStore.directory)/\(entry.name)"
    }

    private func store(of entry: Entry) throws(Refusal) -> FileDescriptor {
        do throws(SystemError) {
            if let state, let store = try HostVolumeStore.open(in: state, making: false) {
                return try store.open(entry.name)
            }
        } catch {
            throw Refusal(.volumeSystem, "\(place(of: entry)) cannot be opened: \(error)")
        }
        throw Refusal(.volumeSystem, "\(place(of: entry)) is gone")
    }

    private func write(_ entry: Entry) throws(Refusal) {
        let store = try store(of: entry)
        do throws(SystemError) {
            try entry.record.write(in: store)
        } catch {
            throw Refusal(
                .volumeSystem, "the record of \(shown(entry.record.path)) cannot be written: \(error)")
        }
    }

    private func storing(
        _ body: (borrowing HostVolumeStore) throws(SystemError) -> Void
    ) throws(Refusal) {
        do throws(SystemError) {
            guard let state, let store = try HostVolumeStore.open(in: state, making: true) else { return }
            try body(store)
        } catch {
            throw Refusal(.volumeSystem, "\(HostVolumeStore.directory) of the state directory: \(error)")
        }
    }

    /// Where it is mounted in this namespace, on kernels that clone no mount that is in none.
    private func room(_ place: String) throws(VolumeError) -> String {
        let path = "\(place)/room"
        if unsafe mkdir(path, 0o700) < 0, errno != EEXIST {
            throw .system("to make \(path)", SystemError("mkdir", path, Errno(rawValue: errno)))
        }
        return path
    }
}
